"""Hears on which day somebody was born, when they say so and little else."""

import re
from datetime import date, timedelta

NO_YEAR = 1604
"""The year of a birthday whose year is not known, as address books write it; it is a leap year."""
LONGEST = 80
"""A longer message says more than that, in characters."""
_NUMERALS = "一二三四五六七八九"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NEAR = {
    "昨天": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2,
    "yesterday": -1, "today": 0, "tomorrow": 1,
}  # fmt: skip

_HAN_NUMBER = rf"(?:\d{{1,2}}|二?十[{_NUMERALS}]?|三十一?|[{_NUMERALS}])"
_NOTE = r"(?:帮我|麻烦|请)*(?:记一下|记下|记住|记得)?[,，:： ]*"
_SIGHS = r"[哦噢啦呀啊呢的!！。.~ ]*"
_END = rf"{_SIGHS}[, ]*{_NOTE}{_SIGHS}"
_HAN = re.compile(
    rf"{_NOTE}(?:我|本人|俺)的?(?:生日)?(?:就?[是在]|为|[:： ])*(?:阳历|公历|新历)?(?:\d{{4}}年)?"
    rf"({_HAN_NUMBER})月({_HAN_NUMBER})[日号]?(?:出生|的?生日|的?生|过生日)?{_END}"
)
_HAN_NEAR = re.compile(
    rf"(?:我的?生日就?[是在]?)?(?:就?是)?({'|'.join(one for one in _NEAR if not one.isascii())})"
    rf"(?:就?是|过)*我?的?(?:过?生日)?{_SIGHS}"
)

_BDAY = r"my (?:birthday|bday|b-day|birth day)(?:'?s| is)?(?: on)? ?"
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?:the )?(\d{1,2})(?:st|nd|rd|th)?"
_HELLO = r"(?:hi|hey|hello|pls|please|so|btw|by the way|remember|note|that|[,. ])*"
_BYE = r"(?:[!., ]|please|pls|btw|by the way|thanks|thx)*"
_LATIN = re.compile(
    rf"{_HELLO}(?:{_BDAY}|i was born(?: on)? )"
    rf"(?:{_MONTH} {_DAY}|{_DAY}(?: of)? {_MONTH})(?:,? \d{{4}})?{_BYE}"
)
_LATIN_NEAR = re.compile(
    rf"{_HELLO}(?:{_BDAY}(today|tomorrow)|(?:it'?s|(today|tomorrow|yesterday)(?:'?s| is| was)) "
    rf"{_BDAY}(today|tomorrow)?){_BYE}"
)
_ISO = re.compile(rf"(?:我的?生日[是:： ]*|{_BDAY})\d{{4}}[-/.](\d{{1,2}})[-/.](\d{{1,2}})[!。. ]*")


def birthday(normalised: str, today: date) -> date | None:
    """The day, in the year `NO_YEAR`, of a normalised message that tells it; None where it tells
    something else, somebody else's, or a day that there is not.

    `today` is the day where the customer is, or the shop.
    """
    plain = normalised.replace("’", "'")
    if len(plain) > LONGEST:
        return None
    if found := _HAN.fullmatch(plain):
        return _day(_number(found[1]), _number(found[2])) if "生" in plain else None
    if found := _ISO.fullmatch(plain):
        return _day(int(found[1]), int(found[2]))
    if found := _LATIN.fullmatch(plain):
        month, day = (found[1], found[2]) if found[1] else (found[4], found[3])
        return _day(_MONTHS.index(month) + 1, int(day))
    near = _HAN_NEAR.fullmatch(plain) if "我" in plain and "生日" in plain else None
    near = near or _LATIN_NEAR.fullmatch(plain)
    if near is None:
        return None
    said = next(filter(None, near.groups()), "today")
    at = today + timedelta(days=_NEAR[said])
    return _day(at.month, at.day)


def _number(said: str) -> int:
    if said.isdecimal():
        return int(said)
    tens, _, ones = said.rpartition("十")
    if "十" not in said:
        return _NUMERALS.index(said) + 1
    count = _NUMERALS.index(tens) + 1 if tens else 1
    return 10 * count + (_NUMERALS.index(ones) + 1 if ones else 0)


def _day(month: int, day: int) -> date | None:
    try:
        return date(NO_YEAR, month, day)
    except ValueError:
        return None
