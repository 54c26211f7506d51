"""What the bot says: templates that are checked when loaded and rendered in a sandbox."""
