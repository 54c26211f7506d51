"""Moments as a reader of each language writes them, in the shop's time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta

_DAY = {"zh": ("zh_Hans_CN", "y年M月d日"), "en": ("en_US", "MMM d, y")}
_BIRTHDAY = {"zh": ("zh_Hans_CN", "M月d日"), "en": ("en_US", "d MMMM")}
_MOMENT = {"zh": ("zh_Hans_CN", "M月d日 HH:mm"), "en": ("en_US", "MMM d, HH:mm")}


def day_text(at: datetime, zone: ZoneInfo, language: str) -> str:
    """The day of `at` in `zone`: 2026年3月5日, Mar 5, 2026."""
    locale, pattern = _DAY.get(language, _DAY["en"])
    return str(format_date(at.astimezone(zone), pattern, locale=locale))


def moment_text(at: datetime, zone: ZoneInfo, language: str) -> str:
    """Day and minute of `at` in `zone`: 3月5日 14:30, Mar 5, 14:30."""
    locale, pattern = _MOMENT.get(language, _MOMENT["en"])
    return str(format_datetime(at, pattern, tzinfo=zone, locale=locale))


def birthday_text(day: date, language: str) -> str:
    """A day of the calendar without its year: 3月5日, 5 March."""
    locale, pattern = _BIRTHDAY.get(language, _BIRTHDAY["en"])
    return str(format_date(day, pattern, locale=locale))


def span_text(seconds: int, language: str) -> str:
    """About how long `seconds` are: 2分钟, 2 minutes."""
    locale = _DAY.get(language, _DAY["en"])[0]
    return str(format_timedelta(seconds, threshold=1.5, locale=locale))
