"""Gives out the codes that the shop made, to each customer one for each occasion."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from bot.core.clock import now
from storage.models import coupons
from storage.models.coupons import Coupon, Pool
from storage.models.upsert import insert_new

LOW = 20
"""Fewer codes than this are few, whatever was given lately."""
RECENTLY = timedelta(days=14)
"""A pool is low when it holds fewer codes than were given in this time."""
READ_WITHIN = timedelta(hours=24)
"""A code is not given that expires so soon: its message may have to wait its turn."""


class Wish(Protocol):
    """A care message that goes with a coupon of a pool, once for its occasion."""

    @property
    def care_id(self) -> int: ...
    @property
    def customer_id(self) -> int: ...
    @property
    def pool(self) -> str: ...
    @property
    def occasion(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NewCoupon:
    """A code as a table has it; `value` is how customers read what it is worth."""

    code: str
    value: str = ""
    expires_at: datetime | None = None


def add(session: Session, pool: str, coupon: NewCoupon) -> bool:
    """Put a code into a pool. False when it was there already."""
    return insert_new(session, Coupon, pool=pool, **asdict(coupon))


class Stock:
    """The shop's pools, from which care messages get their coupons."""

    def offer(self, session: Session, wishes: Sequence[Wish], at: datetime) -> dict[int, Coupon]:
        """For each wish that can be met, by its care message: the code that the customer has for
        this occasion already, else one that is nobody's and still holds when the message may be
        read, kept from others until the commit."""
        mine = coupons.given_for(session, {(one.customer_id, one.occasion) for one in wishes})
        given = {(one.customer_id, one.occasion): one for one in mine}
        found: dict[int, Coupon] = {}
        wanting = defaultdict(list)
        for wish in wishes:
            if (coupon := given.get((wish.customer_id, wish.occasion))) is not None:
                found[wish.care_id] = coupon
            else:
                wanting[wish.pool].append(wish.care_id)
        for pool, ids in wanting.items():
            free = coupons.free_codes(session, pool, at + READ_WITHIN, len(ids))
            found.update(zip(ids, free, strict=False))
        return found

    def give(self, session: Session, given: Sequence[tuple[Wish, Coupon]], at: datetime) -> None:
        """These are the customers' now: their messages are being written."""
        for wish, coupon in given:
            if coupon.customer_id is None:
                coupon.customer_id, coupon.occasion = wish.customer_id, wish.occasion
                coupon.given_at = at
                session.add(coupon)
        session.flush()


def pools(session: Session) -> list[Pool]:
    """All pools as they stand now; codes that expire too soon to be given count as expired."""
    at = now()
    return coupons.pools(session, at + READ_WITHIN, at - RECENTLY)


def is_low(pool: Pool) -> bool:
    """Whether the shop should make new codes."""
    return pool.free < max(LOW, pool.recent)
