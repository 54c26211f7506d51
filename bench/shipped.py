"""The shipped FAQ against its own labelled set of customer messages, in the real decision.

`|` in a label names entries of which any is right (kind `multi`: both were asked for, and one
at a time is answered).
"""

import csv
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.answering import clauses
from bot.answering.index import Index
from bot.answering.load import Entry, load
from bot.answering.understanding import Understanding
from bot.config import ROOT
from bot.core.text import normalise
from bot.dialogue.calling import asks_for_person

SET = ROOT / "tests" / "data"
LEFT_OUT = 5
"""Entries are left out in this many turns, to ask about what the FAQ does not know."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled message; no labels: out of scope."""

    text: str
    labels: frozenset[str]
    language: str
    kind: str


def rows(folder: Path = SET) -> list[Row]:
    """The labelled messages of all languages."""
    found = []
    for path in sorted(folder.glob("shipped_faq.*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for text, label, language, kind in csv.reader(
                file, delimiter="\t", quoting=csv.QUOTE_NONE
            ):
                labels = frozenset() if label == "oos" else frozenset(label.split("|"))
                found.append(Row(text, labels, language, kind))
    return found


def outcome(row: Row, read: Understanding) -> str:
    """right, wrong, asked_right, asked_other or human; answered or asked when out of scope."""
    if asks_for_person(normalise(row.text)):
        return "right" if "contact_person" in row.labels else "human"
    if read.decision == "human":
        return "human"
    offered = {candidate.entry_id for candidate in read.choices}
    if not row.labels:
        return "oos_answered" if read.decision == "answer" else "oos_asked"
    if read.decision == "ask":
        return "asked_right" if offered & row.labels else "asked_other"
    assert read.best is not None
    return "right" if read.best.entry_id in row.labels else "wrong"


def measure(faq: Path = ROOT / "faq") -> dict[str, Any]:
    """Shares over all messages, and per language; what is left out of the FAQ but asked for."""
    entries, messages = load(faq), rows()
    with tempfile.TemporaryDirectory() as folder:
        index = Index.build(entries, Path(folder))
    results = [
        (row, outcome(row, read))
        for row, read in zip(
            messages, clauses.understand(index, [m.text for m in messages]), strict=True
        )
    ]
    figures: dict[str, Any] = {"all": _shares(results)}
    for language in sorted({row.language for row in messages}):
        figures[language] = _shares([one for one in results if one[0].language == language])
    figures["asked about, but left out: answered"] = _left_out(entries, messages)
    return figures


def _shares(results: list[tuple[Row, str]]) -> dict[str, Any]:
    inside = Counter(what for row, what in results if row.labels)
    outside = Counter(what for row, what in results if not row.labels)
    shares = {
        name: round(inside[name] / inside.total(), 3)
        for name in ("right", "asked_right", "asked_other", "wrong", "human")
    }
    for name in ("oos_answered", "oos_asked"):
        shares[name] = round(outside[name] / max(1, outside.total()), 3)
    return {"messages": len(results), **shares}


def _left_out(entries: list[Entry], messages: list[Row]) -> float:
    """Share of questions that are answered although their entries are missing."""
    ids = sorted({entry.id for entry in entries})
    answered = asked = 0
    for turn in range(LEFT_OUT):
        gone = set(ids[turn::LEFT_OUT])
        index = Index.build([entry for entry in entries if entry.id not in gone])
        about = [row for row in messages if row.labels and row.labels <= gone]
        reads = clauses.understand(index, [row.text for row in about])
        answered += sum(read.decision == "answer" for read in reads)
        asked += len(about)
    return round(answered / max(1, asked), 3)
