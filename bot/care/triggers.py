"""What may set a journey off, and which of the house's events do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.core.clock import now
from bot.core.events import Event, OrderChanged, ParcelMoved, ParcelStuck


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

_FACTS: Mapping[About, tuple[str, ...]] = {
    About.ORDER: ("order", "parcel"),
    About.PARCEL: ("order", "parcel"),
    About.PRODUCT: ("product",),
    About.CUSTOMER: (),
}


def facts_of(trigger: str) -> tuple[str, ...]:
    """Of what the texts may speak that this trigger sets off, besides shop and coupon."""
    used_up = ("product",) if trigger == "replenishment" else ()
    return ("customer", *_FACTS[TRIGGERS[trigger]], *used_up)


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


def _standstill(event: ParcelStuck) -> Happening:
    """Each standstill of a parcel is told, from when it was noticed."""
    subject = f"{About.PARCEL}:{event.parcel_id}/{event.since:%Y-%m-%d}"
    return Happening("parcel.stuck", parcel_id=event.parcel_id, subject=subject, at=now())


EVENTS: Sequence[tuple[type[Event], Callable[[Any], Happening]]] = (
    (OrderChanged, lambda event: Happening(event.kind, order_id=event.order_id)),
    (ParcelMoved, lambda event: Happening(f"parcel.{event.status}", parcel_id=event.parcel_id)),
    (ParcelStuck, _standstill),
)
"""The events that set journeys off: one line for each."""
