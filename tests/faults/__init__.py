"""What must never happen, made to happen."""
