"""When to try again what surely failed."""

from datetime import datetime, timedelta

from bot.channels.base import TryLater
from bot.core.clock import now

_SECONDS = (1, 2, 5, 15, 60, 300)
"""To wait after the first, second … attempt."""


def later(attempts: int, error: TryLater | None = None) -> datetime:
    """When the next attempt after `attempts` is due: when the platform said, if it did."""
    if error is not None and error.seconds is not None:
        return now() + timedelta(seconds=error.seconds)
    return now() + timedelta(seconds=_SECONDS[max(0, min(attempts, len(_SECONDS)) - 1)])
