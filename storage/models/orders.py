"""Orders, their parcels, the tracking events, and attempts to look an order up."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric, UniqueConstraint, bindparam
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from storage.models.base import json_field, moment


class Order(SQLModel, table=True):
    """An order as the shop's system told it. `number` is what customers know it by.

    `status` is one of unknown, paid, shipped, cancelled, refunded; `status_at` is when that
    happened, so that late news never undoes newer news.
    """

    __tablename__ = "orders"

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(unique=True)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    phone: str = ""
    status: str = "unknown"
    status_at: datetime | None = moment(nullable=True, default=None)
    amount: Decimal | None = Field(default=None, sa_type=Numeric(14, 2))
    currency: str = ""
    items: list[dict[str, Any]] = json_field(default_factory=list)
    address: dict[str, Any] = json_field(default_factory=dict)
    placed_at: datetime | None = moment(nullable=True, default=None)
    created_at: datetime = moment(default_factory=now)


class Parcel(SQLModel, table=True):
    """A parcel. It may be known before its order is, when a carrier is faster than the shop.

    `status_at` is the moment of its newest step. At `ask_at` the carrier's account
    `carrier_account` is asked about it, or told to push; never where it is empty. `failures` in a
    row put that off. `stuck_at` is when it was noticed to stand still, until it moves again.
    """

    __table_args__ = (
        Index("ix_parcel_ask", "carrier_account", "ask_at"),
        Index("ix_parcel_still", "status", "status_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    tracking_number: str = Field(unique=True)
    order_id: int | None = Field(default=None, foreign_key="orders.id", index=True)
    carrier: str = ""
    status: str = ""
    status_at: datetime | None = moment(nullable=True, default=None)
    created_at: datetime = moment(default_factory=now)
    carrier_account: str = ""
    ask_at: datetime | None = moment(nullable=True, default_factory=now)
    subscribed_at: datetime | None = moment(nullable=True, default=None)
    failures: int = 0
    stuck_at: datetime | None = moment(nullable=True, default=None)


class TrackingEvent(SQLModel, table=True):
    """One step of a parcel's way, in the carrier's own words (`text`)."""

    __table_args__ = (UniqueConstraint("parcel_id", "at", "status", "text"),)

    id: int | None = Field(default=None, primary_key=True)
    parcel_id: int = Field(foreign_key="parcel.id", index=True)
    at: datetime = moment()
    status: str
    text: str = ""
    place: str = ""


class LookupAttempt(SQLModel, table=True):
    """One wrong guess at an order's number and phone: guessing is limited by these rows."""

    id: int | None = Field(default=None, primary_key=True)
    identity_id: int = Field(foreign_key="identity.id", index=True)
    order_number: str = Field(index=True)
    at: datetime = moment(default_factory=now)


_BY_NUMBER = select(Order).where(Order.number == bindparam("its_number"))
_BY_NUMBER_HELD = _BY_NUMBER.with_for_update()


def order_by_number(session: Session, number: str, *, lock: bool = False) -> Order | None:
    """The order that customers know as `number`; with `lock` its row is held until the commit."""
    query = _BY_NUMBER_HELD if lock else _BY_NUMBER
    return session.exec(query, params={"its_number": number}).one_or_none()


def latest_numbers(session: Session, limit: int = 20) -> list[str]:
    """The numbers of the orders that came last: how this shop writes its numbers."""
    return list(session.exec(select(Order.number).order_by(col(Order.id).desc()).limit(limit)))


def orders_of(session: Session, customer_id: int, limit: int = 5) -> list[Order]:
    """A customer's orders, the newest first."""
    query = (
        select(Order)
        .where(Order.customer_id == customer_id)
        .order_by(func.coalesce(Order.placed_at, Order.created_at).desc(), col(Order.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def parcel_by_tracking(session: Session, tracking_number: str) -> Parcel | None:
    """The parcel with this tracking number."""
    return session.exec(_BY_TRACKING, params={"its_number": tracking_number}).one_or_none()


_BY_TRACKING = select(Parcel).where(Parcel.tracking_number == bindparam("its_number"))


def parcels_of(session: Session, order_id: int) -> list[Parcel]:
    """The parcels of an order, the newest first."""
    query = select(Parcel).where(Parcel.order_id == order_id).order_by(col(Parcel.id).desc())
    return list(session.exec(query))


def tracking_of(session: Session, parcel_id: int) -> list[TrackingEvent]:
    """A parcel's way so far, the newest step first."""
    query = (
        select(TrackingEvent)
        .where(TrackingEvent.parcel_id == parcel_id)
        .order_by(col(TrackingEvent.at).desc(), col(TrackingEvent.id).desc())
    )
    return list(session.exec(query))


def attempts_since(
    session: Session,
    since: datetime,
    *,
    identity_id: int | None = None,
    order_number: str | None = None,
) -> int:
    """Wrong guesses since `since`, by one chat or at one order."""
    query = select(func.count(col(LookupAttempt.id))).where(col(LookupAttempt.at) >= since)
    if identity_id is not None:
        query = query.where(LookupAttempt.identity_id == identity_id)
    if order_number is not None:
        query = query.where(LookupAttempt.order_number == order_number)
    return session.exec(query).one()
