"""Segments: which customers are meant, in a closed vocabulary, asked of all of them at once."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt
from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy import cast as as_type
from sqlmodel import Session, col

from storage.models.base import Json
from storage.models.customers import Customer, Identity
from storage.models.orders import Order
from storage.models.profiles import CustomerProfile

NOT_BOUGHT = ("cancelled", "refunded")
"""Orders in these states count nowhere: neither as bought, nor in numbers or amounts."""


class Segment(BaseModel):
    """All that is set has to hold; of a list one is enough. Nothing set means everybody.

    Days are the shop's, and `before` and `after` mean without the day itself. `spent_min` and
    `spent_max` are sums in `currency`, to which orders without one belong. Who is silent has
    written in no chat for so many days.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tags: list[str] = Field(default_factory=list)
    without_tags: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)
    last_order_before: date | None = None
    last_order_after: date | None = None
    orders_min: NonNegativeInt | None = None
    orders_max: NonNegativeInt | None = None
    spent_min: Decimal | None = None
    spent_max: Decimal | None = None
    currency: str = ""
    silent_days: PositiveInt | None = None
    bought: list[str] = Field(default_factory=list)
    not_bought: list[str] = Field(default_factory=list)


def members(
    session: Session, segment: Segment, zone: ZoneInfo, at: datetime, after: int, most: int
) -> list[int]:
    """At most `most` customers of a segment with an id greater than `after`, in their order."""
    query = (
        select(col(Customer.id))
        .where(col(Customer.id) > after, *_conditions(session, segment, zone, at))
        .order_by(col(Customer.id))
        .limit(most)
    )
    return list(session.execute(query).scalars())


def size(session: Session, segment: Segment, zone: ZoneInfo, at: datetime) -> int:
    """How many customers a segment has."""
    conditions = _conditions(session, segment, zone, at)
    query = select(func.count()).select_from(Customer).where(*conditions)
    return int(session.execute(query).scalar_one())


def placed_at() -> ColumnElement[datetime]:
    """When an order was placed, or heard of where the shop did not say."""
    return func.coalesce(col(Order.placed_at), col(Order.created_at))


def _conditions(
    session: Session, segment: Segment, zone: ZoneInfo, at: datetime
) -> list[ColumnElement[bool]]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    found = [*_of_profile(segment, is_sqlite=is_sqlite), *_of_chats(segment, at)]
    return [*found, *_of_orders(segment, zone), *_of_goods(segment, is_sqlite=is_sqlite)]


def _of_profile(segment: Segment, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    def tagged(tags: list[str]) -> ColumnElement[bool]:
        has = [_holds(col(CustomerProfile.tags), one, is_sqlite=is_sqlite) for one in tags]
        return exists().where(col(CustomerProfile.customer_id) == Customer.id, or_(*has))

    found = [tagged(segment.tags)] if segment.tags else []
    return [*found, ~tagged(segment.without_tags)] if segment.without_tags else found


def _of_chats(segment: Segment, at: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    mine = col(Identity.customer_id) == Customer.id
    if segment.languages:
        unknown = and_(
            col(Customer.language) == "",
            exists().where(mine, col(Identity.language).in_(segment.languages)),
        )
        found.append(or_(col(Customer.language).in_(segment.languages), unknown))
    if segment.channels:
        there = (col(Identity.channel).in_(segment.channels), col(Identity.linked_at).is_not(None))
        found.append(exists().where(mine, *there))
    if segment.silent_days is not None:
        since = at - timedelta(days=segment.silent_days)
        found.append(~exists().where(mine, col(Identity.last_seen_at) > since))
    return found


def _of_orders(segment: Segment, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if segment.last_order_before is not None:
        day = _begins(segment.last_order_before, zone)
        found += [exists().where(*_mine()), ~exists().where(*_mine(), placed_at() >= day)]
    if segment.last_order_after is not None:
        day = _begins(segment.last_order_after + timedelta(days=1), zone)
        found.append(exists().where(*_mine(), placed_at() >= day))
    number = _sum_of(func.count(col(Order.id)))
    spent = _sum_of(func.sum(col(Order.amount)), col(Order.currency).in_([segment.currency, ""]))
    for value, least, most in (
        (number, segment.orders_min, segment.orders_max),
        (spent, segment.spent_min, segment.spent_max),
    ):
        found += [] if least is None else [value >= least]
        found += [] if most is None else [value <= most]
    return found


def _of_goods(segment: Segment, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    def bought(skus: list[str]) -> ColumnElement[bool]:
        has = [_has_item(one, is_sqlite=is_sqlite) for one in skus]
        return exists().where(*_mine(), or_(*has))

    found = [bought(segment.bought)] if segment.bought else []
    return [*found, ~bought(segment.not_bought)] if segment.not_bought else found


def _mine() -> tuple[ColumnElement[bool], ...]:
    """That an order is the customer's, and counts."""
    return col(Order.customer_id) == Customer.id, col(Order.status).not_in(NOT_BOUGHT)


def _sum_of(value: Any, *conditions: Any) -> ColumnElement[Any]:
    query = select(func.coalesce(value, 0)).where(*_mine(), *conditions)
    return query.correlate(Customer).scalar_subquery()


def _holds(values: Any, wanted: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    """That a JSON list of texts has one of them."""
    if not is_sqlite:
        return values.op("@>")(as_type([wanted], Json))  # type: ignore[no-any-return]
    each = func.json_each(values).table_valued("value")
    return exists(select(literal(1)).select_from(each).where(each.c.value == wanted))


def _has_item(sku: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    items = col(Order.items)
    if not is_sqlite:
        return items.op("@>")(as_type([{"sku": sku}], Json))
    each = func.json_each(items).table_valued("value")
    named = func.json_extract(each.c.value, "$.sku") == sku
    return exists(select(literal(1)).select_from(each).where(named))


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
