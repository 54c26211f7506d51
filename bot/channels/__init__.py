"""The outside world speaks through here: one file per channel, knowing nothing of tables."""
