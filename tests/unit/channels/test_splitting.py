"""A long text is cut where a reader would cut it, and never through a character."""

import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.splitting import LIMIT, split, units, utf8

FAMILY, FLAG = "👨‍👩‍👧‍👦", "🇨🇳"
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [FAMILY, FLAG, "👍🏽", "é", "e\u0301\u0302", "\r\n", "\n\n", " ", "。", ". ", "字"]
        ),
    ),
    max_size=40,
).map("".join)


def graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@given(TEXTS, st.integers(20, 60))
def test_nothing_is_lost_and_nothing_too_long(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(units(piece) <= limit for piece in pieces)
    assert all(piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(TEXTS, st.integers(60, 90))
def test_no_character_is_cut(text: str, limit: int) -> None:
    whole = [one for one in graphemes(text) if not one.isspace()]
    if any(units(one) > limit for one in whole):
        return
    found = [one for piece in split(text, limit) for one in graphemes(piece) if not one.isspace()]
    assert found == whole


def test_utf_16_is_what_counts() -> None:
    assert units("a字😀") == 4
    assert split("😀" * 2048) == ["😀" * 2048]
    assert split("😀" * 2049) == ["😀" * 2048, "😀"]
    assert split("字" * LIMIT) == ["字" * LIMIT]
    assert [units(piece) for piece in split(FAMILY * 400)] == [4092, 308]
    assert [len(piece) for piece in split(FLAG * 1100)] == [2048, 152]


def test_it_cuts_between_paragraphs_then_lines_sentences_and_words() -> None:
    assert split("aaaa\n\nbb bb\ncccc", 12) == ["aaaa\n\nbb bb", "cccc"]
    assert split("aaaaaa\n\nbb bb\ncccc", 12) == ["aaaaaa", "bb bb\ncccc"]
    assert split("第一句。第二句！第三句", 9) == ["第一句。第二句！", "第三句"]
    assert split("one two three", 8) == ["one two", "three"]
    assert split("x" * 10, 4) == ["xxxx", "xxxx", "xx"]


def test_blank_texts_give_nothing() -> None:
    assert split("") == split(" \n\t") == split(" \n" * 5000) == []


@given(TEXTS, st.integers(40, 90))
def test_bytes_may_be_counted_as_well(text: str, limit: int) -> None:
    pieces = split(text, limit, utf8)
    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
