"""How texts are cut into words, what queries ask, and where what was asked for stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.searching import LONGEST_WORD, MAX_QUERY, read_query, words_of


def test_each_character_of_a_run_begins_a_word() -> None:
    words = words_of("我要退货iPhone 15，謝謝 SF-123 カメラ")
    assert words == [
        "我要", "要退", "退货", "货", "iphone", "15", "谢谢", "谢", "sf", "123", "カメ", "メラ", "ラ",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "phrases"),
    [
        ("退货", [(["退货"], False)]),
        ("退", [(["退"], True)]),
        ("退貨款 The", [(["退货", "货款"], False), (["the"], True)]),
        ("“is the”", [(["is", "the"], False)]),
        ("「退货，订单」", [(["退货", "货", "订单"], False)]),
        ("iPhone手机", [(["iphone", "手机"], False)]),
        ("SF-123", [(["sf", "123"], True)]),
        ("a", [(["a"], False)]),
        ("退货 退货", [(["退货"], False)]),
        ('"退货', [(["退货"], False)]),
        ("' OR 1=1; * NEAR(", [(["or"], True), (["1", "1"], False), (["near"], True)]),
        ("，。!", []),
        ("", []),
    ],
)
def test_what_a_query_asks_for(asked: str, phrases: list[tuple[list[str], bool]]) -> None:
    assert [(one.words, one.is_open) for one in read_query(asked).phrases] == phrases


@pytest.mark.parametrize(
    ("asked", "text", "is_met"),
    [
        ("return", "She returned it", True),
        ('"return"', "She returned it", False),
        ("turn", "She returned it", False),
        ("退貨", "我想退货", True),
        ("退款 手机", "手机能退款吗", True),
        ("退款 手机", "手机坏了", False),
        ("「退货 订单」", "退货，订单呢", True),
        ("「退货 订单」", "退货的订单呢", False),
        ("xe10001", "XE10001 8888", True),
        ("ｘｅ１０００１", "XE10001", True),
        ("x" * (LONGEST_WORD + 5), "x" * 60, True),
        (f'"{"x" * LONGEST_WORD}"', "x" * 60, True),
    ],
)
def test_what_meets_a_query(asked: str, text: str, is_met: bool) -> None:
    assert read_query(asked).meets(text) is is_met


def test_what_was_asked_for_is_marked_in_the_words_as_they_were_written() -> None:
    marked = read_query("退货 iph 元").marked("我想退貨，ＩＰhone 退货要５元吗")
    assert [piece for piece, is_found in marked if is_found] == ["退貨", "ＩＰh", "退货", "元"]
    assert "".join(piece for piece, _ in marked) == "我想退貨，ＩＰhone 退货要５元吗"


def test_what_overlaps_is_marked_once() -> None:
    assert read_query("退货 货款").marked("退货款") == [("退货", True), ("款", True)]


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=MAX_QUERY + 20))
def test_any_text_and_any_query_are_read(text: str, asked: str) -> None:
    query = read_query(asked)
    assert "".join(piece for piece, _ in query.marked(text)) == text
    assert all(word and "'" not in word and '"' not in word for word in words_of(text + asked))


@settings(deadline=None)
@given(st.text(alphabet="退货款订单ab1 ，", min_size=2, max_size=30), st.data())
def test_any_two_characters_are_found_by_the_index_where_they_stand(
    text: str, data: st.DataObject
) -> None:
    words = words_of(text)
    runs = [run for run in text.replace("，", " ").split() if len(run) > 1]
    if not runs:
        return
    run = data.draw(st.sampled_from(runs))
    query = read_query(run)
    assert query.meets(text)
    for phrase in query.phrases:
        asked = phrase.words
        assert any(
            words[at : at + len(asked) - 1] == asked[:-1]
            and words[at + len(asked) - 1 : at + len(asked)]
            and (
                words[at + len(asked) - 1].startswith(asked[-1])
                if phrase.is_open
                else words[at + len(asked) - 1] == asked[-1]
            )
            for at in range(len(words))
        )
