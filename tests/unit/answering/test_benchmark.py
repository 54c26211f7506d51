"""The measures, on guesses whose figures are known."""

from pathlib import Path

import pytest

from bot.answering.benchmark import Guess, bench_answers, draw, quality, read_tsv, run

KEYS = [
    "engine",
    "n_train",
    "n_test",
    "n_oos",
    "top1",
    "recall3",
    "mrr",
    "auroc",
    "acc_at_fa5",
    "ece",
    "decision",
    "fit_s",
    "p50_ms",
    "p99_ms",
    "peak_mb",
]
DECISIONS = ["right", "wrong", "asked_right", "asked_other", "human", "oos_answered", "oos_asked"]
TRAIN = [
    ("怎么退货", "return"),
    ("我要退货", "return"),
    ("how do i return", "return"),
    ("运费多少", "fee"),
    ("寄一件多少钱", "fee"),
    ("shipping cost", "fee"),
]


def test_quality_of_known_guesses() -> None:
    guesses = [
        Guess(("a", "b"), 0.9),  # right
        Guess(("b", "a"), 0.8),  # wrong, second is right
        Guess(("b", "c", "a"), 0.3),  # asked, among the three
        Guess(("b",), 0.3),  # asked, not among them
        Guess(("a",), 0.1),  # right, but handed over
        Guess(("a",), 0.6),  # out of scope, answered
        Guess(("a",), 0.25),  # out of scope, asked
        Guess((), 0.0),  # out of scope, handed over
    ]
    truth: list[str | None] = ["a", "a", "a", "a", "a", None, None, None]
    got = quality(guesses, truth)
    assert got["decision"] == {
        "right": 0.2,
        "wrong": 0.2,
        "asked_right": 0.2,
        "asked_other": 0.2,
        "human": 0.2,
        "oos_answered": 0.3333,
        "oos_asked": 0.3333,
    }
    assert (got["top1"], got["recall3"], got["mrr"]) == (0.4, 0.8, pytest.approx(0.5667))
    # In scope beats out of scope in 2·3 + 2·2 + 1·1 = 11 of 15 pairs.
    assert got["auroc"] == pytest.approx(11 / 15, abs=1e-4)
    assert got["acc_at_fa5"] == 0.2


def test_without_out_of_scope_questions_their_figures_are_null() -> None:
    got = quality([Guess(("a",), 0.95)], ["a"])
    assert (got["auroc"], got["acc_at_fa5"], got["ece"]) == (None, None, 0.05)
    assert got["decision"]["oos_answered"] is None  # type: ignore[index]


@pytest.mark.parametrize("engine", ["xiaoer", "rapidfuzz"])
def test_the_whole_run(tmp_path: Path, engine: str) -> None:
    train, test, oos = tmp_path / "train.tsv", tmp_path / "test.tsv", tmp_path / "oos.tsv"
    train.write_text("".join(f"{text}\t{label}\n" for text, label in TRAIN), encoding="utf-8")
    test.write_text("怎么退货\treturn\n运费多少\tfee\n今天天气\toos\n", encoding="utf-8")
    oos.write_text("who won the cup\toos\n\n", encoding="utf-8")
    got = bench_answers(train, test, oos, engine=engine)
    assert list(got) == KEYS
    assert list(got["decision"]) == DECISIONS  # type: ignore[call-overload]
    assert (got["engine"], got["n_train"], got["n_test"], got["n_oos"], got["top1"]) == (
        engine,
        6,
        2,
        2,
        1.0,
    )


def test_shots_are_drawn_by_seed() -> None:
    rows = [(f"{label}{number}", label) for label in "ab" for number in range(9)]
    first = draw(rows, 3, seed=1)
    assert first == draw(rows, 3, seed=1)
    assert first != draw(rows, 3, seed=2)
    assert [label for _, label in first] == ["a"] * 3 + ["b"] * 3
    assert draw(rows, None, seed=1) == rows


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("no label here\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad.tsv:1"):
        read_tsv(bad)
    with pytest.raises(ValueError, match="unknown engine"):
        bench_answers(bad, bad, engine="oracle")
    with pytest.raises(ValueError, match="nothing to train on"):
        run([("x", "oos")], [("y", "a")])
