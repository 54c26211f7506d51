"""Answers what concerns an order, to those who have shown that it is theirs."""

import re
from dataclasses import replace
from typing import Any

from bot.answering.load import Entry
from bot.customers import linking
from bot.dialogue import compose
from bot.dialogue.order_answer import (
    CANCEL,
    NAME,
    ORDER,
    STATUS,
    WHERE,
    answer,
    answer_own,
    follow_up,
    not_there,
    nothing_new,
    own_orders,
    wants_cancel,
)
from bot.dialogue.order_text import Found, find, lone_phone, misses_number
from bot.dialogue.turn import Turn, Verdict
from storage.models.customers import Customer
from storage.models.orders import Order, latest_numbers, parcel_by_tracking

AFTER = ("product",)

_WHEREABOUTS = re.compile(
    r"到哪|在哪|哪里|哪儿|走到|物流|快递|包裹|[没未](?:收)?到|时候[能会]?到|几时到|发货|发出|送到"
    r"|还不到|怎么.{0,4}不到|where|parcel|package|track|arriv|deliver|receiv|ship"
)
_ON_ITS_WAY = re.compile(r"到哪|走到|\bwhere(?:'s| is)? my\b")
"""Where an order is, rather than what has become of it."""
_MY_THINGS = re.compile(
    r"(?:我的?|我买的|我们的)?(?:东西|货物?|包裹|快递|宝贝)"
    r"(?:呢|在哪[儿里]?|[去到]哪[儿里]?了?)[啊呀呢?!。~ ]*"
)
"""Too short for the engine to be sure of."""
_TOPICS = (
    ("return_how", re.compile(r"退货|\breturn(?:ing)?\b")),
    (
        "exchange_how",
        re.compile(r"换货|换一?[个件双]|\b(?:ex)?change (?:it|size|this)\b|\bexchange\b"),
    ),
    ("refund_time", re.compile(r"退款|退钱|\brefund")),
    ("change_address", re.compile(r"地址|\baddress\b")),
    ("invoice_how", re.compile(r"发票|\binvoice\b")),
)
"""What is most often asked together with an order's number, which puzzles the engine."""
_LONG = re.compile(r"\d{16}")
_PREFIX = re.compile(r"([A-Za-z]+[-_]?)\d+")


def reply(turn: Turn) -> Verdict | None:
    """Answer from the customer's own order, or ask for what proves that it is theirs."""
    prompt = turn.prompt(NAME)
    if turn.choice == NAME:
        return _begin(turn, WHERE)
    if turn.choice is not None and turn.choice.startswith(ORDER):
        asked = (prompt or {}).get("entry", WHERE)
        return _look_up(turn, asked, turn.choice.removeprefix(ORDER), None)
    entry = _asked_entry(turn, turn.choice)
    if turn.choice is not None:
        return _begin(turn, entry.id) if entry else None
    if prompt and prompt.get("proving"):
        return _proving(turn, prompt, entry)
    return _unasked(turn, prompt, entry)


def _asked_entry(turn: Turn, value: str | None) -> Entry | None:
    """The entry asked for, where it needs an order."""
    best = turn.understanding.best
    if value is not None:
        entry_id = value.removeprefix(compose.ENTRY) if value.startswith(compose.ENTRY) else ""
    else:
        entry_id = best.entry_id if best and turn.understanding.decision == "answer" else ""
    if entry_id == STATUS and value is None and _ON_ITS_WAY.search(turn.understanding.normalised):
        entry_id = WHERE
    entry = turn.house.entries.entry(entry_id, turn.language) if entry_id else None
    return entry if entry and entry.needs else None


def _unasked(turn: Turn, prompt: dict[str, Any] | None, entry: Entry | None) -> Verdict | None:
    """What nobody asked for: a number, or a question about the order at hand."""
    found = find(turn.text, asked=False, long_numbers=_are_long(turn))
    _keep_language(turn, prompt, found)
    if found.number and _is_about(turn, found, entry):
        return _look_up(
            turn, _best_entry(turn, found), found.number, found.last4, _also(turn, found, entry)
        )
    if not found.number and (last4 := lone_phone(turn.text)):
        return answer_own(turn, WHERE) or _look_up(turn, WHERE, None, last4)
    if not found.number and misses_number(turn.understanding.normalised, asked=False):
        return _say_where_number_is(turn)
    if not found.number and (told := not_there(turn)):
        return told
    if compose.several(turn.house, turn.understanding, turn.language):
        return None
    if entry is None or wants_cancel(turn):
        verdict = follow_up(turn)
        if verdict is not None:
            return verdict
    if entry is None and _MY_THINGS.fullmatch(turn.understanding.normalised):
        return _begin(turn, WHERE)
    return _begin(turn, entry.id) if entry else None


def _is_about(turn: Turn, found: Found, entry: Entry | None) -> bool:
    """Whether a message that names an order wants to know about that very order."""
    return bool(
        found.last4 or not (found.says_more and _asks_other(turn, entry)) or wants_cancel(turn)
    )


def _asks_other(turn: Turn, entry: Entry | None) -> bool:
    """Whether the message clearly asks something that needs no order."""
    return turn.understanding.decision == "answer" and entry is None


def _also(turn: Turn, found: Found, entry: Entry | None) -> str | None:
    """The entry that is asked for besides the order, or was just before its number was given."""
    understood = turn.understanding
    if not found.says_more:
        said_before = (turn.prompt("faq") or {}).get("entry", "")
        return said_before if any(said_before == name for name, _ in _TOPICS) else None
    if entry is not None or wants_cancel(turn):
        return None
    words, best = understood.normalised, understood.best
    named = next((name for name, pattern in _TOPICS if pattern.search(words)), None)
    if named is None and (understood.decision == "human" or _WHEREABOUTS.search(words)):
        return None
    if best is not None and (named is None or understood.decision == "answer"):
        named = best.entry_id
    asked = turn.house.entries.entry(named, turn.language) if named else None
    return asked.id if asked and not asked.needs and not asked.is_smalltalk else None


def _best_entry(turn: Turn, found: Found) -> str:
    """What a message that names an order is most likely about."""
    said_before = (turn.prompt("faq") or {}).get("entry")
    if wants_cancel(turn) or (said_before == CANCEL and not found.says_more):
        return CANCEL
    if not found.says_more or _WHEREABOUTS.search(turn.understanding.normalised):
        return WHERE
    for candidate in turn.understanding.candidates:
        entry = turn.house.entries.entry(candidate.entry_id, turn.language)
        if entry and entry.needs:
            return entry.id
    return WHERE


def _proving(turn: Turn, prompt: dict[str, Any], entry: Entry | None) -> Verdict | None:
    """Take what was asked for, whole or in parts; let go of who changes the subject."""
    has_number, is_aside = bool(prompt.get("number")), bool(prompt.get("aside"))
    found = find(turn.text, asked=True, has_number=has_number, long_numbers=_are_long(turn))
    nothing = not (found.number or found.last4) or (is_aside and _is_other_digits(found))
    if nothing and misses_number(turn.understanding.normalised, asked=not is_aside):
        return _say_where_number_is(turn)
    if nothing and entry is not None:
        return _begin(turn, entry.id)
    if _asks_other(turn, entry) and (nothing or _is_other_digits(found)):
        return None
    _keep_language(turn, prompt, found)
    if nothing:
        return None if is_aside else _encourage(turn, prompt)
    other = entry.id if entry and found.says_more else ""  # a bare proof asks nothing new
    asked = CANCEL if wants_cancel(turn) else other or prompt["entry"]
    return _look_up(
        turn,
        asked,
        found.number or prompt.get("number"),
        found.last4 or prompt.get("last4"),
        _also(turn, found, entry) or prompt.get("also"),
    )


def _is_other_digits(found: Found) -> bool:
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
    _ask_proof(turn, prompt["entry"], **_known(prompt), encouraged=True)
    turn.say("orders.stuck", [turn.person_choice()])
    return Verdict("asked for proof again", {"entry": prompt["entry"]})


def _known(prompt: dict[str, Any]) -> dict[str, Any]:
    """What the customer has told of their order so far."""
    return {key: prompt[key] for key in ("number", "last4", "also") if prompt.get(key)}


def _say_where_number_is(turn: Turn) -> Verdict:
    turn.say("replies.order_where_number", [turn.person_choice()])
    return Verdict("told where the number is")


def _begin(turn: Turn, entry_id: str) -> Verdict:
    """Answer from the newest order of a linked customer; ask everybody else for proof."""
    own = own_orders(turn) if entry_id == WHERE and turn.choice is None else []
    answered = nothing_new(turn, own[0]) if len(own) == 1 else None
    answered = answered or answer_own(turn, entry_id)
    if answered is not None:
        return answered
    _ask_proof(turn, entry_id)
    turn.say("replies.order_ask", turn.share_choice())
    return Verdict("asked for proof", {"entry": entry_id})


def _look_up(
    turn: Turn, entry_id: str, number: str | None, last4: str | None, also: str | None = None
) -> Verdict:
    """One certain order: answer when it is the customer's own, else ask for what is missing.

    Whether an order exists is told to nobody who has not proved that it is theirs.
    """
    order = _order(turn, number) if number else None
    if order is not None and linking.may_see(turn.session, turn.identity, order):
        return answer(turn, entry_id, order, also=also)
    if number and last4:
        return _prove(turn, entry_id, order.number if order else number, last4, also)
    _ask_proof(turn, entry_id, number=number, last4=last4, also=also)
    if number:
        turn.say("orders.ask_last4", turn.share_choice(), number=number)
    else:
        turn.say("orders.ask_number", turn.share_choice())
    return Verdict("asked for proof", {"entry": entry_id})


def _order(turn: Turn, number: str) -> Order | None:
    """The order called `number`, or the one whose parcel has this tracking number."""
    plain = number.replace("-", "").replace("_", "")
    for spelling in dict.fromkeys((number, plain)):
        order = linking.find_order(turn.session, spelling)
        if order is not None:
            return order
    parcel = parcel_by_tracking(turn.session, number.upper())
    if parcel is not None and parcel.order_id is not None:
        return turn.session.get(Order, parcel.order_id)
    return _without_letters(turn, plain) if plain.isdecimal() else None


def _without_letters(turn: Turn, digits: str) -> Order | None:
    """The one order whose number has these digits after the letters that this shop uses."""
    matches = map(_PREFIX.fullmatch, latest_numbers(turn.session))
    prefixes = dict.fromkeys(match.group(1) for match in matches if match)
    found = [linking.find_order(turn.session, prefix + digits) for prefix in prefixes]
    orders = [order for order in found if order is not None]
    return orders[0] if len(orders) == 1 else None


def _are_long(turn: Turn) -> bool:
    """Whether this shop's own numbers are as long as a card's; looked up only where it matters."""
    if not _LONG.search(turn.text):
        return False
    return any(_LONG.fullmatch(number[:16]) for number in latest_numbers(turn.session))


def _prove(turn: Turn, entry_id: str, number: str, last4: str, also: str | None) -> Verdict:
    proof = linking.prove(turn.session, turn.identity, number, last4, turn.now)
    if proof.order is not None:
        customer = turn.session.get(Customer, turn.identity.customer_id)
        assert customer is not None
        turn.customer = customer
        return answer(turn, entry_id, proof.order, also=also)
    if proof.outcome == "locked":
        _ask_proof(turn, entry_id)
        turn.say("orders.locked", [turn.person_choice()])
        return Verdict("locked", {"entry": entry_id})
    _ask_proof(turn, entry_id, number=number, also=also)
    turn.say("orders.wrong", [turn.person_choice()])
    return Verdict("wrong proof", {"entry": entry_id})


def _ask_proof(turn: Turn, entry_id: str, **known: Any) -> None:
    turn.ask(NAME, patient=True, entry=entry_id, proving=True, language=turn.language, **known)
