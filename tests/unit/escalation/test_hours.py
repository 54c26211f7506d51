"""Working time agrees with counting the minutes one by one, whatever the clocks do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bot.core.spans import ALWAYS, DAY, DayPart, Span, read_day_part, read_span
from bot.escalation.hours import Hours
from bot.escalation.public_days import Country

MINUTE = timedelta(minutes=1)
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MOVED_CLOCKS = {
    "Asia/Shanghai": datetime(2026, 2, 13, 10, tzinfo=UTC),  # its clocks stay, its holidays move
    "Europe/Berlin": datetime(2026, 3, 29, 1, tzinfo=UTC),  # 2:00 becomes 3:00
    "Europe/London": datetime(2026, 10, 25, 1, tzinfo=UTC),  # 2:00 becomes 1:00
    "America/New_York": datetime(2026, 11, 1, 6, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),  # half an hour
    "America/Santiago": datetime(2026, 9, 6, 4, tzinfo=UTC),  # midnight is skipped
    "America/St_Johns": datetime(2010, 11, 7, 2, 31, tzinfo=UTC),  # 0:01 becomes 23:01 of yesterday
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),  # a whole day is skipped
    "Asia/Kathmandu": datetime(2026, 1, 1, tzinfo=UTC),  # 5:45 ahead
}


@dataclass(frozen=True)
class Invented:
    """A country whose calendar is three days long."""

    holidays: frozenset[date] = frozenset()
    moved: frozenset[date] = frozenset()

    def is_holiday(self, day: date) -> bool:
        return day in self.holidays

    def is_moved(self, day: date) -> bool:
        return day in self.moved


@dataclass(frozen=True)
class Case:
    """Somebody's hours, written down apart from `Hours`, and where to look at them."""

    zone: str
    week: tuple[tuple[Span, ...], ...]
    public: Invented
    closings: tuple[DayPart, ...]
    openings: tuple[DayPart, ...]
    start: datetime

    @property
    def hours(self) -> Hours:
        return Hours(ZoneInfo(self.zone), self.week, self.public, self.closings, self.openings)

    def works(self, at: datetime) -> bool:
        """Whether somebody works in the minute that begins at `at`: what a clock shows decides."""
        shown = at.astimezone(ZoneInfo(self.zone))
        day, minute = shown.date(), shown.hour * 60 + shown.minute

        def within(spans: Iterator[Span]) -> bool:
            return any(span.start <= minute < span.end for span in spans)

        if within(part.span for part in self.openings if part.day == day):
            return True
        if day in self.public.holidays:
            return False
        if within(part.span for part in self.closings if part.day == day):
            return False
        week = self.week[day.weekday()]
        if not week and day in self.public.moved:
            week = next((one for one in self.week if one), ())
        return within(iter(week))

    def minutes(self, start: datetime, end: datetime) -> int:
        """The working minutes, one by one."""
        count = int((end - start) / MINUTE)
        return sum(self.works(start + minute * MINUTE) for minute in range(count))


def spans() -> st.SearchStrategy[Span]:
    ends = st.lists(st.integers(0, DAY // 5), min_size=2, max_size=2, unique=True)
    return ends.map(lambda two: Span(min(two) * 5, max(two) * 5))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(sorted(MOVED_CLOCKS)))
    start = MOVED_CLOCKS[zone] + draw(st.integers(-2 * DAY, DAY)) * MINUTE
    near = st.integers(-1, 5).map(lambda days: start.date() + timedelta(days=days))
    days = st.frozensets(near, max_size=2)
    parts = st.lists(st.builds(DayPart, near, spans()), max_size=2).map(tuple)
    day = st.lists(spans(), max_size=3).map(tuple)
    week = draw(st.tuples(*[day] * 7))
    public = Invented(draw(days), draw(days))
    return Case(zone, week, public, draw(parts), draw(parts), start)


TRIES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)


@TRIES
@given(cases(), st.integers(0, 3 * DAY))
def test_working_time_is_the_sum_of_the_minutes(case: Case, length: int) -> None:
    end = case.start + length * MINUTE
    expected = case.minutes(case.start, end) * MINUTE
    assert case.hours.working_time_between(case.start, end) == expected
    assert case.hours.working_time_between(end, case.start) == timedelta(0)


@TRIES
@given(cases(), st.integers(1, 3 * DAY))
def test_time_is_added_minute_by_minute(case: Case, minutes: int) -> None:
    at, left = case.start, minutes
    limit = case.start + 3 * timedelta(days=1)
    while left and at < limit:
        left -= case.works(at)
        at += MINUTE
    assume(not left)
    assert case.hours.add_working_time(case.start, minutes) == at


@TRIES
@given(cases())
def test_the_next_opening_is_the_first_minute_that_is_worked(case: Case) -> None:
    ahead = (case.start + minute * MINUTE for minute in range(3 * DAY))
    expected = next((at for at in ahead if case.works(at)), None)
    assume(expected is not None)
    assert case.hours.next_opening(case.start) == expected
    assert case.hours.is_open(case.start) == case.works(case.start)


@TRIES
@given(cases())
def test_what_closed_did_so_after_the_last_minute_that_was_worked(case: Case) -> None:
    before = (case.start - minute * MINUTE for minute in range(1, 3 * DAY))
    last = next((at for at in before if case.works(at)), None)
    assume(last is not None)
    expected = None if case.works(case.start) else last + MINUTE
    assert case.hours.closed_since(case.start) == expected


@TRIES
@given(
    cases(),
    st.timedeltas(timedelta(0), timedelta(days=20)),
    st.timedeltas(timedelta(0), timedelta(days=20)),
)
def test_working_time_adds_up_at_any_second(
    case: Case, first: timedelta, second: timedelta
) -> None:
    hours, start = case.hours, case.start
    middle, end = start + first, start + first + second
    one, other = hours.working_time_between(start, middle), hours.working_time_between(middle, end)
    assert one + other == hours.working_time_between(start, end)


@TRIES
@given(cases(), st.timedeltas(timedelta(0), timedelta(days=20)))
@example(
    Case("Europe/Berlin", ALWAYS, Invented(), (), (), MOVED_CLOCKS["Europe/Berlin"]),
    timedelta(minutes=90),
)
def test_adding_and_measuring_undo_each_other(case: Case, length: timedelta) -> None:
    """Where `end` is after closing time, the work was done by closing time."""
    hours, start, end = case.hours, case.start, case.start + length
    measured = hours.working_time_between(start, end)
    assume(measured)
    done = hours.add_working_time(start, measured / MINUTE)
    assert done is not None
    assert done <= end
    assert hours.working_time_between(start, done) == measured
    assert hours.working_time_between(start, done - timedelta(microseconds=1)) < measured


def test_a_team_that_never_works_has_no_next_opening() -> None:
    hours = Hours(SHANGHAI, ((),) * 7)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    assert hours.next_opening(at) is None
    assert hours.add_working_time(at, 1) is None
    assert hours.add_working_time(at, 0) == at
    assert hours.closed_since(at) is None
    assert not hours.is_open(at)


WORKDAYS = ((read_span("09:00-12:00"), read_span("13:30-18:00")),) * 5 + ((), ())


def at(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_an_hour_that_comes_twice_counts_twice_and_one_that_is_skipped_does_not() -> None:
    hours = Hours(BERLIN, ((Span(60, 240),),) * 7)  # 1:00 to 4:00
    for day, worked in (("2026-03-29", 2), ("2026-06-07", 3), ("2026-10-25", 4)):
        start = at(BERLIN, day)
        end = start + timedelta(days=1)  # by the clock
        assert hours.working_time_between(start, end) == timedelta(hours=worked), day


def test_lunch_does_not_count_and_a_deadline_may_be_the_end_of_the_day() -> None:
    hours = Hours(SHANGHAI, WORKDAYS)
    friday = at(SHANGHAI, "2026-03-06 11:00")
    assert hours.add_working_time(friday, 120) == at(SHANGHAI, "2026-03-06 14:30")
    assert hours.add_working_time(friday, 330) == at(SHANGHAI, "2026-03-06 18:00")
    assert hours.add_working_time(friday, 331) == at(SHANGHAI, "2026-03-09 09:01")
    assert hours.closed_since(at(SHANGHAI, "2026-03-06 18:00")) == at(SHANGHAI, "2026-03-06 18:00")
    assert hours.next_opening(at(SHANGHAI, "2026-03-06 18:00")) == at(SHANGHAI, "2026-03-09 09:00")


def test_chinese_holidays_are_closed_and_their_weekend_days_are_worked() -> None:
    hours = Hours(SHANGHAI, WORKDAYS, Country("CN"))
    # 国务院办公厅关于2026年部分节假日安排的通知: 10 October is worked, 1 to 7 October are free.
    assert hours.on(date(2026, 10, 10)) == WORKDAYS[0]
    assert hours.on(date(2026, 10, 17)) == ()
    assert [hours.on(date(2026, 10, day)) for day in range(1, 8)] == [()] * 7
    assert hours.next_opening(at(SHANGHAI, "2026-09-30 18:00")) == at(SHANGHAI, "2026-10-08 09:00")
    assert hours.next_opening(at(SHANGHAI, "2026-02-13 18:00")) == at(SHANGHAI, "2026-02-14 09:00")


def test_a_weekend_in_the_midst_of_a_holiday_is_free_even_where_weekends_are_worked() -> None:
    daily = Hours(SHANGHAI, (WORKDAYS[0],) * 7, Country("CN"))
    assert daily.on(date(2026, 10, 4)) == ()
    assert daily.on(date(2026, 10, 10)) == daily.on(date(2026, 10, 11)) == WORKDAYS[0]
    german = Hours(BERLIN, (WORKDAYS[0],) * 7, Country("DE-BY"))
    assert german.on(date(2026, 4, 3)) == german.on(date(2026, 4, 6)) == ()
    assert german.on(date(2026, 4, 4)) == WORKDAYS[0]  # the Saturday before Easter is no holiday


def test_an_unpublished_year_has_its_holidays_and_no_moved_days() -> None:
    hours = Hours(SHANGHAI, WORKDAYS, Country("CN"))
    assert hours.on(date(2040, 10, 1)) == ()
    assert all(hours.on(date(2040, 9, 29) + timedelta(days=n)) == () for n in (0, 1))


def test_openings_win_over_holidays_and_closings() -> None:
    extra = (read_day_part("2026-10-01 10:00-16:00"), read_day_part("2026-10-09 17:00-20:00"))
    closed = (read_day_part("2026-10-09"), read_day_part("2026-10-12 14:00-18:00"))
    hours = Hours(SHANGHAI, WORKDAYS, Country("CN"), closed, extra)
    assert hours.on(date(2026, 10, 1)) == (Span(600, 960),)
    assert hours.on(date(2026, 10, 9)) == (Span(1020, 1200),)
    assert hours.on(date(2026, 10, 12)) == (Span(540, 720), Span(810, 840))


@pytest.mark.parametrize(
    "text", ["9-12", "09:00-25:00", "09:60-10:00", "12:00-09:00", "9:00-9:00", ""]
)
def test_what_is_no_time_is_refused_in_both_languages(text: str) -> None:
    with pytest.raises(ValueError, match=" / "):
        read_span(text)


def test_days_and_times_are_written_as_they_are_read() -> None:
    for text in ("2026-12-31", "2026-12-30 14:00-18:00", "2026-12-30 00:00-24:00"):
        assert read_day_part(str(read_day_part(text))) == read_day_part(text)
    with pytest.raises(ValueError, match="2026-12-31"):
        read_day_part("31.12.2026")
