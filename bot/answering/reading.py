"""What rooms that talk with customers ask of the engine, and what they do when it fails."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from bot.answering.load import Entry
from bot.answering.understanding import Understanding
from bot.core.errors import Unavailable, traced

Understand = Callable[[str], Awaitable[Understanding]]

log = structlog.get_logger()


class Entries(Protocol):
    """Where FAQ entries are looked up."""

    def entry(self, entry_id: str, language: str) -> Entry | None:
        """The entry in `language`, else in the other one; None when it is gone."""


async def read(understand: Understand, text: str) -> Understanding:
    """What `text` means; what the engine fails at is not understood, and says so.

    Raises `Unavailable` while there is no engine.
    """
    try:
        return await understand(text)
    except Unavailable:
        raise
    except Exception as error:
        log.error("a message could not be read", error=traced(error))
        return Understanding.of_unreadable(text, error)
