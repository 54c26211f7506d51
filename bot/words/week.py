"""A team's week, and when it comes back, as a reader of each language writes them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from babel.dates import format_date

from bot.core.spans import WHOLE_DAY, Day, clock

_LOCALES = {"zh": "zh_Hans_CN", "en": "en_US"}
_DAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_NEAR = {"zh": ("今天", "明天"), "en": ("today", "tomorrow")}
_SOON = 7
"""Within so many days the name of the day says enough."""


def week_text(week: Sequence[Day], language: str, *, holidays: bool = False) -> str:
    """The hours of a week, Monday's first: 周一至周五 9:00–12:00、13:30–18:00；周六 10:00–16:00.

    With `holidays` it is said that they are free.
    """
    chinese = language == "zh"
    free = "（法定节假日休息）" if chinese else " (not on public holidays)"
    return _week(week, language) + (free if holidays else "")


def _week(week: Sequence[Day], language: str) -> str:
    names = _DAYS.get(language, _DAYS["en"])
    chinese = names is _DAYS["zh"]
    if len(set(week)) == 1 and week[0]:
        hours = hours_text(week[0], language)
        return f"每天 {hours}" if chinese else f"every day {hours}"
    parts = [
        f"{_days([names[number] for number, _ in days], language)} {hours_text(hours, language)}"
        for hours, days in _runs(week)
        if hours
    ]
    return ("；" if chinese else "; ").join(parts)


def back_text(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """The moment `at` as seen from `now`: 明天 9:00, 周一 9:00; tomorrow at 9:00."""
    local = at.astimezone(zone)
    time = clock(local.hour * 60 + local.minute)
    day = day_text(at, now, zone, language)
    if language == "zh":
        return f"{day} {time}"
    if day in _NEAR["en"]:
        return f"{day} at {time}"
    return f"on {day}{',' if ',' in day else ''} at {time}"


def day_text(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """The day of `at` as seen from `now`: 明天, 周一, 3月12日（周四）; Thursday, Mar 12."""
    day = at.astimezone(zone).date()
    days = (day - now.astimezone(zone).date()).days
    if days < 2:
        return _NEAR.get(language, _NEAR["en"])[max(days, 0)]
    if days < _SOON:
        return _DAYS.get(language, _DAYS["en"])[day.weekday()]
    pattern = "M月d日（EEE）" if language == "zh" else "EEEE, MMM d"
    return str(format_date(day, pattern, locale=_LOCALES.get(language, _LOCALES["en"])))


def _runs(week: Sequence[Day]) -> list[tuple[Day, list[tuple[int, Day]]]]:
    """Days in a row with the same hours."""
    runs = groupby(enumerate(week), key=lambda numbered: numbered[1])
    return [(hours, list(days)) for hours, days in runs]


def _days(names: list[str], language: str) -> str:
    if len(names) == 1:
        return names[0]
    if language == "zh":
        return f"{names[0]}{'、' if len(names) == 2 else '至'}{names[-1]}"
    return f"{names[0]} {'and' if len(names) == 2 else 'to'} {names[-1]}"


def hours_text(day: Day, language: str) -> str:
    """The open parts of one day: 9:00–12:00、13:30–18:00."""
    if day == (WHOLE_DAY,):
        return "24 小时" if language == "zh" else "round the clock"
    spans = [f"{clock(span.start)}–{clock(span.end)}" for span in day]
    return ("、" if language == "zh" else ", ").join(spans)
