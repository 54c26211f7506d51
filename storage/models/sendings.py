"""Sendings to many: their rows, what of them is to be written, and pausing all that waits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, tuple_, update
from sqlmodel import Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.messages import Progress, Purpose
from storage import live
from storage.models.agents import Agent
from storage.models.base import rows_changed
from storage.models.care import CareMessage, CareState, Sending
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from storage.models.progress import Account

PAUSED, STOPPED = "paused", "stopped"
"""Why something of a sending waits, or never went."""
_CARE, _DELIVERY = SQLModel.metadata.tables["care_message"], SQLModel.metadata.tables["delivery"]


def sendings(session: Session, most: int) -> list[Sending]:
    """The sendings, the newest first."""
    return list(session.exec(select(Sending).order_by(col(Sending.id).desc()).limit(most)))


def sending_named(session: Session, name: str) -> Sending | None:
    """The sending with this name."""
    return session.exec(select(Sending).where(Sending.name == name)).one_or_none()


def sendings_with(session: Session, ids: Collection[int]) -> list[Sending]:
    """The sendings with these ids."""
    return list(session.exec(select(Sending).where(col(Sending.id).in_(ids))))


def held_sending(session: Session, sending_id: int) -> Sending | None:
    """A sending, held until the commit: its state does not change meanwhile."""
    query = select(Sending).where(Sending.id == sending_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def running(session: Session) -> list[int]:
    """The sendings of which something is to be done, the oldest first."""
    query = select(col(Sending.id)).where(Sending.state == "running").order_by(col(Sending.id))
    return [one for one in session.exec(query) if one is not None]


def due_of_sending(
    session: Session, sending_id: int, at: datetime, most: int, stuck: Collection[Account] = ()
) -> list[CareMessage]:
    """What of a sending has to be looked at, held until the commit; who waits longest first.

    Customers whose only chats are at accounts that are `stuck` stay where they are.
    """
    conditions: list[Any] = [
        CareMessage.sending_id == sending_id,
        CareMessage.state == CareState.DUE,
        col(CareMessage.due_at) <= at,
    ]
    if stuck:
        conditions.append(_can_be_reached(stuck))
    query = (
        select(CareMessage)
        .where(*conditions)
        .order_by(col(CareMessage.due_at), col(CareMessage.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(session.exec(query.execution_options(populate_existing=True)))


def by_state(session: Session, sending_id: int) -> dict[tuple[str, str], int]:
    """How many messages of a sending are in which state, and for which reason."""
    keys = (col(CareMessage.state), col(CareMessage.reason))
    query = select(*keys, func.count()).where(CareMessage.sending_id == sending_id)
    return {(state, reason): count for state, reason, count in session.exec(query.group_by(*keys))}


def by_progress(session: Session, sending_id: int) -> dict[str, int]:
    """How many written messages of a sending are how far; those that a chat fetches by itself are
    not among them."""
    query = (
        select(Delivery.state, func.count(col(Delivery.id)))
        .join(CareMessage, col(CareMessage.message_id) == Delivery.message_id)
        .where(CareMessage.sending_id == sending_id)
        .group_by(Delivery.state)
    )
    return dict(session.exec(query).all())


def is_any_left(session: Session, sending_id: int) -> bool:
    """Whether something of a sending is still to be written or on its way."""
    due = select(CareMessage.id).where(
        CareMessage.sending_id == sending_id, CareMessage.state == CareState.DUE
    )
    if session.exec(due.limit(1)).first() is not None:
        return True
    way = (
        select(Delivery.id)
        .join(CareMessage, col(CareMessage.message_id) == Delivery.message_id)
        .where(
            CareMessage.sending_id == sending_id,
            col(Delivery.state).in_([Progress.QUEUED, Progress.SENDING, Progress.HELD]),
        )
    )
    return session.exec(way.limit(1)).first() is not None


def lines(session: Session) -> dict[Account, tuple[int, datetime]]:
    """How much marketing waits at each account where some does, and since when the first of it."""
    account = (col(Delivery.channel), col(Delivery.account))
    query = (
        select(*account, func.count(col(Delivery.id)), func.min(col(Delivery.updated_at)))
        .where(Delivery.state == Progress.QUEUED, Delivery.rank == Purpose.MARKETING.rank)
        .group_by(*account)
    )
    return {(channel, name): (count, since) for channel, name, count, since in session.exec(query)}


def hold_back(session: Session, sending_id: int) -> int:
    """Hold what of a sending waits to be sent. Returns how many that were."""
    return _move(session, sending_id, [Progress.QUEUED], Progress.HELD, PAUSED)


def let_go(session: Session, sending_id: int) -> int:
    """Queue again what of a sending was held back. Returns how many that were."""
    held = _DELIVERY.c.reason == PAUSED
    waits = [Progress.HELD, Progress.QUEUED]
    count = _move(session, sending_id, waits, Progress.QUEUED, "", held)
    live.touch(session, *(live.sender(*one) for one in _accounts(session, sending_id)))
    return count


def look_again(session: Session, journey: str) -> None:
    """What of a journey waits because it was paused is looked at now."""
    mine = (_CARE.c.journey == journey, _CARE.c.state == CareState.DUE, _CARE.c.reason == PAUSED)
    session.execute(update(_CARE).where(*mine).values(due_at=now()))


def give_up(session: Session, sending_id: int) -> int:
    """Refuse what of a sending is due, and fail what waits. Returns how many that were."""
    due = update(_CARE).where(_CARE.c.sending_id == sending_id, _CARE.c.state == CareState.DUE)
    refused = due.values(state=CareState.REFUSED, reason=STOPPED, decided_at=now())
    waits = [Progress.QUEUED, Progress.HELD]
    failed = _move(session, sending_id, waits, Progress.FAILED, STOPPED)
    return rows_changed(session, refused) + failed


def own_chat(session: Session, agent_id: int) -> Identity | None:
    """The private chat on Telegram of an agent who is known there, the one used last."""
    mine = select(Agent.telegram_id).where(Agent.id == agent_id).scalar_subquery()
    query = select(Identity).where(Identity.channel == "telegram", Identity.chat == mine)
    return session.exec(query.order_by(col(Identity.last_seen_at).desc()).limit(1)).first()


def _move(
    session: Session,
    sending_id: int,
    was: Sequence[Progress],
    to: Progress,
    reason: str,
    *conditions: Any,
) -> int:
    """Move what waits of a sending; what is being sent just now goes its way."""
    mine = select(_CARE.c.message_id).where(
        _CARE.c.sending_id == sending_id, _CARE.c.message_id.is_not(None)
    )
    where = (_DELIVERY.c.message_id.in_(mine), _DELIVERY.c.state.in_(was), *conditions)
    values = {"state": to, "reason": reason, "updated_at": now(), "not_before": None}
    return rows_changed(session, update(_DELIVERY).where(*where).values(**values))


def _can_be_reached(stuck: Collection[Account]) -> Any:
    """Whether a message's customer has another chat than at these accounts, or none at all."""
    is_there = tuple_(col(Identity.channel), col(Identity.account)).in_(stuck)
    theirs = exists().where(col(Identity.customer_id) == col(CareMessage.customer_id))
    return or_(~theirs.where(is_there), theirs.where(~is_there))


def _accounts(session: Session, sending_id: int) -> list[Account]:
    query = (
        select(Delivery.channel, Delivery.account)
        .join(CareMessage, col(CareMessage.message_id) == Delivery.message_id)
        .where(CareMessage.sending_id == sending_id, Delivery.state == Progress.QUEUED)
        .distinct()
    )
    return list(session.exec(query).all())
