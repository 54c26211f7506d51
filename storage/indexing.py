"""Fills the search's index behind the service's back: never on the way of a message."""

import asyncio
from dataclasses import dataclass
from time import monotonic

import structlog
from sqlmodel import Session

from bot.core.errors import Unavailable, traced
from storage.db import Database
from storage.models import search_index
from storage.models.search_index import Entry, Progress, Shelf
from storage.ownership import Ownership

LOOK_SECONDS = 1.0
"""How long a message waits, at most, until it can be found; also while nothing is written."""
BATCH = 250
"""Rows in one transaction: messages that come meanwhile wait for it on SQLite."""
SHARE = 0.5
"""Of the time, for indexing what has gathered: the rest is for messages."""
SWEEP_SECONDS = 60.0
"""How often PostgreSQL's stragglers are looked for."""
MANY = 5_000
"""From so many on, it is told how far it is."""
TELL_SECONDS = 15.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be indexed on a shelf."""

    at: Progress
    unread: list[Entry]
    changes: list[Entry]

    @property
    def is_full(self) -> bool:
        """Whether there may be more of it."""
        return BATCH in (len(self.unread), len(self.changes))


class Indexer:
    """Fills the index. Of several processes one does, and another takes over when it dies."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._swept = monotonic() - SWEEP_SECONDS
        self._told = 0.0
        self._is_filling = False

    async def run(self) -> None:
        """Index what is committed, until cancelled."""
        ownership = Ownership(self._db, "search-index")
        while True:
            async with ownership.held():
                while await ownership.is_ours():
                    pause = await self._round()
                    await asyncio.sleep(pause)

    async def _round(self) -> float:
        """Index some. Returns the seconds until the next round."""
        started = monotonic()
        try:
            if await self.fill_some():
                return (monotonic() - started) * (1 - SHARE) / SHARE
            await self._sweep()
        except Unavailable:
            pass
        except Exception as error:
            log.error("messages are indexed later", error=traced(error))
        return LOOK_SECONDS

    async def fill_some(self) -> bool:
        """Index the next batch of each shelf. True while there may be more."""
        is_full = False
        for shelf in Shelf:
            work = await self._db.read(_look, shelf)
            if work.unread:
                await self._db.transact(search_index.fill, shelf, work.at.filled, work.unread)
            if work.changes:
                await self._db.transact(search_index.fill_again, shelf, work.changes)
            is_full |= work.is_full
            await self._tell(shelf, work)
        return is_full

    async def sweep(self, shelf: Shelf) -> None:
        """Index what appeared below what was indexed before."""
        at, is_over, found = await self._db.read(_stragglers, shelf)
        if found:
            log.info("indexing messages that were committed late", messages=len(found))
            await self._db.transact(search_index.fill_again, shelf, found)
        if len(found) < BATCH:
            await self._db.transact(search_index.settle, shelf, at, is_over)

    async def _sweep(self) -> None:
        if self._db.is_sqlite or monotonic() - self._swept < SWEEP_SECONDS:
            return  # SQLite has one writer: ids appear in their order
        self._swept = monotonic()
        for shelf in Shelf:
            await self.sweep(shelf)

    async def _tell(self, shelf: Shelf, work: Work) -> None:
        """Say how far it is, where it takes long: after an upgrade or a restore."""
        if shelf != Shelf.MESSAGE or monotonic() - self._told < TELL_SECONDS:
            return
        filled = work.unread[-1].id if work.unread else work.at.filled
        last = await self._db.read(search_index.newest, shelf) if work.unread else filled
        if last - filled >= MANY:
            self._is_filling, self._told = True, monotonic()
            log.info("older messages are being indexed for the search", done=filled, of=last)
        elif self._is_filling:
            self._is_filling = False
            log.info("all messages are indexed for the search", messages=last)


def _look(session: Session, shelf: Shelf) -> Work:
    at = search_index.progress(session, shelf)
    return Work(
        at,
        search_index.unread(session, shelf, at.filled, BATCH),
        search_index.changes(session, shelf, BATCH),
    )


def _stragglers(session: Session, shelf: Shelf) -> tuple[Progress, bool, list[Entry]]:
    at = search_index.progress(session, shelf)
    is_over = search_index.is_over(session, at)  # asked first: what has ended is seen below
    return at, is_over, search_index.stragglers(session, shelf, at, BATCH)
