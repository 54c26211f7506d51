"""On which day of a year a festival is, by the calendars of the library `holidays`."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache

_QIXI = (
    "2024-08-10 2025-08-29 2026-08-19 2027-08-08 2028-08-26 2029-08-16 2030-08-05 2031-08-24 "
    "2032-08-12 2033-08-01 2034-08-20 2035-08-10 2036-08-28 2037-08-17 2038-08-07 2039-08-26 "
    "2040-08-14 2041-08-03 2042-08-22 2043-08-11"
)
"""The seventh day of the seventh lunar month, which is no public holiday anywhere: from the
calendar of the Unicode project (ICU)."""


@lru_cache(maxsize=64)
def _public(country: str, word: str, year: int) -> date | None:
    """The first day of a public holiday whose English name holds `word`; not one moved to it."""
    import holidays  # slow to load, and only needed where a festival is

    language = "en_US" if country != "US" else None
    days = holidays.country_holidays(country, years=year, observed=False, language=language)
    return min((day for day, name in days.items() if word in name), default=None)


def _fixed(month: int, day: int) -> Callable[[int], date | None]:
    return lambda year: date(year, month, day)


def _spring(year: int) -> date | None:
    return _public("CN", "Spring Festival", year)


def _lantern(year: int) -> date | None:
    spring = _spring(year)
    return spring + timedelta(days=14) if spring else None


_DAYS: Mapping[str, Callable[[int], date | None]] = {
    "new_year": _fixed(1, 1),
    "spring_festival": _spring,
    "lantern": _lantern,
    "valentine": _fixed(2, 14),
    "womens_day": _fixed(3, 8),
    "childrens_day": _fixed(6, 1),
    "618": _fixed(6, 18),
    "dragon_boat": lambda year: _public("CN", "Dragon Boat", year),
    "qixi": lambda year: next(
        (date.fromisoformat(one) for one in _QIXI.split() if one.startswith(str(year))), None
    ),
    "mid_autumn": lambda year: _public("CN", "Mid-Autumn", year),
    "national_day": _fixed(10, 1),
    "halloween": _fixed(10, 31),
    "double11": _fixed(11, 11),
    "thanksgiving": lambda year: _public("US", "Thanksgiving", year),
    "double12": _fixed(12, 12),
    "christmas": _fixed(12, 25),
}
NAMES = tuple(_DAYS)
"""The festivals that a journey may be about."""


def day_of(name: str, year: int) -> date | None:
    """The festival's day in a year; None where no calendar here knows it."""
    return _DAYS[name](year)
