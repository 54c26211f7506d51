"""When to try again what surely failed."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.channels.base import TryLater
from bot.core.clock import now
from bot.core.errors import Unavailable
from storage.db import Database

_SECONDS = (1, 2, 5, 15, 60, 300)
"""To wait after the first, second … attempt."""
RETRY_SECONDS = 1.0
"""Between two attempts to reach a database that rests."""


def later(attempts: int, error: TryLater | None = None) -> datetime:
    """When the next attempt after `attempts` is due: when the platform said, if it did."""
    if error is not None and error.seconds is not None:
        return now() + timedelta(seconds=error.seconds)
    return now() + timedelta(seconds=_SECONDS[max(0, min(attempts, len(_SECONDS)) - 1)])


async def record(db: Database, work: Callable[..., Any], *details: Any) -> None:
    """Write down what became of something, however long the database takes to come back."""
    while True:
        try:
            await db.transact(work, *details)
        except Unavailable:
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
