"""Learns from past parcels how long a way takes, and how long one may stand still on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import structlog
from sqlmodel import Session

from bot.core.clock import now
from bot.logistics.arrival import city_of, country_of, region_of
from bot.logistics.names import carrier_key
from storage.db import Database
from storage.models.orders import Order, Parcel
from storage.models.parcels import Travel, moments_of, travels, unlearnt
from storage.models.upsert import insert_or_ignore

LEAST = 8
"""Fewer past parcels say nothing."""
NEWEST = 200
"""Past parcels that are looked at: older ones tell of other times."""
LEARNT_FROM = timedelta(days=180)
AT_ONCE = 200
SHARE = 10
"""One of so many parcels is let be earlier than a range, and one later."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """Whose parcel goes where, in the form in which past ones are kept."""

    carrier: str
    city: str = ""
    region: str = ""
    country: str = ""

    @classmethod
    def of(cls, parcel: Parcel, order: Order | None) -> "Route":
        address = order.address if order is not None else {}
        return cls(
            carrier_key(parcel.carrier, parcel.tracking_number),
            city_of(address),
            region_of(address),
            country_of(address),
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What past parcels of a route took, and how long they stood still at most, in seconds.

    `basis` says how near they are to the route: city, region, country or carrier.
    """

    basis: str
    took: tuple[int, ...]
    longest: tuple[int, ...]


def pasts(session: Session, route: Route) -> list[Past]:
    """What is known of a route, the nearest first; only what rests on enough parcels."""
    levels = [("city", route.city), ("region", route.region), ("country", route.country)]
    places = [(basis, {basis: value}) for basis, value in levels if value]
    found = []
    for basis, place in (*places, ("carrier", {})) if route.carrier else ():
        rows = travels(session, NEWEST, route.carrier, **place)
        if len(rows) >= LEAST:
            took, longest = zip(*rows, strict=True)
            found.append(Past(basis, took, longest))
    return found


def early(values: Sequence[float]) -> float:
    """The latest value that nine of ten do not come before."""
    return sorted(values)[len(values) - _most_of(values)]


def late(values: Sequence[float]) -> float:
    """The earliest value that nine of ten do not exceed."""
    return sorted(values)[_most_of(values) - 1]


def _most_of(values: Sequence[float]) -> int:
    """How many of the values nine of ten are, rounded up."""
    return -(-len(values) * (SHARE - 1) // SHARE)


class Learning:
    """Keeps what delivered parcels took."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def run(self, _details: dict[str, Any]) -> None:
        """Learn from every parcel delivered since the last run, bit by bit."""
        after = total = 0
        while found := self._db.run(_learn, after):
            after, learnt = found
            total += learnt
        if total:
            log.info("learnt from delivered parcels", parcels=total)


def _learn(session: Session, after: int) -> tuple[int, int] | None:
    """Returns up to which parcel it came, and how many there were; None at the end."""
    found = unlearnt(session, after, now() - LEARNT_FROM, AT_ONCE)
    moments = moments_of(session, [parcel.id or 0 for parcel, _ in found])
    for parcel, order in found:
        insert_or_ignore(session, _travel(parcel, order, moments.get(parcel.id or 0, [])))
    return (found[-1][0].id or 0, len(found)) if found else None


def _travel(parcel: Parcel, order: Order | None, moments: Sequence[datetime]) -> Travel:
    assert parcel.id is not None
    assert parcel.status_at is not None
    route = Route.of(parcel, order)
    way = [at for at in moments if at <= parcel.status_at]
    gaps = [(after - before).total_seconds() for before, after in pairwise(way)]
    return Travel(
        parcel_id=parcel.id,
        carrier=route.carrier,
        city=route.city,
        region=route.region,
        country=route.country,
        took=int(sum(gaps)),
        longest=int(max(gaps, default=0)),
        delivered_at=parcel.status_at,
    )
