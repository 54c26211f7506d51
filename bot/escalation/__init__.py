"""When a person takes over, and what agents do with a conversation."""
