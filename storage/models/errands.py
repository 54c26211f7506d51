"""Errands: what is to be done at a platform that is no message of a conversation."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, delete, exists, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.messages import Progress
from storage.models.base import json_field, moment, rows_changed
from storage.models.deliveries import Account


class Errand(SQLModel, table=True):
    """One thing to do: queued → sending → sent | failed | uncertain.

    `kind` and `details` say what, as its maker and its channel agreed; `result` is what the
    platform gave back. Errands of one `line` are done one after the other. One that `counts` is a
    message to the platform's limits, and its line is its chat. One that is `repeatable` may be
    done twice without harm. While it waits, a newer one with the same `merge` key takes its place.
    """

    __table_args__ = (Index("ix_errand_next", "channel", "account", "state", "rank", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    chat: str
    line: str
    kind: str
    details: dict[str, Any] = json_field(default_factory=dict)
    merge: str = Field(default="", index=True)
    rank: int
    counts: bool = True
    repeatable: bool = False
    state: str = Field(default=Progress.QUEUED, index=True)
    attempts: int = 0
    resends: int = 0
    reason: str = ""
    result: dict[str, Any] | None = json_field(default=None)
    not_before: datetime | None = moment(nullable=True, default=None)
    useful_until: datetime = moment()
    created_at: datetime = moment(default_factory=now)
    updated_at: datetime = moment(default_factory=now)


def next_errands(
    session: Session, account: Account, moment: datetime, busy: Collection[str], most: int
) -> list[Errand]:
    """What may be done now, the most urgent first: not more than one of a line."""
    earlier = aliased(Errand)
    before = exists().where(
        col(earlier.channel) == Errand.channel,
        col(earlier.account) == Errand.account,
        col(earlier.state).in_([Progress.QUEUED, Progress.SENDING]),
        col(earlier.line) == Errand.line,
        col(earlier.id) < col(Errand.id),
    )
    due = or_(col(Errand.not_before).is_(None), col(Errand.not_before) <= moment)
    query = (
        select(Errand)
        .where(*_queued(account), due, ~before, col(Errand.line).not_in(busy))
        .order_by(col(Errand.rank), col(Errand.id))
        .limit(most)
    )
    return list(session.exec(query))


def next_moment(session: Session, account: Account, after: datetime) -> datetime | None:
    """When the next errand that waits for its time becomes due."""
    query = select(func.min(Errand.not_before)).where(
        *_queued(account), col(Errand.not_before) > after
    )
    return session.exec(query).one()


def change(
    session: Session, errand_id: int, was: Sequence[Progress], to: Progress, **values: Any
) -> bool:
    """Move an errand on, if it still is where the caller thinks. True when it was."""
    statement = (
        update(Errand)
        .where(col(Errand.id) == errand_id, col(Errand.state).in_(was))
        .values(state=to, updated_at=now(), **values)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(session, statement) == 1


def waiting(session: Session, account: Account, merge: str) -> Errand | None:
    """The errand with this `merge` key that nobody has begun."""
    query = select(Errand).where(*_queued(account), Errand.merge == merge, Errand.attempts == 0)
    return session.exec(query.with_for_update()).first()


def has_merged(session: Session, account: Account, merge: str) -> bool:
    """Whether there ever was an errand with this `merge` key."""
    query = select(Errand.id).where(*_of(account), Errand.merge == merge)
    return session.exec(query.limit(1)).first() is not None


def under_way(session: Session, account: Account) -> list[Errand]:
    """An account's errands in `sending`, oldest first."""
    query = select(Errand).where(*_of(account), Errand.state == Progress.SENDING)
    return list(session.exec(query.order_by(col(Errand.id))))


def tried_since(session: Session, account: Account, since: datetime) -> list[Errand]:
    """What an account may have done since a moment and counts, the oldest first."""
    query = (
        select(Errand)
        .where(
            *_of(account),
            col(Errand.counts).is_(True),
            col(Errand.attempts) > 0,
            col(Errand.updated_at) >= since,
        )
        .order_by(col(Errand.updated_at))
    )
    return list(session.exec(query))


def forget_errands(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` errands that ended before a moment. Returns how many."""
    ended = [Progress.SENT, Progress.FAILED, Progress.UNCERTAIN]
    old = (
        select(col(Errand.id))
        .where(col(Errand.state).in_(ended), col(Errand.updated_at) < before)
        .limit(most)
    )
    return rows_changed(session, delete(Errand).where(col(Errand.id).in_(old)))


def _of(account: Account) -> tuple[Any, ...]:
    return Errand.channel == account[0], Errand.account == account[1]


def _queued(account: Account) -> tuple[Any, ...]:
    return *_of(account), Errand.state == Progress.QUEUED
