"""Whether a birthday is heard in people's own words, and nothing else is taken for one."""

from datetime import date

import pytest

from bot.core.text import normalise
from bot.dialogue.birthday_words import NO_YEAR, birthday

TODAY = date(2026, 2, 28)


@pytest.mark.parametrize(
    ("said", "month", "day"),
    [
        ("我生日是3月8号", 3, 8),
        ("我的生日3月8日", 3, 8),
        ("我生日：1990年12月31日哦", 12, 31),
        ("请记住我是十月二十一号生日", 10, 21),
        ("我三月三十一号过生日，记一下！", 3, 31),
        ("我2月29日出生的", 2, 29),
        ("我九月十号的生日呀", 9, 10),
        ("今天我生日", 2, 28),
        ("明天是我的生日", 3, 1),
        ("我生日就是今天！", 2, 28),
        ("我生日是 1990-05-06", 5, 6),
        ("my birthday is March 8", 3, 8),
        ("hi, my bday is on the 8th of march!", 3, 8),
        ("My birthday’s on Sept. 21st, 1990", 9, 21),
        ("i was born on dec 31", 12, 31),
        ("its my birthday", 2, 28),
        ("it's my birthday tomorrow!", 3, 1),
        ("today is my birthday", 2, 28),
        ("tomorrow's my bday thx", 3, 1),
    ],
)
def test_the_day_is_heard(said: str, month: int, day: int) -> None:
    assert birthday(normalise(said), TODAY) == date(NO_YEAR, month, day)


@pytest.mark.parametrize(
    "said",
    [
        "我女儿生日是3月8号",
        "我生日是2月30号",
        "我生日是13月1号",
        "我的生日礼物到了吗",
        "我生日是农历三月初八",
        "我3月8号下的单",
        "我3月8号要",
        "生日有礼物吗",
        "我生日3月8号能送到吗",
        "今天",
        "今天是周五",
        "明天能到吗",
        "my birthday is soon",
        "my birthday present hasn't come",
        "my mum's birthday is march 8",
        "my birthday is march 8 will it arrive by then",
        "i ordered on march 8",
        "today",
        "it's my",
        "my birthday is on 3/8",
        "我" * 500,
        "",
    ],
)
def test_nothing_else_is_taken_for_it(said: str) -> None:
    assert birthday(normalise(said), TODAY) is None
