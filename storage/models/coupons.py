"""Coupons: codes that the shop made, and who got which."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, update
from sqlmodel import Field, Session, SQLModel, col, select

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
