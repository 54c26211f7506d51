"""Coupons: codes that the shop made, and who got which."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, and_, case, or_, tuple_, update
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from storage.models.base import moment


class Coupon(SQLModel, table=True):
    """One code of a pool; given to one customer for one occasion, or to nobody yet.

    `occasion` is the journey or the sending, with its subject where it comes again, such as
    `birthday/2026`. `value` is how customers read what it is worth.
    """

    __table_args__ = (
        UniqueConstraint("pool", "code"),
        UniqueConstraint("customer_id", "occasion"),
        Index("ix_coupon_free", "pool", "customer_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    pool: str
    code: str
    value: str = ""
    expires_at: datetime | None = moment(nullable=True, default=None)
    customer_id: int | None = Field(default=None, foreign_key="customer.id")
    occasion: str | None = None
    given_at: datetime | None = moment(nullable=True, default=None)
    added_at: datetime = moment(default_factory=now)


@dataclass(frozen=True, slots=True)
class Pool:
    """How much of a pool is left: `free` can be given now, `expired` never was and cannot be any
    more. `recent` were given in the time that was asked about; `expires_at` is when the next free
    one expires."""

    name: str
    free: int
    given: int
    expired: int
    recent: int
    expires_at: datetime | None


def given_for(session: Session, wanted: Collection[tuple[int, str]]) -> list[Coupon]:
    """The codes that these customers have for these occasions."""
    pairs = tuple_(col(Coupon.customer_id), col(Coupon.occasion))
    return list(session.exec(select(Coupon).where(pairs.in_(wanted))))


def coupons_of(session: Session, customer_id: int, at: datetime, most: int) -> list[Coupon]:
    """At most `most` codes that a customer has and that still hold, the newest first."""
    query = select(Coupon).where(Coupon.customer_id == customer_id, _holds(at))
    return list(session.exec(query.order_by(col(Coupon.given_at).desc()).limit(most)))


def free_codes(session: Session, pool: str, good_until: datetime, most: int) -> list[Coupon]:
    """At most `most` codes that nobody has and that hold longer than `good_until`, kept from
    others until the commit; the oldest first."""
    query = (
        select(Coupon)
        .where(Coupon.pool == pool, col(Coupon.customer_id).is_(None), _holds(good_until))
        .order_by(col(Coupon.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(session.exec(query.execution_options(populate_existing=True)))


def codes_of(session: Session, pool: str) -> set[str]:
    """All codes that a pool ever had."""
    return set(session.exec(select(Coupon.code).where(Coupon.pool == pool)))


def pools(session: Session, at: datetime, recent_since: datetime) -> list[Pool]:
    """All pools by name, as they stand at a moment; given since `recent_since` counts as recent."""
    is_free = col(Coupon.customer_id).is_(None)
    is_usable = and_(is_free, _holds(at))
    columns: list[Any] = [
        Coupon.pool,
        _count(is_usable),
        _count(col(Coupon.customer_id).is_not(None)),
        _count(and_(is_free, ~_holds(at))),
        _count(col(Coupon.given_at) >= recent_since),
        func.min(case((is_usable, col(Coupon.expires_at)))),
    ]
    query = select_columns(*columns).group_by(columns[0]).order_by(columns[0])
    return [Pool(*row) for row in session.execute(query)]


def move_coupons(session: Session, before: int, after: int) -> None:
    """One customer's coupons are another's, who they turned out to be. Of two for one occasion
    both are theirs; the first's is for none any more."""
    theirs = select(Coupon.occasion).where(
        Coupon.customer_id == after, col(Coupon.occasion).is_not(None)
    )
    mine = col(Coupon.customer_id) == before
    twice = update(Coupon).where(mine, col(Coupon.occasion).in_(theirs)).values(occasion=None)
    session.execute(twice, execution_options={"synchronize_session": False})
    session.exec(update(Coupon).where(mine).values(customer_id=after))


def _holds(until: datetime) -> Any:
    return or_(col(Coupon.expires_at).is_(None), col(Coupon.expires_at) > until)


def _count(condition: Any) -> Any:
    return func.count(case((condition, 1)))
