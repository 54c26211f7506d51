"""Looks over a simulated year, by the rules alone: what was sent against what had happened.

It knows nothing of the guard, and asks the tables for nothing but which message was which journey's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session, select

from storage.models.care import CareMessage
from storage.models.conversations import Message
from storage.models.deliveries import Delivery
from tests.integration.care.world import ACCOUNTS, PAUSES, Buyer, Sent, Year

QUIET = time(21, 30), time(8, 30)
SLACK = timedelta(minutes=6)
"""The clock is set right by so much at most, to and fro."""
TICK = timedelta(minutes=max(PAUSES)) + SLACK
"""The simulation looks at least so often at what is due."""
NEWS = {
    "order.paid": 72, "order.shipped": 72, "order.cancelled": 72, "order.refunded": 72,
    "parcel.arrived_city": 72, "parcel.out_for_delivery": 24, "parcel.delivered": 72,
    "parcel.exception": 72, "parcel.returning": 72,
}  # fmt: skip
"""What is told at once, and for how many hours it is of use."""
ENDED = ("cancelled", "refunded")


class Told(NamedTuple):
    """One care message: which journey's, to whom, and what became of it."""

    journey: str
    subject: str
    customer: int
    order: str
    trigger: str
    written: datetime
    state: str
    delivery: int


def told(session: Session, year: Year) -> list[Told]:
    """All care messages that were written."""
    from storage.models.orders import Order

    numbers = {one.id: one.number for one in session.exec(select(Order))}
    query = (
        select(CareMessage, Message, Delivery)
        .join(Message, Message.id == CareMessage.message_id)  # type: ignore[arg-type]
        .join(Delivery, Delivery.message_id == Message.id)  # type: ignore[arg-type]
    )
    return [
        Told(
            care.journey, care.subject, care.customer_id, numbers.get(care.order_id, ""),
            year.house.book.journeys[care.journey].trigger, message.created_at, delivery.state,
            delivery.id or 0,
        )
        for care, message, delivery in session.exec(query)
    ]  # fmt: skip


def violations(year: Year, messages: list[Told]) -> Iterator[str]:
    """Every rule that was broken, in words."""
    by_delivery = {one.delivery: one for one in messages}
    buyers = {one.id: one for one in year.buyers}
    tries: dict[int, int] = defaultdict(int)
    for sent in year.sent:
        one = by_delivery[sent.delivery]
        buyer = buyers[one.customer]
        tries[sent.delivery] += 1
        for rule, is_kept in _RULES.items():
            if not is_kept(sent, one, buyer):
                yield f"{rule}: {one} {sent}"
        if tries[sent.delivery] > (1 if sent.purpose == "marketing" else 2):
            yield f"sent too often: {one}"
    keys = [(one.journey, one.subject, one.customer) for one in messages]
    if len(set(keys)) < len(keys):
        yield "a message was written twice"
    yield from _caps(messages, {one.delivery for one in messages if one.state == "failed"}, year)


def _caps(messages: list[Told], failed: set[int], year: Year) -> Iterator[str]:
    marketing = {s.delivery for s in year.sent if s.purpose == "marketing"}
    by_customer: dict[int, list[Told]] = defaultdict(list)
    for one in messages:
        if one.delivery in marketing and one.delivery not in failed:
            by_customer[one.customer].append(one)
    for those in by_customer.values():
        for one in those:
            for most, span in ((1, timedelta(days=1)), (2, timedelta(days=7))):
                since = one.written - span + SLACK
                earlier = sum(since < other.written <= one.written for other in those)
                if earlier > most:
                    yield f"more than {most} within {span}: {one}"


def missing(year: Year, messages: list[Told]) -> Iterator[str]:
    """News that was due, could be told, stayed true for long enough, and was not told."""
    found = {(one.customer, one.order, one.trigger) for one in messages}
    for moment, buyer, name, room, kind in year.happened:
        trigger = f"{room}.{kind}"
        if trigger not in NEWS or (buyer.id, name, trigger) in found:
            continue
        if (room, kind) == ("order", "shipped") and _parcel(buyer, name, moment):
            continue
        tellable = _tellable_from(buyer, moment)
        is_now = tellable == moment and not _is_quiet(
            (moment - SLACK).astimezone(buyer.zone).time()
        )
        until = moment if is_now else tellable + TICK
        if until > moment + timedelta(hours=NEWS[trigger]) or until > year.end:
            continue
        if _stays(buyer, name, room, kind, moment, until) and not _was_shut_out(
            buyer, moment, until
        ):
            yield f"not told: {trigger} of {name} at {moment}"


def _tellable_from(buyer: Buyer, moment: datetime) -> datetime:
    """The end of the quiet hours that the moment is in, else the moment."""
    local = moment.astimezone(buyer.zone)
    while _is_quiet(local.time()):
        local = (local + timedelta(minutes=5)).astimezone(buyer.zone)
    return local


def _is_quiet(clock: time) -> bool:
    return clock >= QUIET[0] or clock < QUIET[1]


def _around(buyer: Buyer, name: str, at: datetime, otherwise: Any = None) -> list[Any]:
    """What held about that time: the clock was not always right."""
    return [buyer.was(name, at + shift, otherwise) for shift in (-SLACK, timedelta(0), SLACK)]


def _parcel(buyer: Buyer, name: str, at: datetime) -> str:
    return str(buyer.was(f"parcel {name}", at, ""))


def _stays(buyer: Buyer, name: str, room: str, kind: str, since: datetime, until: datetime) -> bool:
    later = [
        value
        for about in ("order", "parcel")
        for at, value in buyer.facts.get(f"{about} {name}", ())
        if since < at <= until + SLACK
    ]
    is_over = room == "parcel" and buyer.was(f"order {name}", since) in ENDED
    return not later and not is_over


def _was_shut_out(buyer: Buyer, since: datetime, until: datetime) -> bool:
    """Whether all of their chats were blocked at some time of the span."""
    moments = [since, until]
    moments += [at for name in buyer.facts for at, _ in buyer.facts[name] if since <= at <= until]
    return any(
        all(buyer.was(f"blocked {channel}", at, False) for channel, _ in buyer.chats)
        for at in moments
    )


def _by_day(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    local = sent.at.astimezone(buyer.zone).time()
    return not _is_quiet(local)


def _to_the_customer(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    return sent.address in buyer.chats


def _not_blocked(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    return False in _around(buyer, f"blocked {sent.address[0]}", sent.at, False)


def _agreed(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    if sent.purpose != "marketing":
        return True
    has_stopped = all(_around(buyer, "stopped", sent.at, False))
    return "given" in _around(buyer, "marketing", sent.at) and not has_stopped


def _not_cross(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    is_calm = sent.purpose == "marketing" or told_.journey == "visit_48h"
    return not is_calm or 0 in _around(buyer, "cross", sent.at, 0)


def _no_trouble(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    is_calm = sent.purpose == "marketing" or told_.journey == "visit_48h"
    fresh = sent.at - timedelta(days=45) + SLACK
    return not is_calm or not any(
        name.startswith("parcel ")
        and facts
        and all(one in ("exception", "returning") for one in _around(buyer, name, sent.at, ""))
        and max(at for at, _ in facts if at <= sent.at + SLACK) > fresh
        for name, facts in buyer.facts.items()
    )


def _by_a_way_that_carries_it(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    """Advertising only in an open window, which nobody opened in the moment before."""
    if sent.purpose != "marketing":
        return True
    if sent.route:
        return False
    seen = buyer.was(f"seen {sent.address[0]}", sent.at + SLACK)
    windows = ACCOUNTS[sent.address[0], "main"].windows
    return not windows or sent.at - seen <= timedelta(hours=48)


def _not_in_reply(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    """Nobody who has just written was written advertising."""
    seen = buyer.was(f"seen {sent.address[0]}", told_.written - SLACK)
    early = timedelta(minutes=30) - 2 * SLACK
    return sent.purpose != "marketing" or not seen < told_.written < seen + early


def _still_true(sent: Sent, told_: Told, buyer: Buyer) -> bool:
    room, _, kind = told_.trigger.partition(".")
    orders = _around(buyer, f"order {told_.order}", sent.at)
    if room == "order":
        return kind in orders
    if room == "parcel":
        parcels = _around(buyer, f"parcel {told_.order}", sent.at)
        return kind in parcels and not all(one in ENDED for one in orders)
    return True


Rule = Callable[[Sent, Told, Buyer], bool]
_RULES: dict[str, Rule] = {
    "sent at night": _by_day,
    "sent to somebody else": _to_the_customer,
    "sent to who has blocked us": _not_blocked,
    "advertising without agreement": _agreed,
    "sent to somebody who waits, complains or rated low": _not_cross,
    "sent while a parcel was in trouble": _no_trouble,
    "advertising by a way that does not carry it": _by_a_way_that_carries_it,
    "advertising in reply to somebody's words": _not_in_reply,
    "no longer true": _still_true,
}
