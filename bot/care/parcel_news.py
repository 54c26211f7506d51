"""Tells customers what became of their order and where their parcel is, each news once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import Bus, OrderChanged, ParcelMoved
from bot.core.messages import Address, Choice, Purpose
from bot.delivery import outbox
from bot.logistics.parcels import parcel_facts
from bot.logistics.status import Status
from bot.shop.orders import order_facts
from bot.words.phrases import Voice
from storage.models.care import first_time
from storage.models.customers import Customer, Identity, find_identity, linked_identities
from storage.models.orders import Order, Parcel, parcels_of

FRESH = timedelta(days=3)
"""Older news is kept but not told."""
ORDER_NEWS = {"order.paid", "order.shipped", "order.refunded", "order.cancelled"}
PARCEL_NEWS = {
    Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY, Status.DELIVERED, Status.EXCEPTION,
}  # fmt: skip
"""Collected and in transit are left out: the order's own news has announced the shipment."""


def register(bus: Bus, voice: Voice) -> None:
    """Listen to what orders and parcels do."""
    news = ParcelNews(voice)
    bus.on(OrderChanged, news.order_changed)
    bus.on(ParcelMoved, news.parcel_moved)


@dataclass(frozen=True, slots=True)
class ParcelNews:
    """Writes the news into the customer's most recently used linked chat."""

    voice: Voice

    def order_changed(self, session: Session, event: OrderChanged) -> None:
        """Tell about the order, unless newer news has already overtaken this."""
        order = session.get(Order, event.order_id)
        assert order is not None
        parcel = next(iter(parcels_of(session, event.order_id)), None)
        overtaken = f"order.{order.status}" != event.kind or (
            event.kind == "order.shipped" and parcel is not None and parcel.status in PARCEL_NEWS
        )
        if event.kind in ORDER_NEWS and not overtaken and _is_fresh(order.status_at):
            self._tell(session, event.kind, f"order:{order.id}", order, parcel)

    def parcel_moved(self, session: Session, event: ParcelMoved) -> None:
        """Tell about the parcel, if whose it is is known."""
        parcel = session.get(Parcel, event.parcel_id)
        assert parcel is not None
        order = session.get(Order, parcel.order_id) if parcel.order_id else None
        if order is None or event.status not in PARCEL_NEWS or not _is_fresh(parcel.status_at):
            return
        self._tell(session, f"parcel.{event.status}", f"parcel:{parcel.id}", order, parcel)

    def _tell(
        self, session: Session, kind: str, subject: str, order: Order, parcel: Parcel | None
    ) -> None:
        identity = _chat_of(session, order)
        if identity is None or not first_time(session, kind, subject):
            return
        conversation = outbox.conversation_for(session, identity)
        language = conversation.language or identity.language or self._language_of(session, order)
        values: dict[str, Any] = {
            "order": order_facts(order, language, self.voice),
            "parcel": parcel_facts(session, parcel, language, self.voice) if parcel else None,
        }
        text = self.voice.say(f"care.{kind.replace('.', '_')}", language, **values)
        person = Choice(self.voice.say("replies.person_button", language), "person")
        outbox.post(
            session,
            conversation,
            text,
            purpose=Purpose.TRANSACTIONAL,
            choices=[person] if kind == f"parcel.{Status.EXCEPTION}" else [],
        )

    def _language_of(self, session: Session, order: Order) -> str:
        customer = session.get(Customer, order.customer_id)
        return (customer.language if customer else "") or self.voice.default_language


def _is_fresh(at: datetime | None) -> bool:
    return at is not None and now() - at <= FRESH


def _chat_of(session: Session, order: Order) -> Identity | None:
    """The chat to tell, its row held until the commit as for every message of a chat."""
    customer = session.get(Customer, order.customer_id) if order.customer_id else None
    if customer is None or customer.id is None or customer.blocked:
        return None
    latest = next(iter(linked_identities(session, customer.id)), None)
    if latest is None:
        return None
    address = Address(latest.channel, latest.account, latest.chat)
    return find_identity(session, address, lock=True)
