"""Notices parcels of which nothing was heard for longer than usual."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlmodel import Session

from bot.config import Parcels
from bot.core.clock import now
from bot.core.events import ParcelStuck, emit
from bot.logistics.status import Status
from bot.logistics.travel import Past, Route, late, pasts
from storage.db import Database
from storage.models.parcels import still_parcels

FORGOTTEN = timedelta(days=30)
"""What has stood still for longer, say since before an upgrade, is no news."""
AT_ONCE = 50
_ON_THE_WAY = {Status.COLLECTED, Status.IN_TRANSIT}
"""Where the longest standstill of past parcels says something."""

_SETTLED = {"cancelled", "refunded"}
"""Orders whose parcel nobody waits for."""

log = structlog.get_logger()


def limit(
    usual: timedelta, status: str, past: Past | None, *, is_watched: bool
) -> timedelta | None:
    """After how long without a step a parcel is stuck; None where silence means nothing, for
    nobody asks about it and no parcel of its carrier was ever told of to the end.

    On the way it is half as long again as nine of ten past parcels stood still, between half and
    twice the `usual` time.
    """
    if past is None:
        return usual if is_watched else None
    if status not in _ON_THE_WAY:
        return usual
    learnt = timedelta(seconds=1.5 * late(past.longest))
    return min(max(learnt, usual / 2), 2 * usual)


class Standstill:
    """Looks through the parcels that are on their way."""

    def __init__(self, db: Database, settings: Parcels) -> None:
        self._db = db
        self._usual = {
            Status(name.removesuffix("_days")): timedelta(days=days)
            for name, days in settings.model_dump().items()
            if name != "watch_days"
        }

    def run(self, _details: dict[str, Any]) -> None:
        """Emit `ParcelStuck` once for each standstill."""
        known: dict[Route, Past | None] = {}
        after = total = 0
        while found := self._db.run(_look, self._usual, after, known):
            after, stuck = found
            total += stuck
        if total:
            log.info("parcels stand still", parcels=total)


def _look(
    session: Session,
    usual: Mapping[Status, timedelta],
    after: int,
    known: dict[Route, Past | None],
) -> tuple[int, int] | None:
    """Returns up to which parcel it came, and how many were stuck; None at the end."""
    at = now()
    span = (at - FORGOTTEN, at - min(usual.values()) / 2)
    found = still_parcels(session, list(usual), span, after, AT_ONCE)
    stuck = 0
    for parcel, order in found:
        if order is not None and order.status in _SETTLED:
            continue
        assert parcel.id is not None
        assert parcel.status_at is not None
        route = Route.of(parcel, order)
        if route not in known:
            known[route] = next(iter(pasts(session, route)), None)
        watched = bool(parcel.carrier_account)
        longest = limit(
            usual[Status(parcel.status)], parcel.status, known[route], is_watched=watched
        )
        if longest is not None and at - parcel.status_at > longest:
            parcel.stuck_at = at
            session.add(parcel)
            session.flush()
            emit(session, ParcelStuck(parcel.id, parcel.status, parcel.status_at))
            stuck += 1
    return (found[-1][0].id or 0, stuck) if found else None
