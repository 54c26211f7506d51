"""Reads all that decides about many care messages, in few queries, and makes each one's case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.guard import WEEK, Agreed, Case, Chat, Rules
from bot.care.journeys import Journey
from bot.care.truth import overtaken
from bot.care.zones import zone_of
from bot.channels.base import Policy
from bot.core.messages import Purpose
from bot.delivery import quota
from bot.logistics.status import Status
from storage.models import care_facts as facts
from storage.models.care import CareMessage
from storage.models.care_facts import Buying
from storage.models.progress import Account

TROUBLE = (Status.EXCEPTION, Status.RETURNING, "lost", "stuck")
"""Where a parcel is when its customer has other worries."""
TROUBLE_LASTS = timedelta(days=45)
"""A parcel of which nothing more was heard for so long holds nothing up any more."""
Policies = Mapping[Account, Policy]


@dataclass(slots=True)
class Known:
    """What was read for a batch of messages, by the ids of customers, orders, parcels."""

    customers: Mapping[int, Any] = field(default_factory=dict)
    chats: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    spoken: Mapping[int, str] = field(default_factory=dict)
    consents: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    with_person: set[int] = field(default_factory=set)
    unhappy: set[int] = field(default_factory=set)
    in_trouble: set[int] = field(default_factory=set)
    sent: dict[int, list[datetime]] = field(default_factory=dict)
    buying: Mapping[int, Buying] = field(default_factory=dict)
    orders: Mapping[int, Any] = field(default_factory=dict)
    parcels: Mapping[int, Any] = field(default_factory=dict)
    parcels_of: dict[int, list[Any]] = field(default_factory=dict)
    steps: Mapping[int, Any] = field(default_factory=dict)
    products: Mapping[str, Any] = field(default_factory=dict)
    windows: dict[Account, Mapping[str, Sequence[Any]]] = field(default_factory=dict)

    def parcel_of(self, care: CareMessage) -> Any:
        """The parcel that a message is about: its own, else its order's newest."""
        if care.parcel_id is not None:
            return self.parcels.get(care.parcel_id)
        return next(iter(self.parcels_of.get(care.order_id or 0, ())), None)

    def product_of(self, care: CareMessage) -> Any:
        """The product that a message is about: the one named in its facts."""
        return self.products.get(str(care.facts.get("sku", "")))


def read(
    session: Session,
    rows: Sequence[CareMessage],
    journeys: Mapping[str, Journey],
    policies: Policies,
    rules: Rules,
    at: datetime,
) -> Known:
    """All about these messages."""
    ids = {row.customer_id for row in rows}
    known = Known(
        customers=facts.customers(session, ids),
        chats=facts.chats(session, ids),
        consents=facts.consents(session, ids),
        buying=facts.buying(session, ids),
    )
    known.spoken = facts.spoken(session, [row.id for one in known.chats.values() for row in one])
    _read_subjects(session, known, rows)
    careful = {
        row.customer_id for row in rows if (one := journeys.get(row.journey)) and is_calm(one)
    }
    if careful:
        known.with_person = facts.with_person(session, careful)
        known.unhappy = facts.unhappy(session, careful, at - rules.unhappy_for)
        known.in_trouble = facts.in_trouble(session, careful, TROUBLE, at - TROUBLE_LASTS)
        known.sent = facts.advertised(session, careful, at - WEEK)
    _read_windows(session, known, policies, at)
    return known


def case_of(
    care: CareMessage,
    journey: Journey | None,
    known: Known,
    policies: Policies,
    rules: Rules,
    at: datetime,
) -> Case:
    """All that decides about one message."""
    customer = known.customers[care.customer_id]
    purpose, number = Purpose(care.purpose), care.customer_id
    chats = [_chat(row, known, policies, purpose) for row in known.chats.get(number, ())]
    return Case(
        purpose,
        care.valid_until,
        zone_for(customer, known.buying.get(number), rules.zone),
        chats,
        [_agreed(row) for row in known.consents.get(number, ())],
        known.sent.get(number, ()),
        journey.channels if journey else (),
        is_blocked=customer.blocked,
        is_opted_out=customer.opted_out_at is not None,
        is_with_person=number in known.with_person,
        is_unhappy=number in known.unhappy,
        is_in_trouble=number in known.in_trouble,
        is_private=care.order_id is not None,
        is_calm=journey is not None and is_calm(journey),
        overtaken=overtaken(care, journey, known) if journey else "",
        off=_off(journey),
        is_paused=journey is not None and journey.paused,
    )  # fmt: skip


def zone_for(customer: Any, buying: Buying | None, shop: ZoneInfo) -> ZoneInfo:
    """The customer's time zone, as far as it is known."""
    address = (buying.address if buying else None) or {}
    return zone_of(customer.timezone, str(address.get("country", "")), shop)


def is_calm(journey: Journey) -> bool:
    """Whether it is nothing for somebody who has a reason to be cross."""
    return journey.calm or journey.is_marketing


def _off(journey: Journey | None) -> str:
    if journey is None:
        return "no journey"
    return "" if journey.enabled else "switched off"


def _agreed(row: Any) -> Agreed:
    return Agreed(row.purpose, row.channel, row.state, row.id)


def _chat(row: Any, known: Known, policies: Policies, purpose: Purpose) -> Chat:
    account = (row.channel, row.account)
    is_known, is_blocked = row.linked_at is not None, row.blocked_at is not None
    if row.pulls:
        return Chat(row.id, row.channel, is_known=is_known, spoke_at=row.last_seen_at)
    policy = policies.get(account)
    carries = policy.carries if policy else frozenset[Purpose]()
    rows = known.windows.get(account, {}).get(row.chat, ())
    return Chat(
        row.id,
        row.channel,
        carries,
        policy is not None and _is_open(policy, rows, purpose),
        policy is not None and _has_route(policy, rows, purpose),
        is_known,
        is_blocked,
        row.last_seen_at,
    )


def _is_open(policy: Policy, rows: Sequence[Any], purpose: Purpose) -> bool:
    """Whether the bot may write now, the agents' share left untouched."""
    if policy.replies_only:
        return False
    return not policy.windows or any(
        row.kind in policy.windows and (row.allowance is None or quota.left(row, purpose) > 0)
        for row in rows
    )


def _has_route(policy: Policy, rows: Sequence[Any], purpose: Purpose) -> bool:
    leaves = {row.kind for row in rows if row.used < (row.allowance or 0)}
    routes = (route for route in policy.routes if purpose in route.carries)
    return any(not route.leave or route.leave in leaves for route in routes)


def _read_subjects(session: Session, known: Known, rows: Sequence[CareMessage]) -> None:
    orders = {row.order_id for row in rows if row.order_id is not None}
    parcels = {row.parcel_id for row in rows if row.parcel_id is not None}
    skus = {str(row.facts["sku"]) for row in rows if row.facts.get("sku")}
    if orders:
        known.orders = facts.orders(session, orders)
    if orders or parcels:
        found = facts.parcels(session, parcels, orders)
        known.parcels = {row.id: row for row in found}
        known.steps = facts.latest_steps(session, known.parcels.keys())
        for row in found:
            known.parcels_of.setdefault(row.order_id, []).append(row)
    if skus:
        known.products = facts.products(session, skus)


def _read_windows(session: Session, known: Known, policies: Policies, at: datetime) -> None:
    names: dict[Account, set[str]] = {}
    for chats in known.chats.values():
        for row in chats:
            policy = policies.get((row.channel, row.account))
            if policy is not None and (policy.windows or policy.routes):
                names.setdefault((row.channel, row.account), set()).add(row.chat)
    for account, those in names.items():
        known.windows[account] = facts.windows(session, account, those, at)
