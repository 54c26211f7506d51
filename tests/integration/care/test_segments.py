"""Segments: the same customers as if each was looked at one by one."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from bot.care import segments
from bot.care.segments import SegmentRefused
from bot.config import Shop
from storage.db import Database
from storage.models.customers import Customer, Identity
from storage.models.orders import Order
from storage.models.profiles import CustomerProfile
from storage.models.segments import Segment, members, size

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
TAGS, SKUS = ("vip", "新客", "50%", 'a"b'), ("S1", "S2", "S-3")
SHOP = Shop(name="x")


@dataclass
class Known:
    """One customer with all that is theirs."""

    row: Customer
    tags: list[str] = field(default_factory=list)
    chats: list[Identity] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    @property
    def counted(self) -> list[Order]:
        return [one for one in self.orders if one.status not in ("cancelled", "refunded")]


def fill(session: Session, rng: random.Random, count: int) -> list[Known]:
    """A shop whose customers are all sorts."""
    found = [_customer(session, rng, number) for number in range(count)]
    session.flush()
    return found


def _customer(session: Session, rng: random.Random, number: int) -> Known:
    one = Known(Customer(name=f"c{number}", language=rng.choice(("", "zh", "en"))))
    session.add(one.row)
    session.flush()
    owner = one.row.id
    assert owner is not None
    if rng.random() < 0.6:
        one.tags = rng.sample(TAGS, rng.randrange(3))
        session.add(CustomerProfile(customer_id=owner, tags=one.tags, told_at=AT))
    for turn in range(rng.randrange(3)):
        one.chats.append(
            Identity(
                customer_id=owner, channel=rng.choice(("telegram", "wechat", "web")),
                account="main", chat=f"{number}/{turn}", language=rng.choice(("", "zh", "en")),
                linked_at=rng.choice((None, AT)), last_seen_at=_some_day(rng),
            )
        )  # fmt: skip
    for turn in range(rng.randrange(4)):
        one.orders.append(
            Order(
                number=f"{number}/{turn}", customer_id=owner,
                status=rng.choice(("paid", "shipped", "refunded", "cancelled", "unknown")),
                amount=rng.choice((None, Decimal(rng.randrange(1, 400)) / 2)),
                currency=rng.choice(("CNY", "", "EUR")), placed_at=rng.choice((None, _some_day(rng))),
                created_at=_some_day(rng),
                items=[{"sku": rng.choice(SKUS), "quantity": 1} for _ in range(rng.randrange(3))],
            )
        )  # fmt: skip
    session.add_all([*one.chats, *one.orders])
    return one


def _some_day(rng: random.Random) -> datetime:
    return AT - timedelta(hours=rng.randrange(1, 24 * 60))


def wish(rng: random.Random) -> dict[str, Any]:
    """One or two things that somebody might ask for."""
    day = (AT - timedelta(days=rng.randrange(60))).date().isoformat()
    number, amount = rng.randrange(4), rng.randrange(300)
    whole: dict[str, Any] = {
        "tags": rng.sample(TAGS, 2), "without_tags": rng.sample(TAGS, 1), "languages": ["en"],
        "channels": ["telegram", "web"], "last_order_before": day, "last_order_after": day,
        "orders_min": number, "orders_max": number, "spent_min": amount, "spent_max": amount,
        "silent_days": rng.randrange(1, 60), "bought": rng.sample(SKUS, 2), "not_bought": ["S1"],
    }  # fmt: skip
    return {name: whole[name] for name in rng.sample(sorted(whole), rng.randrange(1, 3))}


def belongs(one: Known, wanted: Segment) -> bool:
    """The obvious way."""
    language = [one.row.language] if one.row.language else [c.language for c in one.chats]
    placed = [(o.placed_at or o.created_at).astimezone(ZONE).date() for o in one.counted]
    own = [o.amount or 0 for o in one.counted if o.currency in (wanted.currency, "")]
    skus = {item["sku"] for o in one.counted for item in o.items}
    last, spent = max(placed, default=date.min), sum(own)
    checks: list[tuple[Any, Callable[[], bool]]] = [
        (wanted.tags, lambda: bool(set(one.tags) & set(wanted.tags))),
        (wanted.without_tags, lambda: not set(one.tags) & set(wanted.without_tags)),
        (wanted.languages, lambda: bool(set(language) & set(wanted.languages))),
        (wanted.channels, lambda: any(c.linked_at and c.channel in wanted.channels
                                      for c in one.chats)),
        (wanted.last_order_before, lambda: bool(placed) and last < wanted.last_order_before),
        (wanted.last_order_after, lambda: last > wanted.last_order_after),
        (wanted.orders_min is not None, lambda: len(one.counted) >= wanted.orders_min),
        (wanted.orders_max is not None, lambda: len(one.counted) <= wanted.orders_max),
        (wanted.spent_min is not None, lambda: spent >= wanted.spent_min),
        (wanted.spent_max is not None, lambda: spent <= wanted.spent_max),
        (wanted.silent_days, lambda: all(
            c.last_seen_at <= AT - timedelta(days=wanted.silent_days) for c in one.chats)),
        (wanted.bought, lambda: bool(skus & set(wanted.bought))),
        (wanted.not_bought, lambda: not skus & set(wanted.not_bought)),
    ]  # fmt: skip
    return all(holds() for is_asked, holds in checks if is_asked)


def test_a_segment_is_whom_one_would_pick_by_hand(db: Database) -> None:
    rng = random.Random(17)
    known = db.run(fill, rng, 80)
    sizes = set()
    for _ in range(120):
        wanted = segments.segment(wish(rng), SHOP)
        found = db.run(members, wanted, ZONE, AT, 0, 1000)
        assert found == [one.row.id for one in known if belongs(one, wanted)], wanted
        assert db.run(size, wanted, ZONE, AT) == len(found)
        sizes.add(len(found))
    assert len(sizes) > 20  # they differ: something was asked for
    rest = db.run(members, Segment(), ZONE, AT, known[2].row.id or 0, 5)
    assert rest == [one.row.id for one in known[3:8]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"colour": ["red"]}, "segment.colour: unknown key; there are tags"),
        ({"languages": ["fr"]}, "The shop does not speak fr."),
        ({"orders_min": -1}, "segment.orders_min: should be 0 or more"),
        ({"last_order_after": "soon"}, "segment.last_order_after: should be a day such as"),
    ],
)
def test_what_cannot_be_asked_is_told(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SegmentRefused) as refused:
        segments.segment(values, SHOP)
    assert said in refused.value.en
    assert segments.plain(segments.segment({"tags": ["vip"]}, SHOP)) == {"tags": ["vip"]}
