"""Keeps who looked at what, and which logins are in use, without making anybody wait for it."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import Unavailable
from storage.db import Database
from storage.models.agents import keep_seen
from storage.models.audit import Look, record_looks

PAUSE_SECONDS = 1.0
"""For how long looks are gathered; so much of them is lost when the process is killed."""
LOOKED_AGAIN = timedelta(minutes=10)
"""The same look by the same person within this time is one look: pages refresh all the time."""
SEEN_AGAIN = timedelta(minutes=1)
"""How exactly it is known when a login was last used."""
_MOST = 10_000
"""What is remembered at most while the database rests."""

K = TypeVar("K")


class Trail:
    """Gathers looks and writes them together. Use it on the event loop's thread; `close` it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[Look, datetime] = {}
        self._used: dict[str, datetime] = {}
        self._looks: list[tuple[datetime, Look]] = []
        self._seen: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None

    def looked(self, look: Look) -> None:
        """Somebody has seen something."""
        at = now()
        if _is_news(self._known, look, at, LOOKED_AGAIN) and len(self._looks) < _MOST:
            self._looks.append((at, look))
            self._soon()

    def seen(self, token: str) -> None:
        """The login with this token was used."""
        at = now()
        if _is_news(self._used, token, at, SEEN_AGAIN) and len(self._seen) < _MOST:
            self._seen[token] = at
            self._soon()

    async def write(self) -> None:
        """Write what was gathered. Where the database rests, it is kept for the next time."""
        looks, self._looks = self._looks, []
        seen, self._seen = self._seen, {}
        try:
            if looks or seen:
                await self._db.transact(_write, looks, seen)
        except Unavailable:
            self._looks = looks + self._looks
            self._seen = seen | self._seen

    async def close(self) -> None:
        """Write the rest; nothing may be told afterwards."""
        if self._writing is not None:
            self._writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing
        await self.write()

    def _soon(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._looks or self._seen:
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.shield(self.write())


def _is_news(known: dict[K, datetime], one: K, at: datetime, pause: timedelta) -> bool:
    """Whether `one` was not met within `pause`; what is older is forgotten."""
    before = known.get(one)
    if before is not None and timedelta(0) <= at - before < pause:
        return False
    if len(known) >= _MOST:
        for old in [key for key, moment in known.items() if at - moment >= pause]:
            del known[old]
    known[one] = at
    return True


def _write(session: Session, looks: list[tuple[datetime, Look]], seen: dict[str, datetime]) -> None:
    record_looks(session, looks)
    keep_seen(session, seen)
