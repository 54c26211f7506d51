"""Claims what may be sent next and records what became of it, each in one transaction."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.channels.base import (
    Channel,
    Closed,
    DeliveryError,
    Errand,
    Outgoing,
    Refused,
    TryLater,
    Uncertain,
)
from bot.core.clock import now
from bot.core.events import Event, emit
from bot.core.messages import Choice, Progress, Purpose
from bot.delivery import quota
from bot.delivery.backoff import later
from storage import live
from storage.models import buttons, deliveries, progress
from storage.models.conversations import Message
from storage.models.customers import find_identity, note_block
from storage.models.deliveries import Delivery
from storage.models.progress import Account


@dataclass(frozen=True, slots=True)
class Stop:
    """A guard's refusal: why, and whether it may be sent later (held) or never (failed)."""

    reason: str
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryStopped(Event):
    """A message did not reach its customer, or perhaps not (`uncertain`), or waits (`held`)."""

    message_id: int
    state: Progress
    reason: str


Record = Callable[[Session, int, Any], None]
"""`succeeded` or `failed`."""
Guard = Callable[[Session, Delivery], Stop | None]
"""Asked at the moment of claiming, so that what was planned yesterday can be refused today."""


@dataclass(slots=True)
class Claimed:
    """What was taken for sending, and how many were refused: others may come in their place."""

    outgoing: list[Outgoing] = field(default_factory=list)
    errands: list[Errand] = field(default_factory=list)
    stopped: int = 0


def claim(
    session: Session, channel: Channel, guard: Guard, busy: Collection[str], most: int
) -> Claimed:
    """Take up to `most` deliveries for sending; `busy` chats get nothing now."""
    at = now()
    claimed = Claimed()
    for delivery, message in deliveries.next_due(session, _account(channel), at, busy, most):
        stop = _refusal(session, channel, guard, delivery, at)
        if stop is not None:
            _stop(session, delivery, stop)
            claimed.stopped += 1
        elif _take(session, delivery):
            claimed.outgoing.append(_outgoing(session, channel, delivery, message))
    return claimed


def succeeded(session: Session, delivery_id: int, provider_id: str) -> None:
    """The platform took it, even if another process has given it up for uncertain meanwhile."""
    was = [Progress.SENDING, Progress.UNCERTAIN, Progress.QUEUED]
    progress.change(session, Delivery, delivery_id, was, Progress.SENT, provider_id=provider_id)
    _tell(session, session.get_one(Delivery, delivery_id))


def failed(session: Session, delivery_id: int, error: DeliveryError) -> None:
    """It was not sent, or perhaps not: queue it again, give it up, or leave it to people."""
    delivery = session.get_one(Delivery, delivery_id)
    if delivery.state != Progress.SENDING:
        return
    if isinstance(error, TryLater):
        at = later(delivery.attempts, error)
        _move(session, delivery, Progress.QUEUED, error.reason, not_before=at)
    elif isinstance(error, Uncertain):
        _uncertain(session, delivery, error.reason)
    elif isinstance(error, Closed):
        quota.close(session, (delivery.channel, delivery.account), delivery.chat)
        _move(session, delivery, Progress.HELD, quota.CLOSED)
    else:
        _move(session, delivery, Progress.FAILED, error.reason)
        if isinstance(error, Refused) and error.blocked:
            note_block(session, delivery.address, is_blocked=True)


def adopt(session: Session, account: Account) -> int:
    """What a process that died left in `sending` is uncertain. Returns how many there were."""
    left = progress.in_state(session, Delivery, account, [Progress.SENDING])
    for delivery in left:
        _uncertain(session, delivery, "the process ended while it was being sent")
    return len(left)


def guard_consent(session: Session, delivery: Delivery) -> Stop | None:
    """No marketing to who said stop or has blocked us."""
    if delivery.purpose != Purpose.MARKETING:
        return None
    identity = find_identity(session, delivery.address)
    if identity is None or identity.blocked_at is not None:
        return Stop("blocked", for_good=True)
    customer = identity.customer(session)
    is_out = customer.opted_out_at is not None or customer.blocked
    return Stop("opted out", for_good=True) if is_out else None


def _account(channel: Channel) -> Account:
    return channel.channel, channel.account


def _refusal(
    session: Session, channel: Channel, guard: Guard, delivery: Delivery, at: datetime
) -> Stop | None:
    purpose = Purpose(delivery.purpose)
    if at > delivery.useful_until:
        return Stop("expired", for_good=True)
    if purpose not in channel.policy.carries:
        return Stop("route", for_good=True)
    stop = guard(session, delivery)
    if stop is not None:
        return stop
    account = _account(channel)
    if not quota.take(session, account, delivery.chat, purpose, channel.policy, at):
        return Stop(quota.CLOSED)
    return None


def _stop(session: Session, delivery: Delivery, stop: Stop) -> None:
    state = Progress.FAILED if stop.for_good else Progress.HELD
    _move(session, delivery, state, stop.reason)


def _take(session: Session, delivery: Delivery) -> bool:
    assert delivery.id is not None
    return progress.change(
        session,
        Delivery,
        delivery.id,
        [Progress.QUEUED],
        Progress.SENDING,
        attempts=delivery.attempts + 1,
        not_before=None,
    )


def _outgoing(session: Session, channel: Channel, delivery: Delivery, message: Message) -> Outgoing:
    choices = (
        buttons.tokens_for(session, message)
        if channel.policy.opaque_buttons
        else tuple(Choice(**choice) for choice in message.choices)
    )
    purpose = Purpose(delivery.purpose)
    return Outgoing(str(delivery.id), delivery.address, message.text, choices, purpose)


def _uncertain(session: Session, delivery: Delivery, reason: str) -> None:
    """Perhaps it arrived. Marketing is not sent again; anything else once more, and marked."""
    if delivery.purpose == Purpose.MARKETING or delivery.resends:
        _move(session, delivery, Progress.UNCERTAIN, reason)
    else:
        _move(session, delivery, Progress.QUEUED, f"uncertain: {reason}", resends=1)


def _move(session: Session, delivery: Delivery, to: Progress, reason: str, **values: Any) -> None:
    assert delivery.id is not None
    was = [Progress(delivery.state)]
    progress.change(session, Delivery, delivery.id, was, to, reason=reason, **values)
    _tell(session, delivery)
    if to in (Progress.FAILED, Progress.UNCERTAIN, Progress.HELD):
        emit(session, DeliveryStopped(delivery.message_id, to, reason))


def _tell(session: Session, delivery: Delivery) -> None:
    """Desks that show the chat show what became of its messages."""
    live.touch(session, live.chat(delivery.address))
