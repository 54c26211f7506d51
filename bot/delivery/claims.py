"""Claims what may be sent next and records what became of it, each in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.channels.base import (
    Channel,
    Errand,
    Outgoing,
)
from bot.core.clock import now
from bot.core.messages import Author, Choice, Progress, Purpose
from bot.delivery import files, outcomes, quota
from storage.models import buttons, deliveries, progress
from storage.models.attachments import Attached
from storage.models.consents import MARKETING, ConsentState, newest_consent
from storage.models.conversations import Message
from storage.models.customers import find_identity
from storage.models.deliveries import Delivery
from storage.models.progress import Account


@dataclass(frozen=True, slots=True)
class Stop:
    """A guard's refusal: why, and whether it may be sent later (held) or never (failed). With
    `until` it stays in its line and is claimed again then."""

    reason: str
    for_good: bool = False
    until: datetime | None = None


REQUEST_LASTS = timedelta(seconds=20)
"""How long the platform's own request for a reply, with its repetitions, may be open."""
LOOK_AGAIN = timedelta(seconds=10)
"""How soon it is looked again for a file that is being fetched, should nobody tell."""
Stops = Mapping[int, Stop]
"""What must not leave, by the delivery's id."""
Guard = Callable[[Session, Sequence[Delivery]], Stops]
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
    found = deliveries.next_due(session, _account(channel), at, busy, most)
    stops = _refusals(session, channel, guard, [delivery for delivery, _ in found], at)
    for delivery, message in found:
        if channel.policy.replies_only and _comes_for_it(session, delivery, at):
            continue
        enclosed = files.enclosed(session, message)
        if files.are_coming(enclosed):
            _wait(session, delivery, at + LOOK_AGAIN)
            continue
        way = stops.get(delivery.id or 0) or _way(session, channel, delivery, message, at, enclosed)
        if isinstance(way, Stop):
            _stop(session, delivery, way)
            claimed.stopped += 1
        elif _take(session, delivery):
            outgoing = _outgoing(session, channel, delivery, message, way, enclosed)
            claimed.outgoing.append(_joined(session, channel, guard, outgoing, at))
    return claimed


def claim_reply(session: Session, channel: Channel, guard: Guard, chat: str) -> Outgoing | None:
    """Take what is said in answer to the platform's own request; None when nothing waits.

    What was held comes first, but for marketing: that somebody writes is no wish for it.
    """
    at = now()
    for delivery, message in _waiting(session, channel, chat):
        if delivery.purpose == Purpose.MARKETING:
            continue
        stop = _refusals(session, channel, guard, [delivery], at).get(delivery.id or 0)
        if stop is None and files.enclosed(session, message):
            stop = Stop("file", for_good=True)
        if stop is not None:
            _stop(session, delivery, stop)
        elif _take(session, delivery):
            outgoing = _outgoing(session, channel, delivery, message, "", [])
            return _joined(session, channel, guard, outgoing, at)
    return None


def guard_consent(session: Session, asked: Sequence[Delivery]) -> Stops:
    """No marketing to who said stop or has blocked us."""
    advertising = [one for one in asked if one.purpose == Purpose.MARKETING]
    stops = {one.id or 0: _unwanted(session, one) for one in advertising}
    return {number: stop for number, stop in stops.items() if stop is not None}


def _unwanted(session: Session, delivery: Delivery) -> Stop | None:
    identity = find_identity(session, delivery.address)
    if identity is None or identity.blocked_at is not None:
        return Stop("blocked", for_good=True)
    customer = identity.customer(session)
    said = newest_consent(session, identity.customer_id, MARKETING, delivery.channel)
    is_withdrawn = said is not None and said.state == ConsentState.WITHDRAWN
    is_out = customer.opted_out_at is not None or customer.blocked or is_withdrawn
    return Stop("opted out", for_good=True) if is_out else None


def _account(channel: Channel) -> Account:
    return channel.channel, channel.account


def _refusals(
    session: Session, channel: Channel, guard: Guard, asked: Sequence[Delivery], at: datetime
) -> Stops:
    """What must not leave of these, whatever way there is."""
    stops: dict[int, Stop] = {}
    for one in asked:
        if at > one.useful_until:
            stops[one.id or 0] = Stop("expired", for_good=True)
        elif Purpose(one.purpose) not in channel.policy.carries:
            stops[one.id or 0] = Stop("route", for_good=True)
    return stops | dict(guard(session, [one for one in asked if one.id not in stops]))


def _way(
    session: Session,
    channel: Channel,
    delivery: Delivery,
    message: Message,
    at: datetime,
    enclosed: list[Attached],
) -> Stop | str:
    """By which route it goes, empty for the ordinary one, or why there is none."""
    if channel.policy.replies_only:
        return Stop(quota.CLOSED)
    policy, purpose = channel.policy, Purpose(delivery.purpose)
    if enclosed and (files.are_lost(enclosed) or not policy.files):
        return Stop("file", for_good=True)
    in_words = policy.pieces(message.text, _choices(message))
    count = files.pieces(message, enclosed, in_words) - delivery.part
    if quota.take(session, delivery, policy, at, count):
        return ""
    for route in () if delivery.part or enclosed else policy.routes:  # they carry words, as one
        if purpose in route.carries and (
            not route.leave or quota.use_leave(session, delivery, route.leave)
        ):
            return route.name
    return Stop(quota.CLOSED)


def _comes_for_it(session: Session, delivery: Delivery, at: datetime) -> bool:
    """Whether the platform's request may still be open that takes this with it."""
    until = delivery.created_at + REQUEST_LASTS
    if at >= until:
        return False
    _wait(session, delivery, until)
    return True


def _wait(session: Session, delivery: Delivery, until: datetime, reason: str = "") -> None:
    assert delivery.id is not None
    was = [Progress.QUEUED]
    values = {"reason": reason} if reason else {}
    progress.change(
        session, Delivery, delivery.id, was, Progress.QUEUED, not_before=until, **values
    )


def _waiting(
    session: Session, channel: Channel, chat: str, after: int = 0
) -> list[tuple[Delivery, Message]]:
    held = quota.CLOSED if channel.policy.replies_only else None
    return deliveries.queued_for(session, _account(channel), chat, after, held)


def _joined(
    session: Session, channel: Channel, guard: Guard, first: Outgoing, at: datetime
) -> Outgoing:
    """`first` together with what waits behind it, as far as one message holds it.

    An agent's words and the bot's stay apart, and all stay in order.
    """
    policy = channel.policy
    if not policy.joins or first.route or first.files or first.purpose == Purpose.MARKETING:
        return first
    for delivery, message in _waiting(session, channel, first.address.chat, int(first.key)):
        if delivery.purpose == Purpose.MARKETING:
            continue
        text, choices = f"{first.text}\n\n{message.text}", _choices(message) or first.choices
        is_early = (
            delivery.not_before is not None and delivery.not_before > at and not policy.replies_only
        )
        is_other = (delivery.purpose == Purpose.AGENT) != (first.purpose == Purpose.AGENT)
        has_files = bool(files.enclosed(session, message))
        if is_early or is_other or has_files or policy.pieces(text, choices) > 1:
            break
        is_refused = bool(_refusals(session, channel, guard, [delivery], at))
        if not is_refused and _take(session, delivery):
            keys = (*first.joined, str(delivery.id))
            first = replace(first, text=text, choices=choices, joined=keys)
    return first


def _stop(session: Session, delivery: Delivery, stop: Stop) -> None:
    if stop.until is not None:
        _wait(session, delivery, stop.until, stop.reason)  # what is held stays held
        return
    state = Progress.FAILED if stop.for_good else Progress.HELD
    outcomes.move(session, delivery, state, stop.reason)


def _take(session: Session, delivery: Delivery) -> bool:
    assert delivery.id is not None
    return progress.change(
        session,
        Delivery,
        delivery.id,
        [Progress.QUEUED, Progress.HELD],
        Progress.SENDING,
        attempts=delivery.attempts + 1,
        not_before=None,
        is_reworded=False,
    )


def _outgoing(
    session: Session,
    channel: Channel,
    delivery: Delivery,
    message: Message,
    route: str,
    enclosed: list[Attached],
) -> Outgoing:
    if message.author == Author.AGENT and message.origin:
        session.refresh(message)  # its words may have been changed until it was taken
    is_opaque = channel.policy.opaque_buttons
    return Outgoing(
        str(delivery.id),
        delivery.address,
        message.text,
        buttons.tokens_for(session, message) if is_opaque else _choices(message),
        Purpose(delivery.purpose),
        route,
        part=delivery.part,
        copy_of=message.origin if files.is_copy(session, message) else "",
        files=files.outgoing(enclosed),
    )


def _choices(message: Message) -> tuple[Choice, ...]:
    return tuple(Choice(**choice) for choice in message.choices)
