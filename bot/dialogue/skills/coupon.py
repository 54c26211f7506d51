"""Answers what is asked about coupons with those that the customer has."""

from datetime import timedelta

from bot.answering.load import Entry
from bot.care.facts import coupon_facts
from bot.dialogue import compose
from bot.dialogue.turn import Turn, Verdict
from storage.models.coupons import Coupon, coupons_of

AFTER = ("birthday",)
_SHOWN = 3
_FRESH = timedelta(days=7)
"""So long after a coupon came, and when nothing was said since, "until when?" is about it."""
_TOPICS = {"coupon_ends": "coupon_expired", "coupon_use": "coupon_use"}
"""Entries by the words that ask for them when a coupon was spoken of last."""
_OWN = {*_TOPICS.values(), "coupon_where", "coupon_not_working"}
"""Entries that are answered better with the customer's own coupons."""


def reply(turn: Turn) -> Verdict | None:
    """Name the coupons before the general answer; nothing for who has none."""
    mentioned = turn.choice is None and _words_ask(turn)
    entry = _asked_entry(turn)
    if entry is None and not mentioned:
        return None
    if turn.choice is None and compose.several(turn.house, turn.understanding, turn.language):
        return None
    mine = coupons_of(turn.session, turn.identity.customer_id, turn.now, _SHOWN)
    if mentioned and _was_said_last(turn, mine):
        entry = turn.house.entries.entry(_TOPICS[mentioned], turn.language)
    if entry is None or not mine:
        return None
    turn.conversation.misses = 0
    turn.ask("faq", entry=entry.id)
    composed = compose.answer(turn.house, entry, turn.language)
    turn.tell(f"{_named(turn, mine)}\n\n{composed.text}", composed.choices)
    return Verdict("answered", {"entry": entry.id, "title": entry.title})


def _asked_entry(turn: Turn) -> Entry | None:
    """The entry about coupons that was asked for in words, or by its button."""
    best = turn.understanding.best if turn.understanding.decision == "answer" else None
    entry_id = best.entry_id if best else ""
    if turn.choice is not None:
        entry_id = turn.choice.removeprefix(compose.ENTRY)
    return turn.house.entries.entry(entry_id, turn.language) if entry_id in _OWN else None


def _words_ask(turn: Turn) -> str:
    """Which list of words asks, if it is a coupon that they are about."""
    heard, words = turn.house.voice.heard, turn.understanding.normalised
    return next((name for name in _TOPICS if heard.holds(name, words)), "")


def _was_said_last(turn: Turn, mine: list[Coupon]) -> bool:
    """Whether the last words to the customer named one of these coupons."""
    last = turn.said_last(_FRESH)
    return last is not None and any(one.code in last.text for one in mine)


def _named(turn: Turn, mine: list[Coupon]) -> str:
    """A line for each."""
    voice, language = turn.house.voice, turn.language
    shown = [coupon_facts(one, language, voice) for one in mine]
    return "\n".join(voice.say("replies.coupon_yours", language, **one) for one in shown)
