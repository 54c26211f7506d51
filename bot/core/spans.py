"""Parts of days as people write them, `09:00-12:00`: values for working hours, and nothing else."""

import re
from dataclasses import dataclass
from datetime import date

from bot.core.errors import Misread

DAY = 24 * 60
"""Minutes of a day, as clocks show them."""
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From one minute of a day until before another: 0 is midnight, 1440 the next midnight."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{clock(self.start)}-{clock(self.end)}"


WHOLE_DAY = Span(0, DAY)
Day = tuple[Span, ...]
"""The open parts of one day: in order, and not touching each other once they are `joined`."""
ALWAYS: tuple[Day, ...] = ((WHOLE_DAY,),) * 7
"""A week round the clock."""


@dataclass(frozen=True, slots=True, order=True)
class DayPart:
    """A part of one day in the calendar."""

    day: date
    span: Span = WHOLE_DAY

    def __str__(self) -> str:
        return str(self.day) if self.span == WHOLE_DAY else f"{self.day} {self.span}"


def clock(minute: int) -> str:
    """A minute of the day as a clock shows it: 540 is 9:00."""
    return f"{minute // 60}:{minute % 60:02d}"


def read_span(text: str) -> Span:
    """`09:00-12:00` as a value. Raises `Misread`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise Misread(f"{text!r} 应写成 09:00-12:00", f"{text!r} is not a time such as 09:00-12:00")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    span = Span(hour * 60 + minute, end_hour * 60 + end_minute)
    if max(minute, end_minute) > 59 or span.end > DAY:
        raise Misread(f"{text!r} 不是一天中的时间", f"{text!r} is no time of a day")
    if span.start >= span.end:
        raise Misread(
            f"{text!r} 结束早于开始；跨过零点请分成两天写：22:00-24:00 和 00:00-02:00",
            f"{text!r} ends before it begins; past midnight, write 22:00-24:00 and on the next day "
            "00:00-02:00",
        )
    return span


def read_day_part(text: str) -> DayPart:
    """`2026-12-31` or `2026-12-30 14:00-18:00` as a value. Raises `Misread`."""
    day, _, span = text.strip().partition(" ")
    try:
        when = date.fromisoformat(day)
    except ValueError as error:
        raise Misread(
            f"{day!r} 应写成 2026-12-31 这样的日期", f"{day!r} is no date such as 2026-12-31"
        ) from error
    return DayPart(when, read_span(span) if span else WHOLE_DAY)


def joined(spans: Day) -> Day:
    """The same minutes in order, each once."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(span.end, found[-1].end))
        else:
            found.append(span)
    return tuple(found)


def without(spans: Day, gap: Span) -> Day:
    """The minutes of `spans` that are not in `gap`."""
    pieces = [
        piece
        for span in spans
        for piece in (
            Span(span.start, min(span.end, gap.start)),
            Span(max(span.start, gap.end), span.end),
        )
    ]
    return tuple(piece for piece in pieces if piece.start < piece.end)
