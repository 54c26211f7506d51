"""Finds the question in a long message: people tell the story first and ask at the end."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.answering.decide import decide
from bot.answering.load import Entry
from bot.answering.loan_words import in_chinese
from bot.answering.several import questions
from bot.answering.understanding import Understanding

LONG_HAN, LONG_WORDS = 10, 8
"""From this many Han characters or other words on, a message is also read in clauses."""
MOST = 6
"""How many clauses are read: the last ones, for the question comes at the end."""
TRUST = 0.9
"""What a clause's confidence is worth beside the whole message's: it lacks the rest."""
_END = re.compile(
    r"[。！？!?；;\n]+|[，,、：:]+\s*|\.\s+|\s+(?:but|and|so|also|because|though|anyway|then)\s+"
    r"|\s[-–—]+\s|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\u3400-\u9fff]+")
_SHORTEST_HAN, _SHORTEST_WORDS = 3, 2


class Reader(Protocol):
    """What understands single texts: the index."""

    def understand(self, texts: Sequence[str]) -> list[Understanding]:
        """What each text asks."""

    def entry(self, entry_id: str, wanted: str) -> Entry | None:
        """The entry called `entry_id`."""


def understand(reader: Reader, texts: Sequence[str]) -> list[Understanding]:
    """What each text asks; of a long one, what its clearest clause asks when that is clearer.

    The candidates of the other clauses follow those of the clearest, so that the choices
    offered cover everything that was asked. Several questions are also understood apart.
    """
    plain = [in_chinese(text) for text in texts]
    parts = [[text, *clauses(text)] for text in plain]
    asked = [questions(text) for text in plain]
    flat = iter(reader.understand([one for own in [*parts, *asked] for one in own]))
    whole = [_clearest(reader, [next(flat) for _ in own]) for own in parts]
    apart = [tuple(next(flat) for _ in own) for own in asked]
    return [
        replace(one, text=text, apart=own)
        for one, text, own in zip(whole, texts, apart, strict=True)
    ]


def clauses(text: str) -> list[str]:
    """The clauses of a long text, the last `MOST`; none when the text is short or is but one."""
    if _size(text) < 1:
        return []
    found = [clause.strip() for clause in _END.split(text)]
    kept = [clause for clause in found if clause and _is_clause(clause)]
    return kept[-MOST:] if len(kept) > 1 else []


def _clearest(reader: Reader, read: list[Understanding]) -> Understanding:
    whole = read[0]
    telling = [whole, *(one for one in read[1:] if _asks(reader, one))]
    ranked = sorted(telling, key=lambda one: one.confidence * (1 if one is whole else TRUST))
    best = ranked[-1]
    if best is whole:
        return whole
    leading = [one.candidates[0] for one in reversed(ranked) if one.candidates]
    others = [candidate for one in reversed(ranked) for candidate in one.candidates]
    candidates = tuple({one.entry_id: one for one in [*leading, *others]}.values())
    confidence = best.confidence * TRUST
    return replace(
        best,
        text=whole.text,
        normalised=whole.normalised,
        language=whole.language or best.language,
        traditional=whole.traditional,
        candidates=candidates[: len(whole.candidates)],
        confidence=confidence,
        decision=decide(confidence),
    )


def _asks(reader: Reader, clause: Understanding) -> bool:
    """Whether a clause is about something: a greeting before a question is not."""
    if clause.best is None:
        return False
    entry = reader.entry(clause.best.entry_id, clause.language or "en")
    return entry is not None and not entry.is_smalltalk


def _size(text: str) -> float:
    return len(_HAN.findall(text)) / LONG_HAN + len(_WORD.findall(text)) / LONG_WORDS


def _is_clause(text: str) -> bool:
    han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
    return han >= _SHORTEST_HAN or words >= _SHORTEST_WORDS
