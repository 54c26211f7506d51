"""Which parcels are to be asked about or stand still, and how long past ones took."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Index, update
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import moment
from storage.models.orders import Order, Parcel, TrackingEvent

Sent = tuple[Parcel, Order | None]
"""A parcel with its order, where that is known."""


class Travel(SQLModel, table=True):
    """How many seconds a delivered parcel `took` from its first step, and how long it stood still
    at most (`longest`). `took` is 0 where the way is not known. Places and carriers are in the
    form of `bot.logistics`; what they are not known for is empty.
    """

    __tablename__ = "parcel_travel"
    __table_args__ = (
        Index("ix_travel_city", "carrier", "city", "delivered_at"),
        Index("ix_travel_region", "carrier", "region", "delivered_at"),
        Index("ix_travel_country", "carrier", "country", "delivered_at"),
        Index("ix_travel_carrier", "carrier", "delivered_at"),
    )

    parcel_id: int = Field(primary_key=True, foreign_key="parcel.id")
    carrier: str
    city: str = ""
    region: str = ""
    country: str = ""
    took: int
    longest: int
    delivered_at: datetime = moment()


def travels(session: Session, most: int, carrier: str, **place: str) -> list[tuple[int, int]]:
    """How long the last `most` parcels of a carrier took, and stood still: to `place`, which is
    one of city, region and country, or anywhere."""
    query = select(Travel.took, Travel.longest).where(Travel.carrier == carrier, Travel.took > 0)
    for name, value in place.items():
        query = query.where(getattr(Travel, name) == value)
    rows = session.exec(query.order_by(col(Travel.delivered_at).desc()).limit(most))
    return [(took, longest) for took, longest in rows]


def unlearnt(session: Session, after: int, since: datetime, most: int) -> list[Sent]:
    """Parcels delivered after `since` that have no `Travel` yet, with ids above `after`."""
    query = (
        select(Parcel, Order)
        .outerjoin(Order, col(Order.id) == Parcel.order_id)
        .outerjoin(Travel, col(Travel.parcel_id) == Parcel.id)
        .where(
            Parcel.status == "delivered",
            col(Parcel.status_at) > since,
            col(Parcel.id) > after,
            col(Travel.parcel_id).is_(None),
        )
        .order_by(col(Parcel.id))
        .limit(most)
    )
    return [(parcel, order) for parcel, order in session.exec(query)]


def moments_of(session: Session, parcels: Collection[int]) -> dict[int, list[datetime]]:
    """When each of these parcels had its steps, the first one first."""
    query = select(TrackingEvent.parcel_id, TrackingEvent.at).where(
        col(TrackingEvent.parcel_id).in_(parcels)
    )
    found: dict[int, list[datetime]] = {}
    for parcel, at in session.exec(query.order_by(col(TrackingEvent.at))):
        found.setdefault(parcel, []).append(at)
    return found


def claim_asks(
    session: Session, account: str, most: int, lease: timedelta = timedelta(0)
) -> Sequence[Sent]:
    """Parcels of `account` (empty: of none yet) that are due to be asked about, the first due
    first; nobody else gets them for `lease`."""
    query = (
        select(Parcel, Order)
        .outerjoin(Order, col(Order.id) == Parcel.order_id)
        .where(Parcel.carrier_account == account, col(Parcel.ask_at) <= now())
        .order_by(col(Parcel.ask_at))
        .limit(most)
        .with_for_update(of=Parcel, skip_locked=True)
    )
    found = [(parcel, order) for parcel, order in session.exec(query)]
    for parcel, _ in found:
        parcel.ask_at = now() + lease
    return found


def release_parcels(session: Session, accounts: Collection[str]) -> None:
    """Let parcels on their way go whose account is none of `accounts` any more."""
    session.execute(
        update(Parcel)
        .where(
            col(Parcel.carrier_account).not_in(["", *accounts]), col(Parcel.status) != "delivered"
        )
        .values(carrier_account="", subscribed_at=None, ask_at=now(), failures=0)
    )


def still_parcels(
    session: Session,
    statuses: Collection[str],
    between: tuple[datetime, datetime],
    after: int,
    most: int,
) -> Sequence[Sent]:
    """Parcels in one of `statuses` whose newest step was in that span, which nobody has been told
    of, with ids above `after`; held until the commit."""
    query = (
        select(Parcel, Order)
        .outerjoin(Order, col(Order.id) == Parcel.order_id)
        .where(
            col(Parcel.status).in_(statuses),
            col(Parcel.status_at).between(*between),
            col(Parcel.stuck_at).is_(None),
            col(Parcel.id) > after,
        )
        .order_by(col(Parcel.id))
        .limit(most)
        .with_for_update(of=Parcel, skip_locked=True)
    )
    return [(parcel, order) for parcel, order in session.exec(query)]
