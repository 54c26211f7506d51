"""Whose birthday it is in a month, for gifts made by hand; nothing of how old somebody is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, extract, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, SQLModel, select

from storage.models.remarks import FollowUp

_T = SQLModel.metadata.tables
_CUSTOMER, _PROFILE, _IDENTITY = _T["customer"], _T["customer_profile"], _T["identity"]
_ORDER, _CONVERSATION = _T["orders"], _T["conversation"]


@dataclass(frozen=True, slots=True)
class Birthday:
    """Somebody's day, without the year. `channel` is where they were seen last, `conversation_id`
    their newest conversation there; both are of chats that were proved to be theirs."""

    customer_id: int
    name: str
    birthday: date
    tags: list[str]
    orders: int
    channel: str | None
    conversation_id: int | None


def birthdays_in(session: Session, month: int, most: int) -> list[Birthday]:
    """The birthdays in a month from 1 to 12, day by day."""
    ranked = (
        select_columns(
            _IDENTITY.c.customer_id,
            _IDENTITY.c.id,
            _IDENTITY.c.channel,
            func.row_number()
            .over(partition_by=_IDENTITY.c.customer_id, order_by=_IDENTITY.c.last_seen_at.desc())
            .label("place"),
        )
        .where(_IDENTITY.c.linked_at.is_not(None))
        .subquery()
    )
    orders = _count(_ORDER, _ORDER.c.customer_id == _CUSTOMER.c.id)
    newest = (
        select_columns(func.max(_CONVERSATION.c.id))
        .where(_CONVERSATION.c.identity_id == ranked.c.id)
        .correlate(ranked)
        .scalar_subquery()
    )
    query = (
        select_columns(
            _CUSTOMER.c.id, _CUSTOMER.c.name, _PROFILE.c.birthday, _PROFILE.c.tags, orders,
            ranked.c.channel, newest,
        )
        .join(_PROFILE, _PROFILE.c.customer_id == _CUSTOMER.c.id)
        .outerjoin(ranked, and_(ranked.c.customer_id == _CUSTOMER.c.id, ranked.c.place == 1))
        .where(extract("month", _PROFILE.c.birthday) == month, _CUSTOMER.c.blocked.is_(False))
        .order_by(extract("day", _PROFILE.c.birthday), _CUSTOMER.c.id)
        .limit(most)
    )  # fmt: skip
    return [Birthday(*row) for row in session.execute(query)]


def reminded(session: Session, kind: str, since: datetime) -> set[int]:
    """The conversations in which agents were reminded of something since a moment."""
    query = select(FollowUp.conversation_id).where(FollowUp.kind == kind, FollowUp.due_at >= since)
    return set(session.exec(query))


def _count(table: Any, condition: Any) -> Any:
    query = select_columns(func.count()).select_from(table).where(condition)
    return query.correlate(_CUSTOMER).scalar_subquery()
