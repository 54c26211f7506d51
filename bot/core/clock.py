"""One place to ask for the time, so that every stored moment is an aware UTC datetime."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)
