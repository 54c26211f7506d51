"""微信客服: how far the platform's log is read, what was read and not taken yet, who has a chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import UniqueConstraint, update
from sqlmodel import Field, Session, SQLModel, col, delete, select

from bot.core.clock import now
from storage.models.base import json_field, moment, rows_changed
from storage.models.upsert import insert_or_ignore

TOKEN_LASTS = timedelta(minutes=9)
"""How long a callback's token is used: the platform takes it for 10 minutes
(developer.work.weixin.qq.com/document/path/94670)."""


class KfSync(SQLModel, table=True):
    """How far an account's log is read. `heard` counts callbacks, `read` those that were followed
    up: a sync is due while there are more of the first."""

    __tablename__ = "kf_sync"

    account: str = Field(primary_key=True)
    cursor: str = ""
    token: str = ""
    token_at: datetime | None = moment(nullable=True, default=None)
    heard: int = 0
    read: int = 0


class KfMessage(SQLModel, table=True):
    """One entry of the log that was read and has not taken effect yet."""

    __tablename__ = "kf_message"
    __table_args__ = (UniqueConstraint("account", "msgid"),)

    id: int | None = Field(default=None, primary_key=True)
    account: str
    msgid: str
    data: dict[str, Any] = json_field()
    read_at: datetime = moment(default_factory=now)


class KfSession(SQLModel, table=True):
    """In which state the platform has a chat (0 new, 1 ours, 2 queue, 3 a person's, 4 over), and
    who has it in the company's own client."""

    __tablename__ = "kf_session"
    __table_args__ = (UniqueConstraint("account", "chat"),)

    id: int | None = Field(default=None, primary_key=True)
    account: str
    chat: str
    state: int
    servicer: str = ""
    begun_at: datetime = moment(default_factory=now)


@dataclass(frozen=True, slots=True)
class Position:
    """Where to read on: after `cursor`, with the newest callback's `token` while it is good.

    `heard` callbacks had come when this was looked up.
    """

    cursor: str = ""
    token: str = ""
    heard: int = 0
    is_due: bool = False


def hear(session: Session, account: str, token: str) -> None:
    """The platform says that there is something new: a sync is due."""
    insert_or_ignore(session, KfSync(account=account))
    statement = (
        update(KfSync)
        .where(col(KfSync.account) == account)
        .values(heard=col(KfSync.heard) + 1, token=token, token_at=now())
    )
    rows_changed(session, statement)


def position(session: Session, account: str) -> Position:
    """How far the account's log is read."""
    row = session.get(KfSync, account)
    if row is None:
        return Position()
    is_good = row.token_at is not None and now() - row.token_at < TOKEN_LASTS
    return Position(row.cursor, row.token if is_good else "", row.heard, row.heard > row.read)


def keep(
    session: Session,
    account: str,
    messages: Sequence[Mapping[str, Any]],
    before: Position,
    cursor: str,
    *,
    is_end: bool,
) -> bool:
    """Store a page that was read from `before` on, and the cursor after it: all or nothing.

    At the log's end the callbacks heard until then are followed up. False, and nothing stored,
    when somebody else has read on meanwhile.
    """
    insert_or_ignore(session, KfSync(account=account))
    values: dict[str, Any] = {"cursor": cursor} | ({"read": before.heard} if is_end else {})
    statement = (
        update(KfSync)
        .where(col(KfSync.account) == account, col(KfSync.cursor) == before.cursor)
        .values(**values)
    )
    if not rows_changed(session, statement):
        return False
    for one in messages:
        row = KfMessage(account=account, msgid=str(one.get("msgid", "")), data=dict(one))
        insert_or_ignore(session, row)
    return True


def untaken(session: Session, account: str, most: int) -> list[KfMessage]:
    """The oldest entries that have not taken effect."""
    query = select(KfMessage).where(KfMessage.account == account).order_by(col(KfMessage.id))
    return list(session.exec(query.limit(most)))


def forget(session: Session, ids: Sequence[int]) -> None:
    """These entries have taken effect."""
    session.exec(delete(KfMessage).where(col(KfMessage.id).in_(ids)))


def start_over(session: Session, account: str) -> None:
    """Read the log from its beginning: the platform does not know the cursor any more."""
    session.exec(update(KfSync).where(col(KfSync.account) == account).values(cursor=""))


def find_session(session: Session, account: str, chat: str) -> KfSession | None:
    """What is known of a chat's session, held until the commit."""
    query = select(KfSession).where(KfSession.account == account, KfSession.chat == chat)
    return session.exec(query.with_for_update()).one_or_none()


def note_session(session: Session, account: str, chat: str, state: int, servicer: str = "") -> int:
    """Note a chat's state; returns the one before, 4 (over) where none was known."""
    found = find_session(session, account, chat)
    if found is None:
        insert_or_ignore(session, KfSession(account=account, chat=chat, state=4))
        found = find_session(session, account, chat)
        assert found is not None
    before, found.state, found.servicer = found.state, state, servicer
    if before == 4 and state != 4:
        found.begun_at = now()
    session.add(found)
    return before
