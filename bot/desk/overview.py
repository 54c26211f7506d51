"""What all desks of a process show alike, read once for all of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from bot.desk.sight import Lists
from bot.desk.texts import Texts
from bot.desk.views import shared_lists
from storage import live
from storage.db import Database

FRESH_SECONDS = 10
"""How long it is shown when nothing happens; then waiting times have grown."""

SHARE_SECONDS = 0.01
"""How long the others wait for each desk."""


class Overview:
    """The shared lists, by the language and the teams of who looks."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listening = db.live.listen(live.QUEUE)
        self._changed = self._listening.__enter__()  # as long as the process lives
        self._read: dict[tuple[str, frozenset[str] | None], _Reading] = {}
        self._desks = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """One more desk is open, as long as the context."""
        self._desks += 1
        try:
            yield
        finally:
            self._desks -= 1

    @property
    def patience(self) -> float:
        """How many seconds later a desk may look at what does not concern it, so that many desks
        leave room for those that it does."""
        return SHARE_SECONDS * (self._desks - 1)

    async def lists(self, texts: Texts, teams: frozenset[str] | None) -> Lists:
        """The lists as they are now; who asks while they are read gets them with the others.

        Raises what reading the tables raises.
        """
        if self._changed.take():
            self._read.clear()
        key = texts.language, teams
        reading = self._read.get(key)
        if reading is None or reading.is_old:
            reading = self._read[key] = _Reading(self._db, texts, teams)
        return await asyncio.shield(reading.task)  # one who leaves does not end it for the others


class _Reading:
    """One look at the tables, under way or done."""

    def __init__(self, db: Database, texts: Texts, teams: frozenset[str] | None) -> None:
        self._begun = monotonic()
        self.task = asyncio.create_task(db.read(shared_lists, texts, teams))

    @property
    def is_old(self) -> bool:
        """Whether it has to be looked again, also because it failed."""
        failed = self.task.done() and (self.task.cancelled() or self.task.exception() is not None)
        return failed or monotonic() - self._begun > FRESH_SECONDS
