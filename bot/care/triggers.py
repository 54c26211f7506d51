"""What may set a journey off, and which of the house's events do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.core.events import Event, OrderChanged, ParcelMoved


class About(StrEnum):
    """What a trigger is about: its subject, and what its texts may speak of."""

    ORDER = "order"
    PARCEL = "parcel"
    PRODUCT = "product"
    CUSTOMER = "customer"


TRIGGERS: Mapping[str, About] = {
    "order.paid": About.ORDER,
    "order.shipped": About.ORDER,
    "order.refunded": About.ORDER,
    "order.cancelled": About.ORDER,
    "parcel.arrived_city": About.PARCEL,
    "parcel.out_for_delivery": About.PARCEL,
    "parcel.delivered": About.PARCEL,
    "parcel.exception": About.PARCEL,
    "parcel.returning": About.PARCEL,
    "parcel.stuck": About.PARCEL,
    "back_in_stock": About.PRODUCT,
    "replenishment": About.ORDER,
    "birthday": About.CUSTOMER,
    "festival": About.CUSTOMER,
    "newcomer": About.CUSTOMER,
    "silence": About.CUSTOMER,
}
"""The names that a journey's file may give, with what each is about."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that sets journeys off, for the customer of its order or parcel, or for these
    `customers` with the `subject`. `at` None: when the order or parcel came to its status."""

    trigger: str
    order_id: int | None = None
    parcel_id: int | None = None
    customers: Sequence[int] = ()
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


EVENTS: Sequence[tuple[type[Event], Callable[[Any], Happening]]] = (
    (OrderChanged, lambda event: Happening(event.kind, order_id=event.order_id)),
    (ParcelMoved, lambda event: Happening(f"parcel.{event.status}", parcel_id=event.parcel_id)),
)
"""The events that set journeys off: one line for each."""
