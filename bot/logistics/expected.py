"""Says on which day a parcel should be there, where past parcels tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.clock import now
from bot.logistics.status import Status
from bot.logistics.travel import LEAST, Past, Route, early, late, pasts
from bot.words.phrases import Voice
from bot.words.week import day_text
from storage.models.orders import Order, Parcel, tracking_of

_ON_THE_WAY = {"", Status.COLLECTED, Status.IN_TRANSIT, Status.ARRIVED_CITY}


@dataclass(frozen=True, slots=True)
class Expected:
    """When eight of ten parcels like this one arrive, in seconds from the first step.

    `is_late`: it has taken longer than nine of ten; then there is no range. `basis` is `Past`'s.
    """

    basis: str
    first: float = 0
    last: float = 0
    is_late: bool = False


def expected(known: Sequence[Past], passed: float) -> Expected | None:
    """What past parcels, the nearest first, say of one that has been `passed` seconds on its way.

    Only those count that took longer than that; None where they are too few to say anything.
    """
    for past in known:
        if passed > late(past.took):
            return Expected(past.basis, is_late=True)
        longer = [one for one in past.took if one > passed]
        if len(longer) >= LEAST:
            return Expected(past.basis, early(longer), late(longer))
    return None


def expected_text(
    session: Session, parcel: Parcel, order: Order, language: str, voice: Voice
) -> str:
    """The days on which the parcel should arrive, or that it is late, said to the customer; empty
    where nothing is known."""
    begun = _begun(session, parcel, order)
    if begun is None or parcel.status not in _ON_THE_WAY:
        return ""
    at = now()
    found = expected(pasts(session, Route.of(parcel, order)), (at - begun).total_seconds())
    if found is None:
        return ""
    if found.is_late:
        return voice.say("orders.late", language)
    zone = voice.words.shop.zone
    days = [
        day_text(begun + timedelta(seconds=seconds), at, zone, language)
        for seconds in (found.first, found.last)
    ]
    first, last = days[0], days[1] if days[1] != days[0] else ""
    return voice.say("orders.expected", language, first=first, last=last, basis=found.basis)


def _begun(session: Session, parcel: Parcel, order: Order) -> datetime | None:
    """When the parcel had its first step; before that, when the shop sent it."""
    assert parcel.id is not None
    way = tracking_of(session, parcel.id)
    if way:
        return way[-1].at
    return order.status_at if order.status == "shipped" else None
