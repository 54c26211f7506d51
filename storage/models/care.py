"""Care messages: what is due to whom, what became of it, and why where it was not sent."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    Index,
    String,
    UniqueConstraint,
    and_,
    exists,
    tuple_,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import delete_some, json_field, moment, new_row
from storage.models.bulk import among, insert_many, update_many

NO_CHAT = "no chat"
"""Why what is meant for somebody waits whom we cannot write to yet."""


class CareState(StrEnum):
    """How far a care message is; after `WRITTEN` its delivery tells what became of it."""

    DUE = "due"
    WRITTEN = "written"
    HELD_OUT = "held_out"
    REFUSED = "refused"


class CareMessage(SQLModel, table=True):
    """One message of a journey to one customer: at most one for each subject, such as `order:17`.

    It is looked at from `due_at` on, and not sent after `valid_until`. `reason` is why it waits or
    was refused. `facts` is what its text needs besides customer, order and parcel. A message of a
    sending to many has its `sending_id`. `message_id` and `identity_id` are known once it is
    written. Those held out are never written: they are what the others are compared with.
    """

    __tablename__ = "care_message"
    __table_args__ = (
        UniqueConstraint("journey", "subject", "customer_id"),
        Index("ix_care_message_due", "state", "due_at"),
        Index("ix_care_message_sending", "sending_id", "state"),
        Index("ix_care_message_customer", "customer_id", "state"),
        Index("ix_care_message_turn", "state", "customer_id", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    journey: str
    subject: str
    customer_id: int = Field(foreign_key="customer.id")
    order_id: int | None = Field(default=None, foreign_key="orders.id")
    parcel_id: int | None = Field(default=None, foreign_key="parcel.id")
    sending_id: int | None = Field(default=None, foreign_key="care_sending.id")
    purpose: str
    priority: int = 0
    variant: str = ""
    facts: dict[str, Any] = json_field(default_factory=dict)
    due_at: datetime = moment()
    valid_until: datetime = moment()
    state: str = CareState.DUE
    reason: str = ""
    identity_id: int | None = Field(default=None, foreign_key="identity.id")
    message_id: int | None = Field(default=None, foreign_key="message.id", unique=True)
    created_at: datetime = moment(default_factory=now)
    decided_at: datetime | None = moment(nullable=True, default=None)


class CareRefusal(SQLModel, table=True):
    """One "no" of the guard: `for_good`, or only for now. Kept when the reason is a new one."""

    __tablename__ = "care_refusal"

    id: int | None = Field(default=None, primary_key=True)
    care_id: int = Field(foreign_key="care_message.id", index=True)
    reason: str
    for_good: bool
    at: datetime = moment(default_factory=now)


class Sending(SQLModel, table=True):
    """A message to many. Nothing is written before it is confirmed.

    `state` is one of draft, counted, running, paused, stopped, done. `segment` says who gets it,
    `texts` what, by language; `pool` is whose coupons go with it. `counts` is what the guard said
    when it was counted at `counted_at`, by reason. Customers up to the id `planned_to` have their
    care message; all have since `planned_at`. Of a hundred `holdout_percent` are not
    written to.
    """

    __tablename__ = "care_sending"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    purpose: str
    segment: dict[str, Any] = json_field(default_factory=dict)
    texts: dict[str, str] = json_field(default_factory=dict)
    pool: str = ""
    state: str = "draft"
    counts: dict[str, int] = json_field(default_factory=dict)
    planned_to: int = 0
    holdout_percent: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    valid_until: datetime = moment()
    created_at: datetime = moment(default_factory=now)
    counted_at: datetime | None = moment(nullable=True, default=None)
    confirmed_at: datetime | None = moment(nullable=True, default=None)
    planned_at: datetime | None = moment(nullable=True, default=None)
    ended_at: datetime | None = moment(nullable=True, default=None)


_CARE = SQLModel.metadata.tables["care_message"]


def plan(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert care messages of these values, but for those that there are already."""
    insert_many(session, _CARE, [new_row(CareMessage, **row) for row in rows], or_ignore=True)


def is_any_due(session: Session, at: datetime) -> bool:
    """Whether a care message has to be looked at; those of sendings have their own turn."""
    query = select(CareMessage.id).where(
        CareMessage.state == CareState.DUE,
        col(CareMessage.due_at) <= at,
        col(CareMessage.sending_id).is_(None),
    )
    return session.exec(query.limit(1)).first() is not None


def due_from(session: Session, customer_id: int, at: datetime, most: int) -> list[CareMessage]:
    """What has to be looked at of customers from this id on, held until the commit; not what
    belongs to sendings.

    A customer's are together, the most important first. They are rows with its columns, which
    cost far less than objects of the table.
    """
    query = (
        select_columns(_CARE)
        .where(
            _CARE.c.state == CareState.DUE,
            _CARE.c.customer_id >= customer_id,
            _CARE.c.due_at <= at,
            _CARE.c.sending_id.is_(None),
        )
        .order_by(_CARE.c.customer_id, _CARE.c.priority.desc(), _CARE.c.due_at, _CARE.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return cast("list[CareMessage]", list(session.connection().execute(query)))


def put_off(session: Session, customer_id: int, at: datetime, until: datetime) -> None:
    """Look at the first of what `due_from` gives later."""
    for row in due_from(session, customer_id, at, 1):
        session.execute(update(_CARE).where(_CARE.c.id == row.id).values(due_at=until))


def due_of(session: Session, keys: Collection[tuple[str, str, int]]) -> list[CareMessage]:
    """What is still to be decided of these journeys, subjects and customers: held rows, too."""
    names = tuple_(_CARE.c.journey, _CARE.c.subject, _CARE.c.customer_id)
    query = (
        select_columns(_CARE)
        .where(names.in_(keys), _CARE.c.state == CareState.DUE)
        .order_by(_CARE.c.priority.desc(), _CARE.c.id)
        .with_for_update()
    )
    return cast("list[CareMessage]", list(session.connection().execute(query)))


def known_subjects(
    session: Session, journey: str, subject: str, customer_ids: Collection[int]
) -> set[int]:
    """Which of these customers have a message of this journey and subject."""
    query = select_columns(_CARE.c.customer_id).where(
        _CARE.c.journey == journey, _CARE.c.subject == subject,
        among(_CARE.c.customer_id, customer_ids),
    )  # fmt: skip
    return set(session.connection().execute(query).scalars())


def decided(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Note what was decided about messages that were due: their `id` and what is new of them."""
    update_many(session, _CARE, changes, state=CareState.DUE)


def refused(session: Session, refusals: Sequence[dict[str, Any]]) -> None:
    """Keep what the guard said no to: `care_id`, `reason`, `for_good`, `at`."""
    insert_many(session, SQLModel.metadata.tables["care_refusal"], refusals)


def care_of_messages(session: Session, message_ids: Collection[int]) -> dict[int, CareMessage]:
    """What messages were planned as, by their ids, of those that are care."""
    query = select(CareMessage).where(among(col(CareMessage.message_id), message_ids))
    return {one.message_id or 0: one for one in session.exec(query)}


def forget_refusals(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` refusals of the guard from before a moment. Returns how many."""
    return delete_some(session, col(CareRefusal.id), most, col(CareRefusal.at) < before)


def forget_refused(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` care messages that were refused, due before a moment and have no
    refusals left. Those of sendings stay: they are counted. Returns how many."""
    is_known = exists().where(col(CareRefusal.care_id) == col(CareMessage.id))
    return delete_some(
        session,
        col(CareMessage.id),
        most,
        CareMessage.state == CareState.REFUSED,
        col(CareMessage.due_at) < before,
        col(CareMessage.sending_id).is_(None),
        ~is_known,
    )


def can_be_told(session: Session, customer_id: int) -> None:
    """A chat of the customer's is known now: what waits for one is looked at."""
    waits = (_CARE.c.state == CareState.DUE, _CARE.c.reason == NO_CHAT)
    mine = _CARE.c.customer_id == customer_id
    session.execute(update(_CARE).where(mine, *waits).values(due_at=now()))


def move_care(session: Session, before: int, after: int) -> None:
    """One customer turned out to be another, whose what was planned for them is now.

    Where both had a message of one journey and subject, the first's keeps a subject of its own.
    No more than one of the two is sent.
    """
    other = _CARE.alias()
    same = and_(
        other.c.journey == _CARE.c.journey,
        other.c.subject == _CARE.c.subject,
        other.c.customer_id == after,
    )
    mine = _CARE.c.customer_id == before
    twins = select_columns(_CARE.c.id, _CARE.c.state, other.c.id).join(other, same).where(mine)
    pairs = session.connection().execute(twins).all()
    ids = [one for one, _, _ in pairs]
    is_told = (CareState.WRITTEN, CareState.HELD_OUT)
    spare = [*ids, *(theirs for _, state, theirs in pairs if state in is_told)]
    is_twin = _CARE.c.id.in_(ids)
    renamed = _CARE.c.subject + "~" + sql_cast(_CARE.c.id, String)
    is_due = and_(_CARE.c.id.in_(spare), _CARE.c.state == CareState.DUE)
    gone = {"state": CareState.REFUSED, "reason": "merged", "decided_at": now()}
    session.execute(update(_CARE).where(is_due).values(**gone))
    session.execute(update(_CARE).where(is_twin).values(subject=renamed))
    session.execute(update(_CARE).where(mine).values(customer_id=after))
