"""Hours and homecomings as customers read them, and what of their messages wants an answer."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.app import told_shop
from bot.config import validate
from bot.core.spans import ALWAYS, Day, read_span
from bot.core.text import normalise
from bot.dialogue.nods import needs_no_answer
from bot.words.week import back_text, week_text

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY: Day = (read_span("09:00-12:00"), read_span("13:30-18:00"))
SHORT: Day = (read_span("10:00-16:00"),)


@pytest.mark.parametrize(
    ("week", "zh", "en"),
    [
        (
            (DAY,) * 5 + (SHORT, ()),
            "周一至周五 9:00–12:00、13:30–18:00；周六 10:00–16:00",
            "Monday to Friday 9:00–12:00, 13:30–18:00; Saturday 10:00–16:00",
        ),
        ((SHORT,) * 7, "每天 10:00–16:00", "every day 10:00–16:00"),
        ((SHORT, SHORT, (), SHORT, (), (), ()), "周一、周二 10:00–16:00；周四 10:00–16:00",
         "Monday and Tuesday 10:00–16:00; Thursday 10:00–16:00"),
        (ALWAYS, "每天 24 小时", "every day round the clock"),
    ],
)  # fmt: skip
def test_a_week_is_told_in_runs_of_days(week: tuple[Day, ...], zh: str, en: str) -> None:
    assert (week_text(week, "zh"), week_text(week, "en")) == (zh, en)
    assert week_text(week, "zh", holidays=True) == f"{zh}（法定节假日休息）"


@pytest.mark.parametrize(
    ("at", "zh", "en"),
    [
        ("2026-03-06 13:30", "今天 13:30", "today at 13:30"),
        ("2026-03-07 09:00", "明天 9:00", "tomorrow at 9:00"),
        ("2026-03-09 09:00", "周一 9:00", "on Monday at 9:00"),
        ("2026-03-12 09:05", "周四 9:05", "on Thursday at 9:05"),
        ("2026-03-13 09:00", "3月13日（周五） 9:00", "on Friday, Mar 13, at 9:00"),
    ],
)
def test_a_homecoming_is_named_as_people_do(at: str, zh: str, en: str) -> None:
    friday = datetime(2026, 3, 6, 12, 10, tzinfo=SHANGHAI)
    back = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert back_text(back, friday, SHANGHAI, "zh") == zh
    assert back_text(back, friday, SHANGHAI, "en") == en


@pytest.mark.parametrize(
    "text",
    [
        "谢谢！",
        "好的谢谢",
        "多谢你",
        "辛苦了～",
        "拜拜",
        "OK thanks!",
        "thank you so much",
        "👍",
        "嗯嗯",
    ],
)
def test_thanks_want_no_answer(text: str) -> None:
    assert needs_no_answer(normalise(text))


@pytest.mark.parametrize(
    "text",
    ["", "谢谢，那什么时候发货", "thanks, and the blue one?", "在吗", "88折还有吗", "再见到货"],
)
def test_questions_want_one(text: str) -> None:
    assert not needs_no_answer(normalise(text))


def test_answers_tell_the_hours_that_are_set() -> None:
    def told(*teams: object) -> object:
        shop = {"name": "A", "agent_hours": "as written"}
        return told_shop(validate({"shop": shop, "teams": teams})).values("zh")["agent_hours"]

    assert told() == "as written"
    assert told({"name": "t", "first_response_minutes": 5}) == "as written"
    assert told({"name": "t", "mon": ["9:00-12:00"]}) == "周一 9:00–12:00"
    free = {"name": "t", "mon": ["9:00-12:00"], "holidays": "CN"}
    assert told(free) == "周一 9:00–12:00（法定节假日休息）"
