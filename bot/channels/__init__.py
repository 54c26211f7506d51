"""The outside world speaks through here: one file per channel, knowing nothing of tables."""

NAMES = ("telegram", "wechat", "web")
"""The channels that there are, as customers' chats are kept under them."""
