"""What became of care messages: counted, with what customers did afterwards, in few queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlmodel import Session, SQLModel

from bot.core.messages import Author, Progress
from storage.models.base import UtcDateTime
from storage.models.care import CareState
from storage.models.segments import NOT_BOUGHT

_T = SQLModel.metadata.tables
_CARE, _DELIVERY, _MESSAGE = _T["care_message"], _T["delivery"], _T["message"]
_IDENTITY, _CUSTOMER, _CONSENT, _ORDER = _T["identity"], _T["customer"], _T["consent"], _T["orders"]
_HELD_OUT, _WRITTEN = CareState.HELD_OUT, CareState.WRITTEN
_BY = ("journey", "sending_id", "variant", "held_out")


@dataclass(frozen=True, slots=True)
class Scope:
    """Messages that were due from `since` to before `until`, and what happened within `days` days
    of them; `at` is now. All journeys, or one, or one sending."""

    since: datetime
    until: datetime
    days: int
    at: datetime
    journey: str = ""
    sending_id: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Whose figures they are; those held out of a variant are a group of their own."""

    journey: str
    sending_id: int | None
    variant: str
    held_out: bool


def fates(session: Session, scope: Scope) -> list[tuple[Group, str, str, int]]:
    """For each group how many are in which state, and why. The state of those that were written is
    their delivery's; those that a chat fetches by itself are `sent`."""
    care = _messages(scope)
    keys = [care.c[name] for name in (*_BY, "fate", "reason")]
    rows = session.execute(select(*keys, func.count()).group_by(*keys))
    return [(Group(*row[:4]), *row[4:]) for row in rows]


def effects(session: Session, scope: Scope) -> list[tuple[Group, dict[str, int]]]:
    """For each group how many arrived (or were held out), and of those how many customers replied,
    said stop, and bought within the days; `open` are those whose days are not over."""
    care = _arrived(scope)
    end = _later(session, care.c.moment, scope.days)
    counts = {
        "arrived": literal(True),
        "open": care.c.moment > scope.at - timedelta(days=scope.days),
        "replied": _replied(care, end),
        "stopped": _stopped(care, end),
        "bought": exists().where(*_bought(care, end)),
    }
    keys = [care.c[name] for name in _BY]
    columns = [func.count(case((one, 1))).label(name) for name, one in counts.items()]
    rows = session.execute(select(*keys, *columns).group_by(*keys))
    return [(Group(*row[:4]), dict(zip(counts, row[4:], strict=True))) for row in rows]


def revenue(session: Session, scope: Scope) -> list[tuple[Group, str, int, Decimal]]:
    """For each group and currency how many orders were placed within the days, and their amount;
    an order counts once in a group."""
    care = _arrived(scope)
    end = _later(session, care.c.moment, scope.days)
    keys = [care.c[name] for name in _BY]
    orders = (
        select(*keys, _ORDER.c.id, _ORDER.c.currency, _ORDER.c.amount)
        .join(_ORDER, and_(*_bought(care, end)))
        .distinct()
        .subquery()
    )
    found = [orders.c[name] for name in (*_BY, "currency")]
    total = func.coalesce(func.sum(orders.c.amount), 0)
    rows = session.execute(select(*found, func.count(), total).group_by(*found))
    return [(Group(*row[:4]), row[4], row[5], Decimal(str(row[6]))) for row in rows]


def by_journey(session: Session, since: datetime) -> dict[str, dict[str, int]]:
    """For each journey how many messages are due, and how many were written, refused or held out
    since a moment. Sendings are not among them."""
    recent = or_(_CARE.c.state == CareState.DUE, _CARE.c.decided_at >= since)
    keys = (_CARE.c.journey, _CARE.c.state)
    query = select(*keys, func.count()).where(_CARE.c.sending_id.is_(None), recent)
    found: dict[str, dict[str, int]] = {}
    for journey, state, count in session.execute(query.group_by(*keys)):
        found.setdefault(journey, {})[state] = count
    return found


def refusals(session: Session, journey: str, since: datetime) -> dict[str, int]:
    """For which reasons how many messages of a journey were not sent since a moment, or wait."""
    stopped = (
        _CARE.c.reason != "",
        _CARE.c.state.in_([CareState.DUE, CareState.REFUSED]),
        func.coalesce(_CARE.c.decided_at, _CARE.c.due_at) >= since,
    )
    query = select(_CARE.c.reason, func.count()).where(_CARE.c.journey == journey, *stopped)
    return {row[0]: row[1] for row in session.execute(query.group_by(_CARE.c.reason))}


def uncertain(session: Session, sending_id: int, most: int) -> Sequence[Row[Any]]:
    """The messages of a sending of which nobody knows whether they arrived: `customer_id`, `name`,
    `channel`, `delivery_id`, `reason`."""
    query = (
        select(
            _CARE.c.customer_id,
            _CUSTOMER.c.name,
            _DELIVERY.c.channel,
            _DELIVERY.c.id.label("delivery_id"),
            _DELIVERY.c.reason,
        )
        .join(_CUSTOMER, _CUSTOMER.c.id == _CARE.c.customer_id)
        .join(_DELIVERY, _DELIVERY.c.message_id == _CARE.c.message_id)
        .where(_CARE.c.sending_id == sending_id, _DELIVERY.c.state == Progress.UNCERTAIN)
        .order_by(_DELIVERY.c.id)
        .limit(most)
    )
    return session.execute(query).all()


def _messages(scope: Scope) -> Subquery:
    """The care messages meant, with what became of them and when they were, or would have been,
    written."""
    is_written = _CARE.c.state == _WRITTEN
    fate = case((~is_written, _CARE.c.state), else_=func.coalesce(_DELIVERY.c.state, Progress.SENT))
    reason = case((is_written, func.coalesce(_DELIVERY.c.reason, "")), else_=_CARE.c.reason)
    moment = func.coalesce(_MESSAGE.c.created_at, _CARE.c.decided_at)
    conditions = [_CARE.c.due_at >= scope.since, _CARE.c.due_at < scope.until]
    if scope.journey:
        conditions.append(_CARE.c.journey == scope.journey)
    if scope.sending_id is not None:
        conditions.append(_CARE.c.sending_id == scope.sending_id)
    return (
        select(
            _CARE.c.journey, _CARE.c.sending_id, _CARE.c.variant, _CARE.c.customer_id,
            _CARE.c.order_id, (_CARE.c.state == _HELD_OUT).label("held_out"), fate.label("fate"),
            reason.label("reason"), type_coerce(moment, UtcDateTime).label("moment"),
        )
        .outerjoin(_MESSAGE, _MESSAGE.c.id == _CARE.c.message_id)
        .outerjoin(_DELIVERY, _DELIVERY.c.message_id == _CARE.c.message_id)
        .where(*conditions)
        .subquery()
    )  # fmt: skip


def _arrived(scope: Scope) -> Subquery:
    care = _messages(scope)
    return select(care).where(care.c.fate.in_([Progress.SENT, _HELD_OUT])).subquery()


def _replied(care: Subquery, end: Any) -> ColumnElement[bool]:
    return exists().where(
        _IDENTITY.c.customer_id == care.c.customer_id,
        _MESSAGE.c.identity_id == _IDENTITY.c.id,
        _MESSAGE.c.author == Author.CUSTOMER,
        _MESSAGE.c.created_at > care.c.moment,
        _MESSAGE.c.created_at <= end,
    )


def _stopped(care: Subquery, end: Any) -> ColumnElement[bool]:
    said = exists().where(
        _CONSENT.c.customer_id == care.c.customer_id,
        _CONSENT.c.state == "withdrawn",
        _CONSENT.c.at > care.c.moment,
        _CONSENT.c.at <= end,
    )
    opted_out = exists().where(
        _CUSTOMER.c.id == care.c.customer_id,
        _CUSTOMER.c.opted_out_at > care.c.moment,
        _CUSTOMER.c.opted_out_at <= end,
    )
    return or_(said, opted_out)


def _bought(care: Subquery, end: Any) -> tuple[ColumnElement[bool], ...]:
    """That an order was placed after the message, and is not the one that the message is about:
    that one may seem the later where the shop's clock is ahead."""
    placed = func.coalesce(_ORDER.c.placed_at, _ORDER.c.created_at)
    return (
        _ORDER.c.customer_id == care.c.customer_id,
        _ORDER.c.id.is_distinct_from(care.c.order_id),
        _ORDER.c.status.not_in(NOT_BOUGHT),
        placed > care.c.moment,
        placed <= end,
    )


def _later(session: Session, moment: Any, days: int) -> Any:
    """So many times 24 hours after a moment, to the millisecond."""
    if session.get_bind().dialect.name == "postgresql":
        return moment + func.make_interval(0, 0, 0, 0, days * 24)
    return func.strftime("%Y-%m-%d %H:%M:%f", moment, f"+{days} days").concat("000")
