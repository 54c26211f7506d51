"""Care messages: what is due to whom, what became of it, and why where it was not sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, Session, SQLModel

from bot.core.clock import now
from storage.models.base import json_field, moment
from storage.models.upsert import insert_or_ignore


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
    care message; all have since `planned_at`. The share `holdout` of them is not written to.
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
    holdout: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    valid_until: datetime = moment()
    created_at: datetime = moment(default_factory=now)
    counted_at: datetime | None = moment(nullable=True, default=None)
    confirmed_at: datetime | None = moment(nullable=True, default=None)
    planned_at: datetime | None = moment(nullable=True, default=None)
    ended_at: datetime | None = moment(nullable=True, default=None)


class CareSent(SQLModel, table=True):
    """One piece of news that was told. `kind` is `order.paid`, `subject` is `order:17`."""

    __tablename__ = "care_sent"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    at: datetime = moment(default_factory=now)


def first_time(session: Session, kind: str, subject: str) -> bool:
    """Note that `kind` is being told about `subject`. False when it was told before."""
    return insert_or_ignore(session, CareSent(kind=kind, subject=subject))
