"""Whom a journey on the clock is about: found by customers' ids, some thousands at a time."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, String, and_, cast, extract, func, or_, union_all
from sqlalchemy import select as select_columns
from sqlmodel import Session, SQLModel

_T = SQLModel.metadata.tables
_CUSTOMER, _IDENTITY, _ORDER = _T["customer"], _T["identity"], _T["orders"]
_PROFILE, _PRODUCT = _T["customer_profile"], _T["product"]
_STANDING = ("paid", "shipped")
Found = Row[Any]


def last_customer(session: Session) -> int:
    """The highest id of a customer; 0 without any."""
    return session.connection().execute(select_columns(func.max(_CUSTOMER.c.id))).scalar() or 0


def with_chats(session: Session, low: int, high: int) -> list[int]:
    """The customers with ids above `low` up to `high` who can be written to somewhere."""
    query = select_columns(_IDENTITY.c.customer_id).distinct().where(
        _IDENTITY.c.customer_id > low, _IDENTITY.c.customer_id <= high
    )  # fmt: skip
    return sorted(session.connection().execute(query).scalars())


def born_on(session: Session, days: Collection[date], low: int, high: int) -> list[Found]:
    """Those of them who were born on one of these days of whatever year, with `birthday`."""
    month, day = extract("month", _PROFILE.c.birthday), extract("day", _PROFILE.c.birthday)
    wanted = or_(*(and_(month == one.month, day == one.day) for one in days))
    query = select_columns(_PROFILE.c.customer_id, _PROFILE.c.birthday).where(
        _PROFILE.c.customer_id > low, _PROFILE.c.customer_id <= high, wanted
    )  # fmt: skip
    return list(session.connection().execute(query))


def first_met(
    session: Session, since: datetime, until: datetime, low: int, high: int
) -> list[Found]:
    """Those of them whose first order, or first chat that is known to be theirs, came within a
    span, with the moment `at`."""
    met = select_columns(_IDENTITY.c.customer_id, _IDENTITY.c.linked_at.label("at")).where(
        _IDENTITY.c.linked_at.is_not(None), *_between(_IDENTITY, low, high)
    )  # fmt: skip
    bought = select_columns(_ORDER.c.customer_id, _placed().label("at")).where(
        *_between(_ORDER, low, high)
    )  # fmt: skip
    return _by_customer(session, [met, bought], func.min, since, until)


def last_heard(
    session: Session, since: datetime, until: datetime, low: int, high: int
) -> list[Found]:
    """Those of them whose last order or word came within a span, with the moment `at`."""
    wrote = select_columns(_IDENTITY.c.customer_id, _IDENTITY.c.last_seen_at.label("at")).where(
        *_between(_IDENTITY, low, high)
    )  # fmt: skip
    bought = select_columns(_ORDER.c.customer_id, _placed().label("at")).where(
        *_between(_ORDER, low, high)
    )  # fmt: skip
    return _by_customer(session, [wrote, bought], func.max, since, until)


def bought_between(
    session: Session, spans: Sequence[tuple[datetime, datetime]], low: int, high: int
) -> Iterator[Found]:
    """The orders of those of them that were placed within one of these spans and still stand."""
    placed = _placed()
    within = or_(*(placed.between(since, until) for since, until in spans))
    query = select_columns(_ORDER).where(
        *_between(_ORDER, low, high), _ORDER.c.status.in_(_STANDING), within
    )
    yield from session.connection().execute(query)


def lasting(session: Session, attribute: str) -> dict[str, Any]:
    """What products say in an attribute, by article number; only those that say something."""
    says = cast(_PRODUCT.c.attributes, String).like(f'%"{attribute}"%')
    query = select_columns(_PRODUCT.c.sku, _PRODUCT.c.attributes).where(says)
    rows = session.connection().execute(query)
    return {row.sku: row.attributes[attribute] for row in rows if attribute in row.attributes}


def _between(table: Any, low: int, high: int) -> tuple[Any, Any]:
    return table.c.customer_id > low, table.c.customer_id <= high


def _placed() -> Any:
    return func.coalesce(_ORDER.c.placed_at, _ORDER.c.created_at)


def _by_customer(
    session: Session, parts: Sequence[Any], which: Any, since: datetime, until: datetime
) -> list[Found]:
    both = union_all(*parts).subquery()
    moment = which(both.c.at)
    query = (
        select_columns(both.c.customer_id, moment.label("at"))
        .group_by(both.c.customer_id)
        .having(moment.between(since, until))
    )
    return list(session.connection().execute(query))
