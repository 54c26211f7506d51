"""Keeps what is read of 微信客服's log, until it has taken effect."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlmodel import Session

from bot.channels.wechat.kf_reading import Entry, Place
from storage import live
from storage.db import Database
from storage.live import Signal
from storage.models import kf
from storage.models.kf import Position

AT_ONCE = 100
"""How many entries take effect side by side, at most."""


def topic(account: str) -> str:
    """Topic of `storage.live`: the platform has news of an account."""
    return f"kf:{account}"


class KeptLog:
    """The log as `Reader` wants it, in the tables."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def hear(self, account: str, token: str) -> None:
        """The platform says that there is something new. Returns after the commit."""
        await self._db.transact(_hear, account, token)

    async def place(self, account: str) -> Place:
        """How far the log is read."""
        at = await self._db.read(kf.position, account)
        return Place(at.cursor, at.token, at.heard, at.is_due)

    async def keep(
        self, account: str, page: Sequence[Any], before: Place, cursor: str, *, is_end: bool
    ) -> bool:
        """Store a page with the cursor behind it; False when somebody else has read on."""
        at = Position(before.cursor, heard=before.heard)
        return await self._db.transact(kf.keep, account, page, at, cursor, is_end=is_end)

    async def untaken(self, account: str) -> list[Entry]:
        """The oldest entries that have not taken effect."""
        found = await self._db.read(kf.untaken, account, AT_ONCE)
        return [Entry(one.id, one.data) for one in found if one.id is not None]

    async def forget(self, ids: Sequence[int]) -> None:
        """These have taken effect."""
        await self._db.transact(kf.forget, ids)

    async def start_over(self, account: str) -> None:
        """Forget the cursor."""
        await self._db.transact(kf.start_over, account)

    def listen(self, account: str) -> AbstractContextManager[Signal]:
        """Whom news of the account wakes, while the context is open."""
        return self._db.live.listen(topic(account))


def _hear(session: Session, account: str, token: str) -> None:
    kf.hear(session, account, token)
    live.touch(session, topic(account))
