"""The clocks that run on what a team promised: one row each, from its start to its end."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from storage.models.base import moment


class SlaClock(SQLModel, table=True):
    """A promise in one conversation. `kind` is `first`, `next` or `resolution`.

    `next_at` is when the clock has to be looked at: at the warning, then when the answer is due,
    then never. `outcome` is empty while it runs, then `met`, `late`, or `dropped` when the customer
    no longer waited for it.
    """

    __tablename__ = "sla_clock"

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id", index=True)
    kind: str
    team: str
    started_at: datetime = moment(index=True)
    due_at: datetime = moment()
    next_at: datetime | None = moment(nullable=True, default=None, index=True)
    warned_at: datetime | None = moment(nullable=True, default=None)
    breached_at: datetime | None = moment(nullable=True, default=None)
    ended_at: datetime | None = moment(nullable=True, default=None)
    outcome: str = ""


def running(session: Session, conversation_id: int) -> list[SlaClock]:
    """The clocks of a conversation that run, the oldest first."""
    query = select(SlaClock).where(
        SlaClock.conversation_id == conversation_id, col(SlaClock.ended_at).is_(None)
    )
    return list(session.exec(query.order_by(col(SlaClock.id))))


def due_clocks(session: Session, at: datetime, most: int) -> list[int]:
    """The ids of clocks that have to be looked at by `at`, the earliest first."""
    query = select(SlaClock.id).where(col(SlaClock.next_at) <= at)
    return [one for one in session.exec(query.order_by(col(SlaClock.next_at)).limit(most)) if one]


def alerts(session: Session, conversation_ids: Iterable[int]) -> dict[int, str]:
    """`warned` or `breached` for each conversation with a running clock that is, by id."""
    query = select(SlaClock).where(
        col(SlaClock.conversation_id).in_(list(conversation_ids)),
        col(SlaClock.ended_at).is_(None),
        col(SlaClock.warned_at).is_not(None),
    )
    found: dict[int, str] = {}
    for clock in session.exec(query):
        is_worse = clock.breached_at is not None or clock.conversation_id not in found
        if is_worse:
            found[clock.conversation_id] = "breached" if clock.breached_at else "warned"
    return found
