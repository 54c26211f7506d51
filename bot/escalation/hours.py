"""When a team works, and how much of its working time lies between two moments.

Hours are what the clocks on the team's wall show: where summer time skips an hour, nobody works in
it, and where an hour comes twice, both are worked.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.core.spans import Day, DayPart, joined, without

HORIZON = timedelta(days=800)
"""How far ahead is looked for working time; a team that has none in so long has none at all."""
Interval = tuple[datetime, datetime]
"""From a moment until before another, in UTC."""
_UTC_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SECOND = timedelta(seconds=1)


class PublicDays(Protocol):
    """What is known of a country's calendar."""

    def is_holiday(self, day: date) -> bool:
        """Whether the country rests on `day`."""

    def is_moved(self, day: date) -> bool:
        """Whether `day` is of a weekend and is worked in a holiday's stead (调休)."""


class Nowhere:
    """No country: no holidays."""

    def is_holiday(self, day: date) -> bool:
        """Never."""
        return False

    def is_moved(self, day: date) -> bool:
        """Never."""
        return False


class Hours:
    """The working hours of a team.

    `week` holds the open parts of seven days, Monday's first. On a holiday nobody works; a weekend
    day that is worked in its stead has its own hours or, where it has none, those of the first day
    of the week that has any. A closing takes its part away, and an opening wins over all else.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        week: tuple[Day, ...],
        public: PublicDays | None = None,
        closings: tuple[DayPart, ...] = (),
        openings: tuple[DayPart, ...] = (),
    ) -> None:
        self.zone = zone
        self.week = week
        self._public = public or Nowhere()
        self._closings = closings
        self._openings = openings
        self._worked = lru_cache(maxsize=2048)(self._worked_on)

    def on(self, day: date) -> Day:
        """The open parts of a day of the calendar."""
        open_parts = self._usual(day)
        for closing in self._closings:
            if closing.day == day:
                open_parts = without(open_parts, closing.span)
        return joined((*open_parts, *(one.span for one in self._openings if one.day == day)))

    def is_open(self, at: datetime) -> bool:
        """Whether somebody works at `at`."""
        return self.next_opening(at) == at

    def next_opening(self, at: datetime) -> datetime | None:
        """The first moment from `at` on at which somebody works, in UTC; `at` itself while open.

        None when there is none within `HORIZON`.
        """
        start = at.astimezone(UTC)
        return next((max(begin, start) for begin, _ in self._from(start)), None)

    def next_closing(self, at: datetime) -> datetime | None:
        """The first moment from `at` on at which nobody works, in UTC; None when there is none
        within a week."""
        start = end = at.astimezone(UTC)
        for begin, last in self._from(start):
            if begin > end or end - start > _WEEK:
                break
            end = last
        return None if end - start > _WEEK else end

    def exception(self, day: date) -> str:
        """Why the day's hours are not its weekday's: `opening`, `closing`, `holiday` or `moved`;
        empty for a usual day."""
        if any(one.day == day for one in self._openings):
            return "opening"
        if any(one.day == day for one in self._closings):
            return "closing"
        if self._public.is_holiday(day):
            return "holiday"
        return "moved" if self._public.is_moved(day) else ""

    def closed_since(self, at: datetime) -> datetime | None:
        """When the last working time before `at` ended; None while open, or when there was none."""
        if self.is_open(at):
            return None
        start = at.astimezone(UTC)
        for back in range(HORIZON.days):
            ended = [end for _, end in self._worked(start.date() - back * _UTC_DAY) if end <= start]
            if ended:
                return ended[-1]
        return None

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` until `end`; none when `end` is not later."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        days = range((end.date() - start.date()).days + 1)
        worked = (one for day in days for one in self._worked(start.date() + day * _UTC_DAY))
        parts = (min(last, end) - max(first, start) for first, last in worked)
        return sum((part for part in parts if part > timedelta(0)), timedelta(0))

    def add_working_time(self, start: datetime, minutes: float) -> datetime | None:
        """The first moment, in UTC, by which `minutes` of working time have passed since `start`.

        None when there is not as much within `HORIZON`.
        """
        left, at = timedelta(minutes=minutes), start.astimezone(UTC)
        if left <= timedelta(0):
            return at
        for begin, end in self._from(at):
            begin = max(begin, at)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def _usual(self, day: date) -> Day:
        """The parts of a day before closings and openings."""
        usual = self.week[day.weekday()]
        if self._public.is_holiday(day):
            return ()
        if not usual and self._public.is_moved(day):
            return next((one for one in self.week if one), ())
        return usual

    def _from(self, start: datetime) -> Iterator[Interval]:
        """The intervals of working time that end after `start`, in order."""
        for day in range(HORIZON.days):
            for begin, end in self._worked(start.date() + day * _UTC_DAY):
                if end > start:
                    yield begin, end

    def _worked_on(self, utc_day: date) -> tuple[Interval, ...]:
        """The working time within a day of UTC, in order: local days may overlap, these do not."""
        begin = datetime(utc_day.year, utc_day.month, utc_day.day, tzinfo=UTC)
        return tuple(
            interval
            for first, last in steady(begin, begin + _UTC_DAY, self.zone)
            for interval in self._worked_in(first, last)
        )

    def _worked_in(self, first: datetime, last: datetime) -> Iterator[Interval]:
        """The working time within an interval through which the clocks run evenly."""
        offset = _offset(first, self.zone)
        from_clock, to_clock = _clock(first, offset), _clock(last, offset)
        day = from_clock.date()
        while day <= to_clock.date():
            for span in self.on(day):
                begin = max(_at(day, span.start), from_clock)
                end = min(_at(day, span.end), to_clock)
                if begin < end:
                    yield _moment(begin, offset), _moment(end, offset)
            day += timedelta(days=1)


def steady(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Interval]:
    """The interval in parts, in each of which the zone's clocks are not moved."""
    offset = _offset(begin, zone)
    if _offset(end - _SECOND, zone) == offset:
        yield begin, end
        return
    low, high = begin, end - _SECOND  # at `low` the clocks are not moved yet, at `high` they are
    while high - low > _SECOND:
        middle = low + ((high - low) // 2 // _SECOND) * _SECOND
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    yield begin, high
    yield from steady(high, end, zone)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _clock(at: datetime, offset: timedelta) -> datetime:
    """What a clock shows, without a time zone."""
    return at.replace(tzinfo=None) + offset


def _moment(clock: datetime, offset: timedelta) -> datetime:
    return (clock - offset).replace(tzinfo=UTC)


def _at(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
