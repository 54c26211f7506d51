"""By which of the shop's own rules a person is brought: a tag, a dear order, a lost parcel."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlmodel import Session

from bot import config
from bot.logistics.status import Status
from storage.models.customers import Identity
from storage.models.orders import Order, orders_of, parcels_of
from storage.models.profiles import CustomerProfile

Rule: TypeAlias = config.Handover
_STUCK = frozenset({Status.EXCEPTION, Status.RETURNING})


@dataclass(frozen=True, slots=True)
class About:
    """What a customer asks about at `at`: an FAQ's `topic`, empty where that is unclear; and the
    shop's currency, in which orders are compared."""

    topic: str
    at: datetime
    currency: str


def applies(session: Session, rule: Rule, identity: Identity, about: About) -> bool:
    """Whether everything that the rule asks for is so, of the customer of this chat.

    Of orders only those count that the chat has proved to be theirs.
    """
    if rule.topics and about.topic not in rule.topics:
        return False
    if rule.tag and not _has_tag(session, identity, rule.tag):
        return False
    if rule.order_over is None and rule.parcel_lost_days is None:
        return True
    return any(_is_meant(session, rule, order, about) for order in _proved(session, identity))


def _is_meant(session: Session, rule: Rule, order: Order, about: About) -> bool:
    if rule.order_over is not None and not _is_dear(order, rule, about):
        return False
    days = rule.parcel_lost_days
    return days is None or _is_lost(session, order, days, about.at)


def _has_tag(session: Session, identity: Identity, tag: str) -> bool:
    profile = session.get(CustomerProfile, identity.customer_id)
    return profile is not None and tag in profile.tags


def _proved(session: Session, identity: Identity) -> list[Order]:
    return orders_of(session, identity.customer_id) if identity.linked_at is not None else []


def _is_dear(order: Order, rule: Rule, about: About) -> bool:
    placed = order.placed_at or order.status_at or order.created_at
    is_recent = placed > about.at - timedelta(days=rule.order_days)
    is_ours = order.currency in ("", about.currency)
    return (
        is_recent and is_ours and order.amount is not None and order.amount > (rule.order_over or 0)
    )


def _is_lost(session: Session, order: Order, days: int, at: datetime) -> bool:
    """A parcel of the order is stuck, or nothing was heard of it for so many days."""
    assert order.id is not None
    return any(
        one.status in _STUCK
        or (
            one.status != Status.DELIVERED
            and (one.status_at or one.created_at) < at - timedelta(days=days)
        )
        for one in parcels_of(session, order.id)
    )
