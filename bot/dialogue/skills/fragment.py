"""Waits a moment after a message that seems unfinished: many people write in pieces."""

import re

from bot.dialogue.pieces import wait_for_more
from bot.dialogue.turn import Turn, Verdict

AFTER = ("opening", "order", "wordless")

_FINISHED = re.compile(r"[?？!！.。~～]$|\d")
_HAN_CHARACTERS, _WORDS = 6, 3


def reply(turn: Turn) -> Verdict | None:
    """Wait instead of puzzling over half a sentence. What is understood is never delayed."""
    if turn.is_complete or turn.choice is not None or turn.understanding.decision == "answer":
        return None
    if not seems_unfinished(turn.understanding.normalised) or not wait_for_more(turn):
        return None
    return Verdict("waiting for the rest")


def seems_unfinished(normalised: str) -> bool:
    """Whether a text is so short, and ends so openly, that more may follow."""
    if _FINISHED.search(normalised):
        return False
    words = normalised.split()
    return all(len(word) <= _HAN_CHARACTERS or word.isascii() for word in words) and (
        len(words) <= _WORDS
    )
