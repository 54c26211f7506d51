"""Secrets and names that nobody can guess."""

import secrets


def token(size: int = 32) -> str:
    """A URL-safe random token of `size` bytes (32 bytes: 256 bits of entropy)."""
    return secrets.token_urlsafe(size)


def password() -> str:
    """A first password that a person can read aloud: four groups of five characters."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
