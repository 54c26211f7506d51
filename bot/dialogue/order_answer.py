"""Answers from an order that is known to be the customer's own, and goes on talking about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.answering.load import Entry
from bot.core.messages import Author, Choice
from bot.customers import linking
from bot.dialogue import compose
from bot.dialogue.order_words import (
    BOUGHT,
    CANCELS,
    FACTS_ONLY,
    FOLLOW_UP,
    HURRY,
    MISSING,
    UNWANTED,
    is_of_refund,
    names_refund,
    wishes_refund,
)
from bot.dialogue.turn import Turn, Verdict
from bot.logistics.expected import expected_text
from bot.logistics.parcels import parcel_facts, way_texts
from bot.logistics.status import Status
from bot.shop.orders import order_facts
from bot.words.dates import day_text
from storage.models.care import care_of_messages
from storage.models.orders import Order, Parcel, orders_of, parcels_of

NAME = "order"
ORDER = "order:"
"""Prefix of the value of a button that asks for another order."""
WHERE, STATUS, CANCEL = "where_is_my_parcel", "order_status", "cancel_order"
_CANCEL_SENT = "cancel_shipped"
_NOT_THERE = "delivered_not_received"
_SETTLED = {"cancelled", "refunded"}
_OTHERS = 3
_RELATED = 2
_NEXT: Mapping[str, Sequence[str]] = {
    "": ("dispatch_late", "change_address"),
    Status.ARRIVED_CITY: ("parcel_stuck", "delivery_appointment"),
    Status.OUT_FOR_DELIVERY: ("delivery_phone_unreachable", "pickup_point"),
    Status.EXCEPTION: ("parcel_lost", "refund_time"),
    Status.RETURNING: ("refund_time", "change_address"),
    Status.DELIVERED: ("delivered_not_received", "damaged_item"),
}
"""What is asked next by how far the parcel is, none being sent yet; else what is related."""
_NEXT_ENDED = ("refund_time",)
"""What is asked next of an order that was cancelled or refunded."""
_TROUBLE = {Status.EXCEPTION, Status.RETURNING}
_MOVING = {Status.COLLECTED, Status.IN_TRANSIT, Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY}
_MEMORY = timedelta(hours=12)
"""How long after an answer about an order a vague question is still about that order."""
_OF_NEWS = timedelta(days=2)
"""The same after news of an order, while nothing else was said to the customer."""
_GENERAL = {
    WHERE, "shipping_time", "dispatch_time", "dispatch_late",
    "parcel_stuck", STATUS, "order_history",
}  # fmt: skip
"""Entries whose general answer is worth less than the facts of the order at hand."""
_JUST_NOW = timedelta(minutes=10)
"""For how long the same words would be a repetition."""
_CANCEL_ENTRIES = {CANCEL, _CANCEL_SENT, "order_change", STATUS}


def wants_cancel(turn: Turn) -> bool:
    """Whether the message asks to cancel an order, as far as words and engine can tell."""
    understood = turn.understanding
    sure = understood.decision == "answer" and understood.best is not None
    elsewhere = sure and understood.best and understood.best.entry_id not in _CANCEL_ENTRIES
    return not elsewhere and bool(CANCELS.search(understood.normalised))


def own_orders(turn: Turn) -> list[Order]:
    """The open orders of a linked customer, newest first; the newest when none is open."""
    if turn.identity.linked_at is None:
        return []
    orders = orders_of(turn.session, turn.identity.customer_id, limit=20)
    return [order for order in orders if order.status not in _SETTLED] or orders[:1]


def answer_own(turn: Turn, entry_id: str) -> Verdict | None:
    """Answer from the newest order of a linked customer; None where there is none."""
    own = own_orders(turn)
    if not own:
        return None
    entry = turn.house.entries.entry(entry_id, turn.language)
    if entry and entry.needs == "parcel":
        own.sort(key=lambda order: not is_moving(turn, order))
    return answer(turn, entry_id, own[0], own[1:])


def follow_up(turn: Turn) -> Verdict | None:
    """Answer a question that can only be about the order that was shown before."""
    order = _shown(turn)
    if wants_cancel(turn) or (order and UNWANTED.fullmatch(turn.understanding.normalised)):
        own = own_orders(turn) if order is None else [order]
        return answer(turn, CANCEL, own[0]) if len(own) == 1 else None
    if order is None:
        return None
    words, best = turn.understanding.normalised, turn.understanding.best
    if wishes_refund(words) and is_moving(turn, order):
        return _refund_on_the_way(turn, order)
    known = best.entry_id if best and best.entry_id in _GENERAL else ""
    unsure = turn.understanding.decision != "answer"
    bought = bool(BOUGHT.search(words))
    is_about = FOLLOW_UP.search(words) or MISSING.search(words)
    is_of_parcel = is_about and not is_of_refund(words)
    is_of_facts = FACTS_ONLY.search(words) and is_moving(turn, order)
    if not known and not is_of_facts and not (unsure and (bought or is_of_parcel)):
        return None
    if bought or known in {STATUS, "order_history"}:
        return answer(turn, STATUS, order)
    return nothing_new(turn, order) or answer(turn, WHERE, order)


def not_there(turn: Turn) -> Verdict | None:
    """Help who has not got what the carrier says was delivered, instead of saying that again."""
    words, best = turn.understanding.normalised.replace("’", "'"), turn.understanding.best
    is_sure = turn.understanding.decision == "answer" and best is not None
    is_other = is_sure and best and best.entry_id not in _GENERAL | {_NOT_THERE}
    if not MISSING.search(words) or is_of_refund(words) or is_other:
        return None
    shown = _shown(turn)
    own = [shown] if shown else own_orders(turn)
    order = next((one for one in own if _status(turn, one) == Status.DELIVERED), None)
    entry = turn.house.entries.entry(_NOT_THERE, turn.language)
    if order is None or entry is None or any(is_moving(turn, one) for one in own):
        return None
    parcel, voice = newest_parcel(turn, order), turn.house.voice
    facts = parcel_facts(turn.session, parcel, turn.language, voice) if parcel else {}
    sorry = voice.say("orders.not_there", turn.language, number=order.number, **facts)
    _remember(turn, WHERE, order)
    turn.conversation.misses = 0
    if any(one.startswith(sorry) for one in _said_just_now(turn)):
        again = voice.say("orders.not_there_again", turn.language)
        turn.bring_person(f"entry:{_NOT_THERE}", again)
        return Verdict("handed over", {"entry": _NOT_THERE})
    return _tell_also(turn, sorry, entry, Verdict("answered", {"entry": _NOT_THERE}))


def nothing_new(turn: Turn, order: Order) -> Verdict | None:
    """Say so instead of the same words again, and offer a person; None where there is news, or
    none to come."""
    if order.status in _SETTLED:
        return None
    entry = turn.house.entries.entry(WHERE, turn.language)
    said = _said_just_now(turn)
    if entry is None or _text(turn, entry, order) not in said:
        return None
    parcel, voice = newest_parcel(turn, order), turn.house.voice
    facts = parcel_facts(turn.session, parcel, turn.language, voice) if parcel else {}
    status = facts.get("status_text") or order_facts(order, turn.language, voice)["status_text"]
    _remember(turn, WHERE, order)
    where = _status(turn, order)
    expected = expected_text(turn.session, parcel, order, turn.language, voice) if parcel else ""
    values = {
        "number": order.number,
        "status": status,
        "tracking": facts.get("tracking_number", ""),
        "expected": expected,
        "is_moving": where in _MOVING,
        "is_delivered": where == Status.DELIVERED,
    }
    text = voice.say("orders.nothing_new", turn.language, **values)
    if text in said:
        text = voice.say("orders.nothing_again", turn.language, **values)
    if text in said:  # asking for news a third time
        turn.bring_person(f"entry:{WHERE}", voice.say("orders.nothing_person", turn.language))
        return Verdict("handed over", {"entry": WHERE, "order": order.number})
    turn.tell(text, [turn.person_choice()])
    return Verdict("nothing new", {"entry": WHERE, "order": order.number})


def _said_just_now(turn: Turn) -> set[str]:
    return {one.text for one in turn.earlier(_JUST_NOW) if one.author == Author.BOT}


def _shown(turn: Turn) -> Order | None:
    """The order that the customer was told about, and may see."""
    return _in_the_news(turn) or _asked_about(turn)


def _in_the_news(turn: Turn) -> Order | None:
    """The order that the shop's own last words brought news of."""
    if turn.identity.linked_at is None:
        return None
    said = turn.said_last(_OF_NEWS)
    news = care_of_messages(turn.session, [said.id or 0]).values() if said else ()
    order_id = next((one.order_id for one in news), None)
    order = turn.session.get(Order, order_id) if order_id is not None else None
    return order if order and linking.may_see(turn.session, turn.identity, order) else None


def _asked_about(turn: Turn) -> Order | None:
    prompt = turn.prompt(NAME) or {}
    if "order" not in prompt:
        return None
    if turn.now - datetime.fromisoformat(prompt["asked_at"]) > _MEMORY:
        return None
    order = linking.find_order(turn.session, prompt["order"])
    return order if order and linking.may_see(turn.session, turn.identity, order) else None


def answer(
    turn: Turn, entry_id: str, order: Order, others: Sequence[Order] = (), also: str | None = None
) -> Verdict:
    """Say the entry's answer with the order's own data; other open orders become buttons.

    `also` is an entry that was asked for in the same message, and needs no order.
    """
    if entry_id == CANCEL:
        return _cancel(turn, order)
    if (
        entry_id in (WHERE, STATUS)
        and names_refund(turn.understanding.normalised)
        and is_moving(turn, order)
    ):
        return _refund_on_the_way(turn, order)
    entry = turn.house.entries.entry(entry_id, turn.language)
    if entry is None:  # removed from the FAQ since it was asked for
        turn.asked_nothing()
        turn.bring_person("entry:" + entry_id)
        return Verdict("handed over", {"entry": entry_id})
    parts = [_text(turn, entry, order)]
    choices = _other_choices(turn, others)
    if choices:
        parts.append(turn.house.voice.say("orders.others", turn.language))
    turn.conversation.misses = 0
    values = [choice.value for choice in choices]
    _remember(turn, entry_id, order, values)
    status = _status(turn, order)
    is_over = _is_over(entry, order)
    choices += _related_choices(turn, entry, status, is_over=is_over)
    if (
        entry.person
        or is_over
        or (entry.id == WHERE and status in _TROUBLE)
        or HURRY.search(turn.understanding.normalised)
    ):
        choices.append(turn.person_choice())
    verdict = Verdict("answered", {"entry": entry_id, "order": order.number})
    more = turn.house.entries.entry(also, turn.language) if also else None
    if more is None:
        turn.tell("\n\n".join(parts), choices)
        return verdict
    return _tell_also(turn, "\n\n".join(parts), more, verdict)


def _remember(turn: Turn, entry_id: str, order: Order, values: Sequence[str] = ()) -> None:
    turn.ask(
        NAME,
        patient=True,
        entry=entry_id,
        language=turn.language,
        order=order.number,
        values=list(values),
    )


def _tell_also(turn: Turn, text: str, more: Entry, verdict: Verdict) -> Verdict:
    composed = compose.answer(turn.house, more, turn.language)
    whole = f"{text}\n\n{composed.text}"
    if composed.decision == "human":
        turn.bring_person(f"entry:{more.id}", whole)
    else:
        turn.tell(whole, composed.choices)
    return Verdict(verdict.outcome, {**verdict.details, "also": more.id})


def _cancel(turn: Turn, order: Order) -> Verdict:
    """Orders are cancelled by people; what is on its way can only come back."""
    if order.status in _SETTLED:
        return answer(turn, WHERE, order)
    details = {"entry": CANCEL, "order": order.number}
    say, language = turn.house.voice.say, turn.language
    turn.conversation.misses = 0
    if order.status != "shipped" and newest_parcel(turn, order) is None:
        words = say("replies.order_cancel", language, number=order.number)
        turn.bring_person(f"entry:{CANCEL}", words)
        return Verdict("handed over", details)
    _remember(turn, WHERE, order)
    sent = say("replies.order_cancel_sent", language, number=order.number)
    entry = turn.house.entries.entry(_CANCEL_SENT, language)
    composed = compose.answer(turn.house, entry, language) if entry else None
    choices = list(composed.choices) if composed else [turn.person_choice()]
    turn.tell(f"{sent}\n{composed.text}" if composed else sent, choices)
    return Verdict("answered", {**details, "entry": _CANCEL_SENT})


def _refund_on_the_way(turn: Turn, order: Order) -> Verdict:
    """Say sorry, where the parcel is, and who can help: what is still on its way is no return."""
    entry = turn.house.entries.entry(WHERE, turn.language)
    _remember(turn, WHERE, order)
    turn.conversation.misses = 0
    parts = [
        turn.house.voice.say("orders.refund_sorry", turn.language),
        _text(turn, entry, order) if entry else "",
        turn.house.voice.say("orders.refund_person", turn.language),
    ]
    turn.tell("\n\n".join(filter(None, parts)), [turn.person_choice()])
    return Verdict("answered", {"entry": WHERE, "order": order.number})


def _text(turn: Turn, entry: Entry, order: Order) -> str:
    voice, language = turn.house.voice, turn.language
    parcel = newest_parcel(turn, order)
    text = voice.words.render(
        entry.answer,
        entry.language,
        order=order_facts(order, language, voice),
        parcel=parcel_facts(turn.session, parcel, language, voice) if parcel else None,
    )
    if _is_over(entry, order):
        ended = _ended(turn, order, is_sent=parcel is not None)
        return f"{ended}\n\n{text}" if parcel else ended
    if entry.id != WHERE or parcel is None:
        return text
    earlier = way_texts(turn.session, parcel, language, voice)[1:]
    way = [voice.say("orders.way", language), *earlier] if earlier else []
    trouble = [voice.say("orders.trouble", language)] if parcel.status in _TROUBLE else []
    expected = expected_text(turn.session, parcel, order, language, voice)
    return "\n".join(filter(None, [text, expected, *way, *trouble]))


def _is_over(entry: Entry, order: Order) -> bool:
    """Whether a parcel is asked for of an order that was cancelled or refunded."""
    return entry.needs == "parcel" and order.status in _SETTLED


def _ended(turn: Turn, order: Order, *, is_sent: bool) -> str:
    voice, language = turn.house.voice, turn.language
    on = day_text(order.status_at, voice.words.shop.zone, language) if order.status_at else ""
    ended = f"orders.ended_{order.status}"
    return voice.say(ended, language, number=order.number, on=on, is_sent=is_sent)


def _other_choices(turn: Turn, others: Sequence[Order]) -> list[Choice]:
    say, language = turn.house.voice.say, turn.language
    return [
        Choice(say("orders.choice", language, number=order.number), ORDER + order.number)
        for order in others[:_OTHERS]
    ]


def _status(turn: Turn, order: Order) -> str:
    """The status of the order's newest parcel; empty where nothing was sent."""
    parcel = newest_parcel(turn, order)
    return (parcel.status or Status.COLLECTED) if parcel else ""


def _related_choices(turn: Turn, entry: Entry, status: str, *, is_over: bool) -> list[Choice]:
    names = _NEXT.get(status, entry.related) if entry.id == WHERE else entry.related
    names = _NEXT_ENDED if is_over else names
    entries = (turn.house.entries.entry(name, turn.language) for name in names)
    found = [one for one in entries if one is not None and not one.needs]
    return [Choice(one.title, compose.ENTRY + one.id) for one in found[:_RELATED]]


def newest_parcel(turn: Turn, order: Order) -> Parcel | None:
    """The order's newest parcel."""
    assert order.id is not None
    return next(iter(parcels_of(turn.session, order.id)), None)


def is_moving(turn: Turn, order: Order) -> bool:
    """Whether the order's newest parcel is still on its way."""
    parcel = newest_parcel(turn, order)
    return parcel is not None and parcel.status != Status.DELIVERED
