"""Keeps the questions that the bot did not settle, as gaps of the FAQ."""

from datetime import timedelta
from typing import Any

from bot.core.text import language, normalise
from bot.dialogue import compose
from bot.dialogue.turn import Turn
from storage.models.conversations import Message, question_before
from storage.models.gaps import Reason, last_question, record_gap, whole_text

RIGHT_AFTER = timedelta(hours=1)
"""How long after a question the wish for a person is still about it."""


def keep(turn: Turn, reason: Reason, entry: str = "") -> None:
    """Keep the message of this turn, with the engine's guesses."""
    guesses = [
        {"entry": candidate.entry_id, "score": round(candidate.score, 3)}
        for candidate in turn.understanding.candidates[:3]
    ]
    text = turn.text or turn.message.text
    record_gap(turn.session, turn.message, turn.language, reason, guesses, entry, text)


def keep_last(turn: Turn) -> None:
    """Keep the question after which a person is asked for; nothing when there was none.

    Numbers are no questions, and who greets and then wants a person has not asked yet.
    """
    asked = last_question(turn.session, turn.message)
    if asked is None or turn.now - asked.created_at > RIGHT_AFTER:
        return
    text = whole_text(turn.session, asked)
    spoken = language(normalise(text))
    verdict = asked.verdict or {}
    answered = str(verdict.get("entry", ""))
    if spoken is None or _is_smalltalk(turn, answered):
        return
    record_gap(turn.session, asked, spoken, "handoff", _offered(asked), answered, text)


def keep_wrong(turn: Turn, entry: str) -> None:
    """Keep the question whose answer, from `entry`, did not help."""
    ours = turn.message.reply_to if turn.inbound.likes is not None else None
    asked = (
        question_before(turn.session, turn.conversation, ours)
        if ours is not None
        else last_question(turn.session, turn.message)
    )
    if asked is not None:
        text = whole_text(turn.session, asked)
        spoken = language(normalise(text)) or turn.language
        record_gap(turn.session, asked, spoken, "wrong", _offered(asked), entry, text)


def _is_smalltalk(turn: Turn, entry_id: str) -> bool:
    entry = turn.house.entries.entry(entry_id, turn.language) if entry_id else None
    return entry is not None and entry.is_smalltalk


def _offered(asked: Message) -> list[dict[str, Any]]:
    """The entries that were offered when the bot asked back."""
    values = (asked.verdict or {}).get("offered", [])
    return [
        {"entry": value.removeprefix(compose.ENTRY), "score": 0.0}
        for value in values
        if value.startswith(compose.ENTRY)
    ]
