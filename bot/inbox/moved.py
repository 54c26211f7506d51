"""Keeps which groups have new ids at their platform."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from storage.db import Database
from storage.models.moves import follow_move, keep_move, moved_chats
from storage.models.progress import Account


@dataclass(frozen=True, slots=True)
class KeptMoves:
    """The `MoveKeeper` of one account."""

    db: Database
    account: Account

    async def known(self) -> Mapping[str, str]:
        """The new ids by the old ones."""
        return await self.db.read(moved_chats, self.account)

    async def keep(self, chat: str, new_chat: str) -> None:
        """From now on it is known."""
        await self.db.transact(keep_move, self.account, chat, new_chat)


def begin(session: Session, account: Account, ours: Collection[str]) -> dict[str, str]:
    """The moves that the configuration, which names `ours`, has not followed yet.

    Where it has, what is known of a group is known under its new id.
    """
    found = moved_chats(session, account)
    for chat, new_chat in found.items():
        if new_chat in ours:
            follow_move(session, account, chat, new_chat)
    return {old: new for old, new in found.items() if old in ours and new not in ours}
