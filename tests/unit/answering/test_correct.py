"""Slips are undone; words that are right stay."""

import pytest

from bot.answering.correct import Corrector
from bot.answering.english import is_english
from bot.answering.index import Index
from bot.answering.understanding import Correction

REAL = {"leather", "地方", "怎么"}
PHRASINGS = [
    "我的快递到哪了",
    "怎么退货",
    "快递几天到",
    "查一下快递",
    "退货流程",
    "申请退货",
    "where is my parcel",
    "weather delays",
    "international shipping",
    "international parcel",
    "how long may a robe take",
]


@pytest.fixture(scope="module")
def corrector() -> Corrector:
    return Corrector.build(PHRASINGS, REAL.__contains__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where is my parcle", "where is my parcel"),
        ("internatonal shiping", "international shipping"),
        ("我的快地到哪了", "我的快递到哪了"),
        ("怎么推货", "怎么退货"),
        ("很快地方", "很快地方"),
        ("夹天", "夹天"),
        ("leather", "leather"),
        ("is my", "is my"),
        ("prcl", "prcl"),
        ("wheere is my paecl", "where is my parcel"),
        ("my robee", "my robe"),
        ("wehter", "wehter"),
        ("internatonl shpping", "international shipping"),
        ("hwo long", "how long"),
        ("mya a robe", "may a robe"),
        ("x1234y", "x1234y"),
        ("", ""),
    ],
)
def test_correct(corrector: Corrector, text: str, expected: str) -> None:
    assert corrector.correct(text)[0] == expected


@pytest.mark.parametrize("word", ["scraf", "scarfe", "blanke"])
def test_what_is_one_slip_from_another_word_was_that(word: str) -> None:
    """`scam` and `basket` are two slips away, `scarf` and `blanket` one."""
    known = Corrector.build(["is it a scam", "no scam", "my basket", "the basket"], is_english)
    assert known.correct(word) == (word, ())


@pytest.mark.parametrize("word", ["scarf", "candle", "towel", "knife", "lotion", "skirt"])
def test_what_a_shop_sells_is_no_slip(shipped: Index, word: str) -> None:
    text = f"how much is the {word}"
    assert shipped.corrector.correct(text) == (text, ())


def test_what_was_changed_is_told(corrector: Corrector) -> None:
    _, changes = corrector.correct("快地 parcle")
    assert set(changes) == {Correction("快地", "快递"), Correction("parcle", "parcel")}


def test_every_phrasing_stays_as_it_is(corrector: Corrector) -> None:
    assert [corrector.correct(text) for text in PHRASINGS] == [(text, ()) for text in PHRASINGS]
