"""Public holidays, and weekend days that are worked in their stead, from the library `holidays`."""

from datetime import date, timedelta
from threading import Lock

WEEKEND = (5, 6)


class Country:
    """The public calendar of a country, such as `CN`, or of a part of one, such as `DE-BY`.

    Weekend days that are worked (调休) are known for the years whose plan had been published when
    the library was released; a library that is updated every year knows the next one. Where a
    year's plan is known, a weekend in the midst of a holiday belongs to it.
    """

    def __init__(self, code: str) -> None:
        import holidays  # slow to load, and only needed where a country is named

        country, _, part = code.partition("-")
        self._days = holidays.country_holidays(country, subdiv=part or None)
        self._lock = Lock()  # the library works years out while it is asked

    def is_holiday(self, day: date) -> bool:
        """Whether the country rests on `day`."""
        with self._lock:
            return day in self._days or self._is_between(day)

    def is_moved(self, day: date) -> bool:
        """Whether `day` is of a weekend and is worked in a holiday's stead."""
        with self._lock:
            return day not in self._days and day in self._days.weekend_workdays

    def _is_between(self, day: date) -> bool:
        """Whether `day` is of a weekend between two days of a holiday that was moved together."""
        moved = self._days.weekend_workdays
        if day.weekday() not in WEEKEND or day in moved:
            return False
        if not any(one.year == day.year for one in moved):
            return False
        return self._next(day, -1) in self._days and self._next(day, 1) in self._days

    def _next(self, day: date, step: int) -> date:
        """The nearest day in one direction that is no weekend, or is a holiday itself."""
        day += timedelta(days=step)
        while day.weekday() in WEEKEND and day not in self._days:
            day += timedelta(days=step)
        return day
