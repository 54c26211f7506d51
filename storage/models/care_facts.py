"""What decides about care messages, read for many customers at once: plain rows, few queries."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, exists, func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, SQLModel

from bot.core.messages import Progress, Purpose, State
from storage.models.bulk import among
from storage.models.care import CareState
from storage.models.feedback import LOW
from storage.models.progress import Account

_T = SQLModel.metadata.tables
_CUSTOMER, _IDENTITY, _CONSENT = _T["customer"], _T["identity"], _T["consent"]
_CONVERSATION, _FEEDBACK, _FOLLOW_UP = _T["conversation"], _T["feedback"], _T["follow_up"]
_ORDER, _PARCEL, _STEP = _T["orders"], _T["parcel"], _T["trackingevent"]
_CARE, _DELIVERY, _QUOTA = _T["care_message"], _T["delivery"], _T["quota"]
_PROFILE, _PRODUCT = _T["customer_profile"], _T["product"]
Ids = Collection[int]
Found = Row[Any]


def customers(session: Session, ids: Ids) -> dict[int, Found]:
    """The customers by id."""
    rows = _rows(session, select_columns(_CUSTOMER).where(among(_CUSTOMER.c.id, ids)))
    return {row.id: row for row in rows}


def chats(session: Session, ids: Ids) -> dict[int, list[Found]]:
    """The chats of each customer, the most recently used first."""
    query = select_columns(_IDENTITY).where(among(_IDENTITY.c.customer_id, ids))
    ordered = query.order_by(_IDENTITY.c.last_seen_at.desc(), _IDENTITY.c.id)
    return _grouped(_rows(session, ordered))


def spoken(session: Session, ids: Ids) -> dict[int, str]:
    """The language of what was said last in each of these chats."""
    newest = (
        select_columns(func.max(_CONVERSATION.c.id))
        .where(among(_CONVERSATION.c.identity_id, ids))
        .group_by(_CONVERSATION.c.identity_id)
    )
    query = select_columns(_CONVERSATION.c.identity_id, _CONVERSATION.c.language)
    rows = _rows(session, query.where(_CONVERSATION.c.id.in_(newest)))
    return {row.identity_id: row.language for row in rows}


def consents(session: Session, ids: Ids) -> dict[int, list[Found]]:
    """The newest entry of each customer for each purpose and channel, the latest last."""
    place = func.row_number().over(
        partition_by=(_CONSENT.c.customer_id, _CONSENT.c.purpose, _CONSENT.c.channel),
        order_by=(_CONSENT.c.at.desc(), _CONSENT.c.id.desc()),
    )
    found = select_columns(_CONSENT, place.label("place")).where(among(_CONSENT.c.customer_id, ids))
    some = found.subquery()
    query = select_columns(some).where(some.c.place == 1).order_by(some.c.at, some.c.id)
    return _grouped(_rows(session, query))


def with_person(session: Session, ids: Ids) -> set[int]:
    """Who waits for a person, or is talking to one."""
    held = _CONVERSATION.c.state.in_([State.WAITING, State.OPEN])
    return _conversing(session, ids, held)


def unhappy(session: Session, ids: Ids, since: datetime) -> set[int]:
    """Who complained or rated low since a moment without anybody having called back, and with
    whom that is still to be done."""
    low = _FOLLOW_UP.c.kind == "low_rating"
    of_it = and_(low, _FOLLOW_UP.c.conversation_id == _CONVERSATION.c.id)
    is_open = exists().where(of_it, _FOLLOW_UP.c.done_at.is_(None))
    is_done = exists().where(of_it, _FOLLOW_UP.c.done_at.is_not(None))
    is_low = exists().where(
        _FEEDBACK.c.conversation_id == _CONVERSATION.c.id,
        _FEEDBACK.c.rating <= LOW,
        _FEEDBACK.c.answered_at >= since,
    )
    complains = and_(
        _CONVERSATION.c.handoff_reason == "complaint",
        _CONVERSATION.c.state != State.RESOLVED,
        _CONVERSATION.c.updated_at >= since,
    )
    return _conversing(session, ids, or_(is_open, and_(is_low, ~is_done), complains))


def in_trouble(session: Session, ids: Ids, statuses: Collection[str], since: datetime) -> set[int]:
    """Whose parcel has come into one of these statuses since a moment, and is in it."""
    query = (
        select_columns(_ORDER.c.customer_id)
        .join(_PARCEL, _PARCEL.c.order_id == _ORDER.c.id)
        .where(
            among(_ORDER.c.customer_id, ids),
            _PARCEL.c.status.in_(statuses),
            _PARCEL.c.status_at >= since,
        )
    )
    return {row.customer_id for row in _rows(session, query)}


def advertised(session: Session, ids: Ids, since: datetime) -> dict[int, list[datetime]]:
    """When each customer was written marketing since a moment that did not fail."""
    query = (
        select_columns(_CARE.c.customer_id, _CARE.c.decided_at)
        .outerjoin(_DELIVERY, _DELIVERY.c.message_id == _CARE.c.message_id)
        .where(
            among(_CARE.c.customer_id, ids),
            _CARE.c.state == CareState.WRITTEN,
            _CARE.c.purpose == Purpose.MARKETING,
            _CARE.c.decided_at > since,
            or_(_DELIVERY.c.state.is_(None), _DELIVERY.c.state != Progress.FAILED),
        )
    )
    found: dict[int, list[datetime]] = defaultdict(list)
    for row in _rows(session, query):
        found[row.customer_id].append(row.decided_at)
    return found


class Buying(NamedTuple):
    """How much a customer has bought, where their newest order goes and when it was placed."""

    orders: int = 0
    address: dict[str, Any] | None = None
    latest_at: datetime | None = None


def buying(session: Session, ids: Ids) -> dict[int, Buying]:
    """What each customer has bought; orders that were cancelled or refunded do not count."""
    placed = func.coalesce(_ORDER.c.placed_at, _ORDER.c.created_at)
    query = select_columns(_ORDER.c.customer_id, _ORDER.c.address, placed.label("at")).where(
        among(_ORDER.c.customer_id, ids), _ORDER.c.status.not_in(["cancelled", "refunded"])
    )
    found: dict[int, Buying] = {}
    for row in _rows(session, query):
        known = found.get(row.customer_id, Buying())
        is_newest = known.latest_at is None or row.at >= known.latest_at
        found[row.customer_id] = Buying(
            known.orders + 1,
            (row.address or known.address) if is_newest else known.address,
            row.at if is_newest else known.latest_at,
        )
    return found


def profiles(session: Session, ids: Ids) -> dict[int, Found]:
    """What the shop said of the customers, by customer."""
    rows = _rows(session, select_columns(_PROFILE).where(among(_PROFILE.c.customer_id, ids)))
    return {row.customer_id: row for row in rows}


def orders(session: Session, ids: Ids) -> dict[int, Found]:
    """The orders by id."""
    rows = _rows(session, select_columns(_ORDER).where(among(_ORDER.c.id, ids)))
    return {row.id: row for row in rows}


def parcels(session: Session, ids: Ids, order_ids: Ids) -> list[Found]:
    """These parcels, and those of these orders, the newest first."""
    either = or_(among(_PARCEL.c.id, ids), among(_PARCEL.c.order_id, order_ids))
    query = select_columns(_PARCEL).where(either).order_by(_PARCEL.c.id.desc())
    return _rows(session, query)


def latest_steps(session: Session, ids: Ids) -> dict[int, Found]:
    """The newest step of each parcel that has any."""
    query = select_columns(_STEP).where(among(_STEP.c.parcel_id, ids))
    found = _rows(session, query.order_by(_STEP.c.at, _STEP.c.id))
    return {row.parcel_id: row for row in found}


def products(session: Session, skus: Collection[str]) -> dict[str, Found]:
    """The products by article number."""
    rows = _rows(session, select_columns(_PRODUCT).where(among(_PRODUCT.c.sku, skus)))
    return {row.sku: row for row in rows}


def windows(
    session: Session, account: Account, names: Collection[str], at: datetime
) -> dict[str, list[Found]]:
    """The open windows and permissions of an account's chats, by chat."""
    query = select_columns(_QUOTA).where(
        _QUOTA.c.channel == account[0],
        _QUOTA.c.account == account[1],
        among(_QUOTA.c.chat, names),
        _QUOTA.c.closes_at > at,
    )
    found: dict[str, list[Found]] = defaultdict(list)
    for row in _rows(session, query):
        found[row.chat].append(row)
    return found


def _conversing(session: Session, ids: Ids, condition: Any) -> set[int]:
    query = (
        select_columns(_IDENTITY.c.customer_id)
        .join(_CONVERSATION, _CONVERSATION.c.identity_id == _IDENTITY.c.id)
        .where(among(_IDENTITY.c.customer_id, ids), condition)
    )
    return {row.customer_id for row in _rows(session, query)}


def _rows(session: Session, query: Any) -> list[Found]:
    return list(session.connection().execute(query))


def _grouped(rows: list[Found]) -> dict[int, list[Found]]:
    found: dict[int, list[Found]] = defaultdict(list)
    for row in rows:
        found[row.customer_id].append(row)
    return found
