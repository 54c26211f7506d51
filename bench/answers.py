"""The answering engine beside rapidfuzz on labelled sets: accuracy, noise, speed, many phrasings.

Expects a folder of sets, each a folder of `text<TAB>label` files (label `oos`: out of scope).
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.noise import homophones, typos
from bot.answering import benchmark
from bot.answering.benchmark import Engine, Guess, Rows, draw, entries, fitted, quality, read_tsv

SLOW = 500
"""Test rows that rapidfuzz is asked where there are many phrasings, drawn with a seed."""
MANY = 2000
RESAMPLES = 1000
SIZES = (1_000, 10_000, 100_000)


Spoil = Callable[[str, np.random.Generator], str]


@dataclass(frozen=True)
class Set:
    """Files under the data folder; `shots`: phrasings per entry, all when None."""

    name: str
    train: str
    test: str
    oos: str | None = None
    shots: int | None = None


SETS = (
    Set("hint3", "hint3_curekart/train", "hint3_curekart/test", "hint3_curekart/oos_test"),
    Set("bitext27, 10 each", "bitext27/train", "bitext27/test", shots=10),
    Set("bitext27, all", "bitext27/train", "bitext27/test"),
    Set("banking77, 5 each", "banking77/pub_train_5", "banking77/test"),
    Set("banking77, 10 each", "banking77/pub_train_10", "banking77/test"),
    Set("banking77, all", "banking77/train", "banking77/test"),
    Set("assistant en", "xsid_en/valid", "xsid_en/test"),
    Set("assistant zh", "xsid_zh/valid", "xsid_zh/test"),
    Set("assistant, zh asks en", "xsid_en/valid", "xsid_zh/test"),
    Set("assistant, en asks zh", "xsid_zh/valid", "xsid_en/test"),
)
NOISY: tuple[tuple[str, str, Spoil], ...] = (
    ("bitext27, 10 each", "one typo in 20 letters", lambda text, dice: typos(text, 20, dice)),
    ("bitext27, 10 each", "one typo in 8 letters", lambda text, dice: typos(text, 8, dice)),
    ("banking77, 10 each", "one typo in 20 letters", lambda text, dice: typos(text, 20, dice)),
    ("banking77, 10 each", "one typo in 8 letters", lambda text, dice: typos(text, 8, dice)),
    ("assistant zh", "20% homophones", lambda text, dice: homophones(text, 0.2, dice)),
)


def measure(data: Path) -> dict[str, Any]:
    """Every table, a line each, also told on standard error as it comes: it takes a while.

    Raises OSError for a set that is missing.
    """
    lines: dict[str, Any] = {}
    for name, line in _lines(data):
        lines[name] = line
        sys.stderr.write(f"{name}: {line}\n")
    return lines


def _lines(data: Path) -> Iterator[tuple[str, str]]:
    for count in SIZES:
        yield f"{count} phrasings", speed(data, count)
    for one in SETS:
        yield one.name, _compared(data, one)
    yield from _noisy(data)


def _compared(data: Path, one: Set) -> str:
    """Both engines on the same rows, as one line."""
    train, test, outside = _rows(data, one)
    few = _sample(test, SLOW) if len(train) > MANY else test
    mine, plain = _asked(train, test, outside, "xiaoer"), _asked(train, few, outside, "rapidfuzz")
    note = f" (on {len(few)} rows)" if len(few) < len(test) else ""
    return f"{_line(*mine, test)} | rapidfuzz {_line(*plain, few)}{note}"


def _asked(train: Rows, test: Rows, outside: Rows, engine: Engine) -> tuple[list[Guess], Any]:
    guesses = fitted(train, engine)([text for text, _ in [*test, *outside]])
    truth = [label for _, label in test] + [None] * len(outside)
    return guesses, quality(guesses, truth)


def _line(guesses: list[Guess], found: dict[str, Any], test: Rows) -> str:
    right = np.array([g.ranked[:1] == (t,) for g, (_, t) in zip(guesses, test, strict=False)])
    low, high = interval(right)
    text = (
        f"top-1 {found['top1']:.1%} [{low:.1%}, {high:.1%}], macro-F1 {macro_f1(guesses, test):.1%}"
    )
    if found["auroc"] is None:
        return text
    decision = found["decision"]
    return (
        f"{text}, AUROC {found['auroc']:.1%}, right at 5% false answers {found['acc_at_fa5']:.1%}, "
        f"answered right {decision['right']:.1%}, wrong {decision['wrong']:.1%}, "
        f"out of scope {decision['oos_answered']:.1%}"
    )


def _noisy(data: Path) -> Iterator[tuple[str, str]]:
    """Top-1 of both engines on clean and on noisy questions."""
    sets = {one.name: one for one in SETS}
    ask: dict[tuple[str, Engine], Callable[[list[str]], list[Guess]]] = {}
    for name, noise, spoil in NOISY:
        train, test, _ = _rows(data, sets[name])
        dice = np.random.default_rng(0)
        spoilt = [(spoil(text, dice), label) for text, label in test]
        shares = []
        for engine in ("xiaoer", "rapidfuzz"):
            if (name, engine) not in ask:
                ask[name, engine] = fitted(train, engine)
            clean, noisy = (_top1(ask[name, engine], rows) for rows in (test, spoilt))
            shares.append(f"{engine} {clean:.1%} → {noisy:.1%}")
        yield f"{name}, {noise}", ", ".join(shares)


def _top1(ask: Callable[[list[str]], list[Guess]], rows: Rows) -> float:
    guesses = ask([text for text, _ in rows])
    return float(np.mean([g.ranked[:1] == (t,) for g, (_, t) in zip(guesses, rows, strict=True)]))


def speed(data: Path, count: int) -> str:
    """Fit, start from cache, single questions and batches with `count` phrasings, as one line."""
    from bot.answering.index import Index

    train = phrasings(read_tsv(data / "banking77/train.tsv"), count)
    questions = [text for text, _ in _sample(read_tsv(data / "banking77/test.tsv"), 1000)]
    with tempfile.TemporaryDirectory() as folder:
        shop = entries(train)
        fit = _seconds(lambda: Index.build(shop, Path(folder)))
        start = time.perf_counter()
        index = Index.build(shop, Path(folder))
        cached = time.perf_counter() - start
    index.understand(questions[:20])
    single = []
    for question in questions[20:500]:
        started = time.perf_counter()
        index.understand([question])
        single.append(1000 * (time.perf_counter() - started))
    size = 16
    batches = _seconds(
        lambda: [index.understand(questions[at : at + size]) for at in range(0, 1000, size)]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return (
        f"{len(train)} phrasings: p50 {np.percentile(single, 50):.2f} ms, "
        f"p99 {np.percentile(single, 99):.2f} ms, {1000 / batches:.0f}/s in batches of {size}, "
        f"fit {fit:.1f} s, from cache {cached:.2f} s, peak {peak:.0f} MB"
    )


def phrasings(rows: Rows, count: int) -> Rows:
    """`count` phrasings: fewer per entry, or the rows again with small slips."""
    entries_ = len({label for _, label in rows})
    if count < len(rows):
        return draw(rows, count // entries_, 0)
    dice = np.random.default_rng(0)
    more = [
        (typos(text, 12, dice), label)
        for _ in range(count // len(rows) - 1)
        for text, label in rows
    ]
    return list(dict.fromkeys([*rows, *more]))


def interval(right: Any) -> tuple[float, float]:
    """The middle 95% of the share right in RESAMPLES samples drawn with replacement."""
    dice = np.random.default_rng(0)
    shares = right[dice.integers(len(right), size=(RESAMPLES, len(right)))].mean(axis=1)
    return float(np.percentile(shares, 2.5)), float(np.percentile(shares, 97.5))


def macro_f1(guesses: Sequence[Guess], rows: Sequence[tuple[str, str]]) -> float:
    """Mean over the labels asked for of 2·hits / (given + wanted)."""
    given = [g.ranked[0] if g.ranked else None for g, _ in zip(guesses, rows, strict=False)]
    wanted = [label for _, label in rows]
    scores = []
    for label in sorted(set(wanted)):
        hits = sum(g == w == label for g, w in zip(given, wanted, strict=True))
        scores.append(2 * hits / (given.count(label) + wanted.count(label)))
    return float(np.mean(scores))


def _rows(data: Path, one: Set) -> tuple[Rows, Rows, Rows]:
    train, test = (read_tsv(data / f"{name}.tsv") for name in (one.train, one.test))
    known = draw([row for row in train if row[1] != benchmark.OUT_OF_SCOPE], one.shots, 0)
    inside = [row for row in test if row[1] != benchmark.OUT_OF_SCOPE]
    outside = [row for row in test if row[1] == benchmark.OUT_OF_SCOPE]
    return known, inside, outside + (read_tsv(data / f"{one.oos}.tsv") if one.oos else [])


def _sample(rows: Rows, count: int) -> Rows:
    places = np.random.default_rng(0).permutation(len(rows))[:count]
    return [rows[place] for place in sorted(places)]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
