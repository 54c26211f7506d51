"""Gives out the codes that the shop made, to each customer one for each occasion."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.words.dates import day_text
from bot.words.phrases import Voice
from storage.models import coupons
from storage.models.coupons import Coupon, Pool
from storage.models.customers import Customer
from storage.models.upsert import insert_new

LOW = 20
"""Fewer codes than this are few, whatever was given lately."""
RECENTLY = timedelta(days=14)
"""A pool is low when it holds fewer codes than were given in this time."""
EXAMPLE = {"code": "XIAOMAN20", "value": "¥20", "expires_on": "2026年12月31日"}
"""What texts may show of a coupon, with an example of each. `expires_on` is empty for no end."""


@dataclass(frozen=True, slots=True)
class NewCoupon:
    """A code as a table has it; `value` is how customers read what it is worth."""

    code: str
    value: str = ""
    expires_at: datetime | None = None


def add(session: Session, pool: str, coupon: NewCoupon) -> bool:
    """Put a code into a pool. False when it was there already."""
    return insert_new(session, Coupon, pool=pool, **asdict(coupon))


def give(
    session: Session, pool: str, customer_id: int, occasion: str, good_until: datetime
) -> Coupon | None:
    """A code of `pool` for the customer: for the same occasion always the same one.

    A new one holds longer than `good_until`, when it may be read. None when there is none left.
    The customer is held until the commit, so that two who ask at once get one code.
    """
    session.get(Customer, customer_id, with_for_update={"key_share": True})
    found = coupons.given_for(session, customer_id, occasion)
    if found is not None:
        return found
    fresh = coupons.free_code(session, pool, good_until)
    if fresh is not None:
        fresh.customer_id, fresh.occasion, fresh.given_at = customer_id, occasion, now()
        session.add(fresh)
        session.flush()
    return fresh


def coupon_facts(coupon: Coupon, language: str, voice: Voice) -> Mapping[str, Any]:
    """What texts may show of a coupon: its code, its value, and the last day on which it holds."""
    zone = voice.words.shop.zone
    last = coupon.expires_at - timedelta(seconds=1) if coupon.expires_at else None
    expires = day_text(last, zone, language) if last else ""
    return {"code": coupon.code, "value": coupon.value, "expires_on": expires}


def pools(session: Session) -> list[Pool]:
    """All pools as they stand now."""
    at = now()
    return coupons.pools(session, at, at - RECENTLY)


def is_low(pool: Pool) -> bool:
    """Whether the shop should make new codes."""
    return pool.free < max(LOW, pool.recent)
