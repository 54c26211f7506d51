"""Texts that a customer would call the same become the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text import LIMIT, is_traditional, language, normalise, to_traditional


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Where\tIS\n my   parcel ", "where is my parcel"),
        ("ＨＥＬＬＯ１２３", "hello123"),
        ("退\u200b貨\ufeff運費", "退货运费"),
        ("a\x00b\x07c", "abc"),
        ("\u202etxet", "txet"),
        ("❤\ufe0f", "❤"),
        ("", ""),
        ("\u200b \u2060", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_length_is_bounded_even_when_one_character_expands() -> None:
    assert len(normalise("\ufdfa" * 5000)) <= LIMIT


@given(st.text(max_size=80))
def test_normalising_twice_changes_no_length_bound_and_no_space(text: str) -> None:
    once = normalise(text)
    assert once == " ".join(once.split())
    assert len(once) <= LIMIT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("怎么退货", "zh"),
        ("how do i return this", "en"),
        ("iPhone Pro Max 有货吗", "zh"),
        ("how much is 运费", "en"),
        ("¿dónde está?", "en"),
        ("123 !!! 😀", None),
        ("XE10001 8888", None),
        ("我的XE10001到哪了", "zh"),
        ("", None),
    ],
)
def test_language(text: str, expected: str | None) -> None:
    assert language(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("怎麼退貨", True), ("怎么退货", False), ("人工", False), ("hello", False), ("", False)],
)
def test_is_traditional(text: str, expected: bool) -> None:
    assert is_traditional(text) is expected


def test_to_traditional_uses_taiwans_script_and_leaves_latin_alone() -> None:
    assert to_traditional("退货运费 SF Express") == "退貨運費 SF Express"
