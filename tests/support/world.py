"""A shop's voice, and short ways to tell what happened to its orders."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.config import ROOT, Shop
from bot.core.clock import now
from bot.logistics.parcels import Step, apply_step
from bot.logistics.status import Status
from bot.shop.events import OrderData, OrderEvent, OrderType, Person
from bot.shop.orders import apply_order
from bot.words.phrases import Voice
from bot.words.sandbox import Words
from storage.models.customers import Customer, Identity
from storage.models.orders import Order, Parcel

LIN = Person(id="c-lin", name="林小满", phone="13800008888", language="zh")
CHEN = Person(id="c-chen", name="陈知远", phone="13900006666")


def ago(**span: float) -> datetime:
    return now() - timedelta(**span)


def told(
    session: Session,
    kind: OrderType,
    number: str = "XE1",
    at: datetime | None = None,
    person: Person | None = LIN,
    **data: Any,
) -> Order:
    """The shop tells about an order, an hour ago unless `at` says otherwise."""
    details = OrderData(order_id=number, customer=person, **data)
    event = OrderEvent(id="e", type=kind, occurred_at=at or ago(hours=1), data=details)
    return apply_order(session, event)


def stepped(session: Session, status: Status, at: datetime | None = None, **more: Any) -> Parcel:
    """A carrier tells a step, of parcel SF1 unless told otherwise."""
    more = more or {"tracking_number": "SF1"}
    return apply_step(session, Step(status, at or now(), **more))


def chat(session: Session, name: str, channel: str = "web", pulls: bool = True) -> Identity:
    """Somebody unknown writes for the first time."""
    customer = Customer()
    session.add(customer)
    session.flush()
    assert customer.id is not None
    identity = Identity(
        customer_id=customer.id, channel=channel, account="main", chat=name, pulls=pulls
    )
    session.add(identity)
    session.flush()
    return identity


def voice() -> Voice:
    """The shop's own texts, in its time zone Asia/Shanghai."""
    return Voice.load(Words(Shop(name="小满杂货")), ROOT / "templates")
