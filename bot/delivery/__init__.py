"""Messages on their way out: what is said is written here, in the caller's transaction."""
