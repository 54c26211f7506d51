"""Answers what concerns an order, to those who have shown that it is theirs."""

import re
from dataclasses import replace
from typing import Any

from bot.answering.load import Entry
from bot.core.messages import Choice
from bot.customers import linking
from bot.dialogue import compose
from bot.dialogue.order_text import Found, find
from bot.dialogue.turn import Turn, Verdict
from bot.logistics.parcels import parcel_facts, way_texts
from bot.logistics.status import Status
from bot.shop.orders import order_facts
from storage.models.customers import Customer
from storage.models.orders import Order, Parcel, orders_of, parcel_by_tracking, parcels_of

AFTER = ("opt_out", "person")
NAME = "order"
ORDER = "order:"
"""Prefix of the value of a button that asks for another order."""
_WHERE = "where_is_my_parcel"
_WHEREABOUTS = re.compile(
    r"到哪|在哪|哪里|哪儿|走到|物流|快递|包裹|[没未](?:收)?到|时候[能会]?到|几时到|发货|发出|送到"
    r"|where|parcel|package|track|arriv|deliver|receiv|ship"
)
_OTHERS = 3
_RELATED = 2
_SETTLED = {"cancelled", "refunded"}


def reply(turn: Turn) -> Verdict | None:
    """Answer from the customer's own order, or ask for what proves that it is theirs."""
    prompt = turn.prompt(NAME)
    if turn.choice is not None and turn.choice.startswith(ORDER):
        asked = (prompt or {}).get("entry", _WHERE)
        return _look_up(turn, asked, turn.choice.removeprefix(ORDER), None)
    entry = _asked_entry(turn, turn.choice)
    if turn.choice is not None and entry is None:
        return None
    if prompt and prompt.get("proving"):
        return _proving(turn, prompt, entry)
    found = find(turn.text, asked=False)
    _keep_language(turn, prompt, found)
    if found.number and not (found.says_more and _asks_other(turn, entry)):
        return _look_up(turn, _best_entry(turn, found), found.number, found.last4)
    return _begin(turn, entry.id) if entry else None


def _asked_entry(turn: Turn, value: str | None) -> Entry | None:
    """The entry asked for, where it needs an order."""
    best = turn.understanding.best
    if value is not None:
        entry_id = value.removeprefix(compose.ENTRY) if value.startswith(compose.ENTRY) else ""
    else:
        entry_id = best.entry_id if best and turn.understanding.decision == "answer" else ""
    entry = turn.house.entries.entry(entry_id, turn.language) if entry_id else None
    return entry if entry and entry.needs else None


def _asks_other(turn: Turn, entry: Entry | None) -> bool:
    """Whether the message clearly asks something that needs no order."""
    return turn.understanding.decision == "answer" and entry is None


def _best_entry(turn: Turn, found: Found) -> str:
    """What a message that names an order is most likely about."""
    if not found.says_more or _WHEREABOUTS.search(turn.understanding.normalised):
        return _WHERE
    for candidate in turn.understanding.candidates:
        entry = turn.house.entries.entry(candidate.entry_id, turn.language)
        if entry and entry.needs:
            return entry.id
    return _WHERE


def _proving(turn: Turn, prompt: dict[str, Any], entry: Entry | None) -> Verdict | None:
    """Take what was asked for, whole or in parts; let go of who changes the subject."""
    found = find(turn.text, asked=True, has_number=bool(prompt.get("number")))
    nothing = not (found.number or found.last4)
    if nothing and entry is not None:
        return _begin(turn, entry.id)
    if _asks_other(turn, entry) and (nothing or _is_aside(found)):
        return None
    _keep_language(turn, prompt, found)
    if nothing:
        return _encourage(turn, prompt)
    return _look_up(
        turn,
        entry.id if entry else prompt["entry"],
        found.number or prompt.get("number"),
        found.last4 or prompt.get("last4"),
    )


def _is_aside(found: Found) -> bool:
    """Digits within a sentence about something else ("满1000减多少") prove nothing."""
    return found.says_more and not (found.number and found.last4)


def _keep_language(turn: Turn, prompt: dict[str, Any] | None, found: Found) -> None:
    """XE10001 is no English word: answer it in the language that was spoken before."""
    if prompt and found.bare:
        turn.understanding = replace(turn.understanding, language=None)
        turn.conversation.language = turn.identity.language = prompt["language"]


def _encourage(turn: Turn, prompt: dict[str, Any]) -> Verdict | None:
    """Help once who writes something else than was asked for; then let others try."""
    if prompt.get("encouraged"):
        return None
    turn.ask(**{**prompt, "encouraged": True})
    turn.say("orders.stuck", [turn.person_choice()])
    return Verdict("asked for proof again", {"entry": prompt["entry"]})


def _begin(turn: Turn, entry_id: str) -> Verdict:
    """Answer from the newest order of a linked customer; ask everybody else for proof."""
    own = _own_orders(turn)
    if not own:
        _ask_proof(turn, entry_id)
        turn.say("replies.order_ask")
        return Verdict("asked for proof", {"entry": entry_id})
    entry = turn.house.entries.entry(entry_id, turn.language)
    if entry and entry.needs == "parcel":
        own.sort(key=lambda order: not _is_moving(_parcel(turn, order)))
    return _answer(turn, entry_id, own[0], own[1:])


def _own_orders(turn: Turn) -> list[Order]:
    if turn.identity.linked_at is None:
        return []
    orders = orders_of(turn.session, turn.identity.customer_id, limit=20)
    return [order for order in orders if order.status not in _SETTLED] or orders[:1]


def _look_up(turn: Turn, entry_id: str, number: str | None, last4: str | None) -> Verdict:
    """One certain order: answer when it is the customer's own, else ask for what is missing.

    Whether an order exists is told to nobody who has not proved that it is theirs.
    """
    order = _order(turn, number) if number else None
    if order is not None and linking.may_see(turn.session, turn.identity, order):
        return _answer(turn, entry_id, order)
    if number and last4:
        return _prove(turn, entry_id, order.number if order else number, last4)
    _ask_proof(turn, entry_id, number=number, last4=last4)
    if number:
        turn.say("orders.ask_last4", number=number)
    else:
        turn.say("orders.ask_number")
    return Verdict("asked for proof", {"entry": entry_id})


def _order(turn: Turn, number: str) -> Order | None:
    """The order called `number`, or the one whose parcel has this tracking number."""
    order = linking.find_order(turn.session, number)
    parcel = parcel_by_tracking(turn.session, number.upper()) if order is None else None
    if parcel is not None and parcel.order_id is not None:
        return turn.session.get(Order, parcel.order_id)
    return order


def _prove(turn: Turn, entry_id: str, number: str, last4: str) -> Verdict:
    proof = linking.prove(turn.session, turn.identity, number, last4, turn.now)
    if proof.order is not None:
        customer = turn.session.get(Customer, turn.identity.customer_id)
        assert customer is not None
        turn.customer = customer
        return _answer(turn, entry_id, proof.order)
    _ask_proof(turn, entry_id)
    if proof.outcome == "locked":
        turn.say("orders.locked", [turn.person_choice()])
        return Verdict("locked", {"entry": entry_id})
    turn.say("orders.wrong", [turn.person_choice()])
    return Verdict("wrong proof", {"entry": entry_id})


def _ask_proof(turn: Turn, entry_id: str, **known: str | None) -> None:
    turn.ask(NAME, entry=entry_id, proving=True, language=turn.language, **known)


def _answer(turn: Turn, entry_id: str, order: Order, others: list[Order] | None = None) -> Verdict:
    """Say the entry's answer with the order's own data; other open orders become buttons."""
    entry = turn.house.entries.entry(entry_id, turn.language)
    if entry is None:  # removed from the FAQ since it was asked for
        turn.asked_nothing()
        turn.bring_person("entry:" + entry_id)
        return Verdict("handed over", {"entry": entry_id})
    parts = [_answer_text(turn, entry, order)]
    choices = _other_choices(turn, others or [])
    if choices:
        parts.append(turn.house.voice.say("orders.others", turn.language))
    turn.conversation.misses = 0
    values = [choice.value for choice in choices]
    turn.ask(NAME, entry=entry_id, language=turn.language, values=values)
    choices += _related_choices(turn, entry)
    if entry.person:
        choices.append(turn.person_choice())
    turn.tell("\n\n".join(parts), choices)
    return Verdict("answered", {"entry": entry_id, "order": order.number})


def _answer_text(turn: Turn, entry: Entry, order: Order) -> str:
    voice, language = turn.house.voice, turn.language
    parcel = _parcel(turn, order)
    text = voice.words.render(
        entry.answer,
        entry.language,
        order=order_facts(order, language, voice),
        parcel=parcel_facts(turn.session, parcel, language, voice) if parcel else None,
    )
    earlier = way_texts(turn.session, parcel, language, voice)[1:] if parcel else []
    if entry.id != _WHERE or not earlier:
        return text
    return "\n".join([text, voice.say("orders.way", language), *earlier])


def _other_choices(turn: Turn, others: list[Order]) -> list[Choice]:
    say, language = turn.house.voice.say, turn.language
    return [
        Choice(say("orders.choice", language, number=order.number), ORDER + order.number)
        for order in others[:_OTHERS]
    ]


def _related_choices(turn: Turn, entry: Entry) -> list[Choice]:
    entries = (turn.house.entries.entry(name, turn.language) for name in entry.related)
    found = [one for one in entries if one is not None and not one.needs]
    return [Choice(one.title, compose.ENTRY + one.id) for one in found[:_RELATED]]


def _parcel(turn: Turn, order: Order) -> Parcel | None:
    """The order's newest parcel."""
    assert order.id is not None
    return next(iter(parcels_of(turn.session, order.id)), None)


def _is_moving(parcel: Parcel | None) -> bool:
    return parcel is not None and parcel.status != Status.DELIVERED
