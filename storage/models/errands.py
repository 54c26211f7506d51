"""Errands: what is to be done at a platform that is no message of a conversation."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Index, exists
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, col, select

from bot.core.messages import Progress
from storage.models.base import delete_some, json_field
from storage.models.progress import Account, OnItsWay, is_due, of, queued


class Errand(OnItsWay, table=True):
    """One thing to do: queued → sending → sent | failed | uncertain.

    `kind` and `details` say what, as its maker and its channel agreed; `result` is what the
    platform gave back. Errands of one `line` are done one after the other. One that `counts` is a
    message to the platform's limits, and its line is its chat. One that is `repeatable` may be
    done twice without harm. While it waits, a newer one with the same `merge` key takes its place.
    """

    __table_args__ = (Index("ix_errand_next", "channel", "account", "state", "rank", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    line: str
    kind: str
    details: dict[str, Any] = json_field(default_factory=dict)
    merge: str = Field(default="", index=True)
    counts: bool = True
    repeatable: bool = False
    result: dict[str, Any] | None = json_field(default=None)


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
    query = (
        select(Errand)
        .where(
            *queued(Errand, account), is_due(Errand, moment), ~before, col(Errand.line).not_in(busy)
        )
        .order_by(col(Errand.rank), col(Errand.id))
        .limit(most)
    )
    return list(session.exec(query))


def waiting(session: Session, account: Account, merge: str) -> Errand | None:
    """The errand with this `merge` key that nobody has begun."""
    query = select(Errand).where(
        *queued(Errand, account), Errand.merge == merge, Errand.attempts == 0
    )
    return session.exec(query.with_for_update()).first()


def has_merged(session: Session, account: Account, merge: str) -> bool:
    """Whether there ever was an errand with this `merge` key."""
    query = select(Errand.id).where(*of(Errand, account), Errand.merge == merge)
    return session.exec(query.limit(1)).first() is not None


def forget_errands(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` errands that ended before a moment. Returns how many."""
    ended = col(Errand.state).in_([Progress.SENT, Progress.FAILED, Progress.UNCERTAIN])
    return delete_some(session, col(Errand.id), most, ended, col(Errand.updated_at) < before)
