"""What counts as a rating, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.messages import Address, Inbound
from bot.feedback.survey import PATIENCE, expects, is_praise, rating_in, rating_of

ASKED = datetime(2026, 3, 5, 12, tzinfo=UTC)
RATINGS = {
    5: [
        "5",
        "５",
        "五",
        "五星",
        "5分",
        "5 stars",
        "★★★★★",
        "好评",
        "非常满意",
        "给5分",
        "5/5",
        "五颗星！",
    ],
    4: [
        "4",
        "四星",
        "四分吧",
        "满意",
        "4 points",
        "I'd give it a 4",
        "我给4分",
        "给你们打4分",
        "4 星",
    ],
    3: ["3", "三", "一般", "3 stars.", "rate it a 3", "3 out of 5", "给个三星", "★★★"],
    2: ["2", "两星", "二星", "不满意", "2分。", " 2 "],
    1: ["1", "一星", "差评", "1 star", "打1分", "★", "one star", "I would give it a 1"],
}
NO_RATINGS = [
    "", "0", "6", "10", "45", "5555", "XE10001", "3天能到吗", "5 days", "怎么退货", "四川", "一件",
    "还行", "★★★★★★", "5 5", "-5", "2.5", "好", "what", "五折", "1号", "三个", "4s", "没有5分",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rating"), [(text, rating) for rating, texts in RATINGS.items() for text in texts]
)
def test_a_rating(text: str, rating: int) -> None:
    assert rating_in(text) == rating


@pytest.mark.parametrize("text", NO_RATINGS)
def test_no_rating(text: str) -> None:
    assert rating_in(text) is None


@given(st.text())
def test_any_text_is_a_rating_from_one_to_five_or_none(text: str) -> None:
    assert rating_in(text) in {None, 1, 2, 3, 4, 5}


@given(st.integers(1, 5), st.sampled_from(["{}分", "{} 星", "{}颗星", " {} stars!", "★{}", "{}"]))
def test_the_digit_decides(stars: int, form: str) -> None:
    text = form.format("★" * (stars - 1) if form.startswith("★") else stars)
    assert rating_in(text) == stars


@given(st.text(), st.one_of(st.text(), st.integers().map("rating:{}".format)))
@example("", "5")
def test_a_button_counts_by_its_value_alone(text: str, choice: str) -> None:
    rating = rating_of(text, choice)
    assert rating == (int(choice[-1]) if choice in {f"rating:{n}" for n in range(1, 6)} else None)


def prompt(step: str) -> dict[str, str]:
    return {"skill": "survey", "step": step, "asked_at": ASKED.isoformat()}


def inbound(text: str, after: timedelta = timedelta(minutes=1), **more: str) -> Inbound:
    return Inbound(Address("web", "main", "ann"), "1", text, at=ASKED + after, **more)


@pytest.mark.parametrize("step", ["rating", "word"])
def test_an_answer_counts_for_a_day(step: str) -> None:
    assert expects(prompt(step), inbound("5", PATIENCE), is_question=False)
    late = inbound("5", PATIENCE + timedelta(microseconds=1))
    assert not expects(prompt(step), late, is_question=False)


@pytest.mark.parametrize(
    ("step", "message", "is_question", "expected"),
    [
        ("rating", inbound("五星"), False, True),
        ("rating", inbound("", choice="rating:2"), False, True),
        ("rating", inbound("你好"), False, False),
        ("rating", inbound("怎么退货"), True, False),
        ("rating", inbound("5", choice="person"), False, False),
        ("word", inbound("小美很耐心"), False, True),
        ("word", inbound("谢谢"), False, True),
        ("word", inbound("怎么退货"), True, False),
        ("word", inbound("", choice="faq:returns"), False, False),
    ],
)
def test_what_answers_the_survey(
    step: str, message: Inbound, is_question: bool, expected: bool
) -> None:
    assert expects(prompt(step), message, is_question=is_question) is expected


@pytest.mark.parametrize(
    ("word", "praise"),
    [
        ("态度很好", True),
        ("客服很耐心，解决得很快", True),
        ("还不错", True),
        ("Very helpful, thanks!", True),
        ("态度很差", False),
        ("态度很好，但是没解决", False),
        ("质量很好吗", False),
        ("好用吗，怎么退货", False),
        ("not helpful", False),
        ("good, but how do I return it", False),
    ],
)
def test_praise_is_a_word_and_no_question(word: str, praise: bool) -> None:
    assert is_praise(word) is praise
    prompt = {"step": "word", "asked_at": ASKED.isoformat()}
    inbound = Inbound(Address("web", "main", "a"), "1", word, None, at=ASKED)
    assert expects(prompt, inbound, is_question=True) is praise
