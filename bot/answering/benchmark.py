"""Measures the engine on labelled questions, for comparison between versions and engines."""

import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bot.answering.decide import decide
from bot.answering.load import Entry
from bot.core.text import language, normalise

Engine = Literal["xiaoer", "rapidfuzz"]
Rows = list[tuple[str, str]]
OUT_OF_SCOPE = "oos"
FALSE_ANSWERS = 0.05
TIMED = 500
"""Questions timed one by one; the rest are answered in batches."""


@dataclass(frozen=True, slots=True)
class Guess:
    """An engine's ranked entries for a question and its confidence (0–1) in the first."""

    ranked: tuple[str, ...]
    confidence: float


def read_tsv(path: Path) -> Rows:
    """(text, label) per line of a tab-separated UTF-8 file; empty lines are skipped.

    Raises ValueError naming the line that has no label.
    """
    rows: Rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        text, tab, label = line.rpartition("\t")
        if not tab or not label.strip():
            raise ValueError(f"{path}:{number}: expected text<TAB>label")
        rows.append((text, label.strip()))
    return rows


def bench_answers(
    train: Path,
    test: Path,
    oos: Path | None = None,
    shots: int | None = None,
    seed: int = 0,
    engine: str = "xiaoer",
) -> dict[str, object]:
    """Trains on one file, tests on another, and measures on `oos` what must not be answered.

    `shots`: phrasings per entry drawn from `train` (with `seed`); all when None.
    Raises ValueError for an unknown engine or a bad file, OSError for one that cannot be read.
    """
    if engine not in ("xiaoer", "rapidfuzz"):
        raise ValueError(f'unknown engine "{engine}" (known: xiaoer, rapidfuzz)')
    outside = read_tsv(oos) if oos else None
    chosen: Engine = "xiaoer" if engine == "xiaoer" else "rapidfuzz"
    return run(read_tsv(train), read_tsv(test), outside, shots, seed, chosen)


def run(
    train: Sequence[tuple[str, str]],
    test: Sequence[tuple[str, str]],
    oos: Sequence[tuple[str, str]] | None = None,
    shots: int | None = None,
    seed: int = 0,
    engine: Engine = "xiaoer",
) -> dict[str, object]:
    """The same from rows of (text, label); the label "oos" means out of scope."""
    known = draw([row for row in train if row[1] != OUT_OF_SCOPE], shots, seed)
    if not known:
        raise ValueError("nothing to train on")
    inside = [row for row in test if row[1] != OUT_OF_SCOPE]
    outside = [row for row in test if row[1] == OUT_OF_SCOPE] + list(oos or [])
    started = time.perf_counter()
    guess = fitted(known, engine)
    fit_s = time.perf_counter() - started
    questions = [text for text, _ in [*inside, *outside]]
    timed = _timings(guess, questions)
    guesses = guess(questions)
    truth = [label for _, label in inside] + [None] * len(outside)
    return {
        "engine": engine,
        "n_train": len(known),
        "n_test": len(inside),
        "n_oos": len(outside),
        **quality(guesses, truth),
        "fit_s": round(fit_s, 3),
        "p50_ms": _percentile(timed, 50),
        "p99_ms": _percentile(timed, 99),
        "peak_mb": round(_peak_mb(), 1),
    }


def draw(rows: Rows, shots: int | None, seed: int) -> Rows:
    """At most `shots` different rows per label, drawn with `seed`; all when None."""
    if shots is None:
        return list(rows)
    groups: dict[str, Rows] = defaultdict(list)
    for row in dict.fromkeys(rows):
        groups[row[1]].append(row)
    generator = np.random.default_rng(seed)
    return [
        groups[label][place]
        for label in sorted(groups)
        for place in sorted(generator.permutation(len(groups[label]))[:shots])
    ]


def fitted(rows: Rows, engine: Engine) -> Callable[[list[str]], list[Guess]]:
    """What answers questions after learning from `rows`."""
    return _xiaoer(rows) if engine == "xiaoer" else _rapidfuzz(rows)


def entries(rows: Sequence[tuple[str, str]]) -> list[Entry]:
    """FAQ entries with the texts of `rows` as phrasings and their labels as ids."""
    phrasings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for text, label in rows:
        phrasings[label, language(normalise(text)) or "en"].append(text)
    return [
        Entry(label, "zh" if spoken == "zh" else "en", "", tuple(texts), label)
        for (label, spoken), texts in phrasings.items()
    ]


def _xiaoer(rows: Rows) -> Callable[[list[str]], list[Guess]]:
    from bot.answering.index import Index

    index = Index.build(entries(rows))
    index.understand(["warm up"])
    return lambda questions: [
        Guess(tuple(one.entry_id for one in found.candidates), found.confidence)
        for start in range(0, len(questions), 64)
        for found in index.understand(questions[start : start + 64])
    ]


def _rapidfuzz(rows: Rows) -> Callable[[list[str]], list[Guess]]:
    """The plain alternative: the entry of the phrasing with the highest WRatio."""
    from rapidfuzz import fuzz, process

    phrasings = [normalise(text) for text, _ in rows]
    labels = [label for _, label in rows]

    def one(question: str) -> Guess:
        found = process.extract(normalise(question), phrasings, scorer=fuzz.WRatio, limit=100)
        ranked = tuple(dict.fromkeys(labels[place] for _, _, place in found))
        return Guess(ranked[:5], found[0][1] / 100 if found else 0.0)

    return lambda questions: [one(question) for question in questions]


def _timings(guess: Callable[[list[str]], list[Guess]], questions: list[str]) -> list[float]:
    """Milliseconds for each of up to TIMED questions spread over the set, asked one at a time."""
    step = max(1, len(questions) // TIMED)
    times = []
    for question in questions[::step][:TIMED]:
        started = time.perf_counter()
        guess([question])
        times.append((time.perf_counter() - started) * 1000)
    return times


def quality(guesses: list[Guess], truth: list[str | None]) -> dict[str, object]:
    """Top-1 and the other measures of `xiaoer bench answers`; truth None is out of scope."""
    inside = [(g, t) for g, t in zip(guesses, truth, strict=True) if t is not None]
    right = np.array([g.ranked[:1] == (t,) for g, t in zip(guesses, truth, strict=True)], bool)
    scope = np.array([t is not None for t in truth], bool)
    confidence = np.array([g.confidence for g in guesses], float)
    ranks = [g.ranked.index(t) + 1 if t in g.ranked else None for g, t in inside]
    return {
        "top1": _mean([rank == 1 for rank in ranks]),
        "recall3": _mean([rank is not None and rank <= 3 for rank in ranks]),
        "mrr": _mean([1 / rank if rank else 0.0 for rank in ranks]),
        "auroc": _auroc(confidence[scope], confidence[~scope]),
        "acc_at_fa5": _accuracy_at_false_answers(confidence, right, scope),
        "ece": _calibration_error(confidence, right),
        "decision": _decisions(guesses, truth),
    }


def _decisions(guesses: list[Guess], truth: list[str | None]) -> dict[str, float | None]:
    """Shares of in-scope questions by outcome, and of out-of-scope ones answered or asked."""
    counts: dict[str, int] = defaultdict(int)
    for found, label in zip(guesses, truth, strict=True):
        decision = decide(found.confidence) if found.ranked else "human"
        counts[_outcome(decision, found.ranked, label)] += 1
    outside = sum(label is None for label in truth)
    inside = len(truth) - outside
    of_inside = ("right", "wrong", "asked_right", "asked_other", "human")
    return {
        **{name: _share(counts[name], inside) for name in of_inside},
        **{name: _share(counts[name], outside) for name in ("oos_answered", "oos_asked")},
    }


def _outcome(decision: str, ranked: tuple[str, ...], label: str | None) -> str:
    if label is None:
        return {"answer": "oos_answered", "ask": "oos_asked"}.get(decision, "oos_human")
    if decision == "answer":
        return "right" if ranked[0] == label else "wrong"
    if decision == "ask":
        return "asked_right" if label in ranked[:3] else "asked_other"
    return "human"


def _auroc(inside: NDArray[Any], outside: NDArray[Any]) -> float | None:
    """Probability that an in-scope question gets more confidence than an out-of-scope one."""
    if not len(inside) or not len(outside):
        return None
    above = (inside[:, None] > outside[None, :]).mean()
    ties = (inside[:, None] == outside[None, :]).mean()
    return round(float(above + ties / 2), 4)


def _accuracy_at_false_answers(
    confidence: NDArray[Any], right: NDArray[Any], scope: NDArray[Any]
) -> float | None:
    """In-scope share answered right at the lowest threshold that answers ≤5% out of scope."""
    if scope.all() or not scope.any():
        return None
    outside = np.sort(confidence[~scope])[::-1]
    allowed = int(FALSE_ANSWERS * len(outside))
    threshold = outside[allowed] if allowed < len(outside) else -1.0
    return round(float((right & (confidence > threshold))[scope].mean()), 4)


def _calibration_error(confidence: NDArray[Any], right: NDArray[Any], bins: int = 10) -> float:
    """Expected calibration error: mean |confidence − share right| over equal-width bins."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[place == one].mean() - right[place == one].mean()) * (place == one).mean()
        for one in range(bins)
        if (place == one).any()
    ]
    return round(float(sum(gaps)), 4)


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


def _percentile(values: list[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if values else None


def _peak_mb() -> float:
    """Most memory the process has held, in MB (getrusage counts KiB, on macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
