"""Writes down what became of a message that was taken for sending, each in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from bot.channels.base import (
    Closed,
    DeliveryError,
    Outgoing,
    Piece,
    Refused,
    TryLater,
    Uncertain,
)
from bot.core.events import Event, emit
from bot.core.messages import Address, Progress, Purpose
from bot.delivery import corrections, quota
from bot.delivery.backoff import later
from storage import live
from storage.models import deliveries, progress
from storage.models.customers import note_block
from storage.models.deliveries import Delivery
from storage.models.progress import Account

Record = Callable[[Session, Any, Any], None]
"""`succeeded` or `failed`."""


@dataclass(frozen=True, slots=True)
class DeliveryStopped(Event):
    """A message did not reach its customer, or perhaps not (`uncertain`), or waits (`held`)."""

    message_id: int
    state: Progress
    reason: str


def reply_given(session: Session, outgoing: Outgoing, *, has_more: bool) -> None:
    """The platform was given a reply; with `has_more` its next piece waits for the next one."""
    if not has_more:
        succeeded_all(session, numbers(outgoing), "")
        return
    delivery = session.get_one(Delivery, int(outgoing.key))
    move(session, delivery, Progress.HELD, quota.CLOSED, part=outgoing.part + 1)


def reply_kept(session: Session, outgoing: Outgoing) -> None:
    """The platform went away before it was given the reply: it waits for the next request."""
    for number in numbers(outgoing):
        move(session, session.get_one(Delivery, number), Progress.HELD, quota.CLOSED)


def numbers(outgoing: Outgoing) -> list[int]:
    """The deliveries that a message stands for."""
    return [int(key) for key in (outgoing.key, *outgoing.joined)]


def succeeded_all(session: Session, delivery_ids: Sequence[int], sent: str | Piece) -> None:
    """`succeeded` for what went as one message."""
    for delivery_id in delivery_ids:
        succeeded(session, delivery_id, sent)


def failed_all(session: Session, delivery_ids: Sequence[int], error: DeliveryError) -> None:
    """`failed` for what went as one message."""
    for delivery_id in delivery_ids:
        failed(session, delivery_id, error)


def reported(session: Session, account: Account, provider_id: str, *, blocked: bool) -> None:
    """The platform took a message and says later that it did not arrive.

    What the customer refuses has failed; anything else waits until they write.
    """
    delivery = deliveries.sent_as(session, account, provider_id)
    if delivery is None:
        return
    if blocked:
        move(session, delivery, Progress.FAILED, "blocked")
        note_block(session, delivery.address, is_blocked=True)
    else:
        move(session, delivery, Progress.HELD, quota.CLOSED)


def bounced(session: Session, delivery_id: int, address: Address, reason: str) -> None:
    """The platform had taken it, and says later that it did not reach the customer."""
    delivery = session.get(Delivery, delivery_id)
    was = (Progress.SENDING, Progress.SENT, Progress.UNCERTAIN)
    if delivery is not None and delivery.address == address and delivery.state in was:
        move(session, delivery, Progress.FAILED, reason)


def give_up_held(session: Session, address: Address, reason: str) -> None:
    """What was held for a chat, but for what agents wrote, is of no use any more."""
    account = (address.channel, address.account)
    mine = (Delivery.chat == address.chat, Delivery.purpose != Purpose.AGENT)
    for delivery in progress.in_state(session, Delivery, account, [Progress.HELD], *mine):
        move(session, delivery, Progress.FAILED, reason)


def succeeded(session: Session, delivery_id: int, sent: str | Piece) -> None:
    """The platform took it, even if another process has given it up for uncertain meanwhile.

    After a piece of it the rest is queued again: so each counts towards the platform's limits, and
    what has arrived is known whenever this process ends.
    """
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
    was = [Progress.SENDING, Progress.UNCERTAIN, Progress.QUEUED]
    to, last = (Progress.QUEUED, sent.id) if isinstance(sent, Piece) else (Progress.SENT, sent)
    arrived = {
        "provider_id": ",".join(filter(None, (delivery.provider_id, last))),
        "part": delivery.part + 1,
    }
    is_news = progress.change(session, Delivery, delivery_id, was, to, **arrived)
    quota.used_up(session, delivery, 1 if to == Progress.QUEUED else None)
    if is_news and to == Progress.SENT and delivery.is_reworded:
        corrections.order(session, delivery, last)
    _tell(session, delivery)


def failed(session: Session, delivery_id: int, error: DeliveryError) -> None:
    """It was not sent, or perhaps not: queue it again, give it up, or leave it to people."""
    delivery = session.get_one(Delivery, delivery_id)
    if delivery.state != Progress.SENDING:
        return
    if isinstance(error, TryLater):
        at = later(delivery.attempts, error)
        if not delivery.part:  # the rest of what has begun to arrive is to follow: it stays counted
            quota.give_back(session, delivery)
        move(session, delivery, Progress.QUEUED, error.reason, not_before=at)
    elif isinstance(error, Uncertain):
        _uncertain(session, delivery, error.reason)
    elif isinstance(error, Closed):
        quota.close(session, (delivery.channel, delivery.account), delivery.chat)
        quota.used_up(session, delivery)
        move(session, delivery, Progress.HELD, quota.CLOSED)
    else:
        move(session, delivery, Progress.FAILED, error.reason)
        if isinstance(error, Refused) and error.blocked:
            note_block(session, delivery.address, is_blocked=True)


def adopt(session: Session, account: Account) -> int:
    """What a process that died left in `sending` is uncertain. Returns how many there were."""
    left = progress.in_state(session, Delivery, account, [Progress.SENDING])
    for delivery in left:
        _uncertain(session, delivery, "the process ended while it was being sent")
    return len(left)


def _uncertain(session: Session, delivery: Delivery, reason: str) -> None:
    """Perhaps it arrived. Marketing is not sent again; anything else once more, and marked."""
    quota.used_up(session, delivery, 1)
    if delivery.purpose == Purpose.MARKETING or delivery.resends:
        move(session, delivery, Progress.UNCERTAIN, reason)
    else:
        move(session, delivery, Progress.QUEUED, f"uncertain: {reason}", resends=1)


def move(session: Session, delivery: Delivery, to: Progress, reason: str, **values: Any) -> None:
    """Move a delivery on, and tell whoever watches its chat or has to know that it stopped."""
    assert delivery.id is not None
    was = [Progress(delivery.state)]
    if not progress.change(session, Delivery, delivery.id, was, to, reason=reason, **values):
        return
    _tell(session, delivery)
    if to in (Progress.FAILED, Progress.UNCERTAIN, Progress.HELD):
        quota.give_back(session, delivery)
        live.touch(session, live.QUEUE)
        emit(session, DeliveryStopped(delivery.message_id, to, reason))


def _tell(session: Session, delivery: Delivery) -> None:
    """Desks that show the chat show what became of its messages, once one has stopped."""
    live.touch(session, live.chat(delivery.address))
    if delivery.reason:
        live.touch(session, live.QUEUE)
