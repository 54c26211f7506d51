"""The noise of the measurements has the strength it claims, and the same seed makes the same."""

import numpy as np
import pytest
from rapidfuzz.distance import OSA

from bench.answers import interval, macro_f1
from bench.noise import homophones, typos
from bot.answering.benchmark import Guess
from bot.answering.correct import sound

ENGLISH = "where is my parcel and when will it arrive at my door please"
CHINESE = "我的快递什么时候能到请帮我看一下订单现在在哪里"


@pytest.mark.parametrize("every", [8, 20])
def test_one_typo_in_so_many_letters(every: int) -> None:
    dice = np.random.default_rng(0)
    letters = sum(one.isalpha() for one in ENGLISH)
    made = np.mean([OSA.distance(ENGLISH, typos(ENGLISH, every, dice)) for _ in range(300)])
    assert made == pytest.approx(letters / every, rel=0.2)


def test_homophones_sound_the_same() -> None:
    dice = np.random.default_rng(0)
    spoilt = [homophones(CHINESE, 0.2, dice) for _ in range(300)]
    assert {sound(one) for one in spoilt} == {sound(CHINESE)}
    changed = np.mean([[a != b for a, b in zip(CHINESE, one, strict=True)] for one in spoilt])
    assert changed == pytest.approx(0.2, abs=0.03)


def test_other_scripts_are_left_alone() -> None:
    dice = np.random.default_rng(0)
    assert typos(CHINESE + " 123", 1, dice) == CHINESE + " 123"
    assert homophones(ENGLISH, 1.0, dice) == ENGLISH


def test_the_same_seed_makes_the_same() -> None:
    first, second = (typos(ENGLISH, 8, np.random.default_rng(4)) for _ in range(2))
    assert first == second != ENGLISH


def test_macro_f1_counts_every_label_alike() -> None:
    guesses = [Guess((one,), 1.0) for one in "aaab"] + [Guess((), 0.0)]
    rows = [("", one) for one in "aabbc"]
    assert macro_f1(guesses, rows) == pytest.approx((4 / 5 + 2 / 3 + 0) / 3)


def test_interval_of_a_known_share() -> None:
    low, high = interval(np.arange(400) % 2 == 0)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.01)
