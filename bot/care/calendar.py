"""Plans what the clock sets off: birthdays, festivals, newcomers, replenishment, long silence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.care import festivals
from bot.care.conditions import fits, subjects
from bot.care.guard import Rules
from bot.care.journeys import Journey
from bot.care.listening import Book, planned_row
from bot.core.clock import now
from bot.core.errors import traced
from storage.db import Database
from storage.models import care as rows
from storage.models import care_calendar as found

STEP = 2000
"""Customers' ids planned for in one transaction."""
AHEAD = timedelta(hours=36)
"""So far ahead of the shop's clock it is planned: it is tomorrow already where others live."""
LASTS = "lasts_days"
"""The attribute of a product that says how many days it lasts."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Occasion:
    """A reason to write to one customer: which, and when it came about."""

    customer_id: int
    subject: str
    moment: datetime
    order: Any = None
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Run as often as one likes: what is planned is not planned again, and what was missed while
    nothing ran is caught up as long as it is of use."""

    book: Book
    rules: Rules

    def run(self, db: Database) -> None:
        """Plan everything for all customers, some thousands at a time."""
        last = db.run(found.last_customer)
        for low in range(0, last, STEP):
            try:
                db.run(self.plan, low, low + STEP, now())
            except IntegrityError as error:  # one of them turned out to be another just now
                log.warning("planned the next time", customers=low, error=traced(error))

    def plan(self, session: Session, low: int, high: int, at: datetime) -> None:
        """Plan everything for customers with ids above `low` up to `high`."""
        for trigger, occasions in _FOUND.items():
            for journey in self.book.on(session, trigger):
                self._plan(
                    session, journey, list(occasions(self, session, journey, low, high, at)), at
                )

    def _plan(
        self, session: Session, journey: Journey, occasions: list[Occasion], at: datetime
    ) -> None:
        known = subjects(session, {one.customer_id for one in occasions}, self.rules.zone)
        planned = []
        for one in occasions:
            customer = known.get(one.customer_id)
            if customer is None or not fits(journey.when, customer, one.order):
                continue
            moment = one.moment.replace(tzinfo=customer.zone) if _is_day(one) else one.moment
            row = planned_row(journey, one.subject, customer, moment, self.book.holdout)
            if row["valid_until"] >= at:
                order_id = one.order.id if one.order is not None else None
                facts = {"sku": one.sku} if one.sku else {}
                planned.append(row | {"order_id": order_id, "facts": facts})
        rows.plan(session, planned)

    def _span(self, journey: Journey, at: datetime, days: int = 0) -> tuple[datetime, datetime]:
        """When what is planned now has come about, `days` before it is told."""
        back = timedelta(days=days) + journey.delay
        return at - back - journey.valid - timedelta(days=1), at - back + AHEAD

    def _days(self, journey: Journey, at: datetime) -> Iterator[date]:
        """The days of the calendar whose occasions are planned now."""
        since, until = self._span(journey, at)
        day, last = (one.astimezone(self.rules.zone).date() for one in (since, until))
        while day <= last:
            yield day
            day += timedelta(days=1)

    def birthdays(
        self, session: Session, journey: Journey, low: int, high: int, at: datetime
    ) -> Iterator[Occasion]:
        """Whose birthday it is; who was born on a leap day has it on February 28 in other years."""
        by_day: dict[tuple[int, int], date] = {}
        for day in self._days(journey, at):
            by_day[day.month, day.day] = day
            if (day.month, day.day) == (2, 28) and not _is_leap(day.year):
                by_day[2, 29] = day
        wanted = {date(2000, month, day) for month, day in by_day}
        for row in found.born_on(session, wanted, low, high):
            day = by_day[row.birthday.month, row.birthday.day]
            yield Occasion(row.customer_id, str(day.year), _midnight(day))

    def festivals(
        self, session: Session, journey: Journey, low: int, high: int, at: datetime
    ) -> Iterator[Occasion]:
        """Everybody who can be written to, on the day."""
        days = set(self._days(journey, at))
        years = {day.year for day in days}
        for day in (festivals.day_of(journey.festival, year) for year in years):
            if day is None or day not in days:
                continue
            subject, everybody = str(day.year), found.with_chats(session, low, high)
            known = rows.known_subjects(session, journey.name, subject, everybody)
            for customer_id in everybody:
                if customer_id not in known:
                    yield Occasion(customer_id, subject, _midnight(day))

    def newcomers(
        self, session: Session, journey: Journey, low: int, high: int, at: datetime
    ) -> Iterator[Occasion]:
        """Who was met for the first time."""
        for row in found.first_met(session, *self._span(journey, at), low, high):
            yield Occasion(row.customer_id, "once", row.at)

    def silences(
        self, session: Session, journey: Journey, low: int, high: int, at: datetime
    ) -> Iterator[Occasion]:
        """Of whom nothing was heard for the journey's days; told once for each such silence."""
        days = journey.days or 0
        since, until = self._span(journey, at, days)
        for row in found.last_heard(
            session, since, min(until, at - timedelta(days=days)), low, high
        ):
            moment = row.at + timedelta(days=days)
            yield Occasion(row.customer_id, f"since:{row.at.date()}", moment)

    def replenishments(
        self, session: Session, journey: Journey, low: int, high: int, at: datetime
    ) -> Iterator[Occasion]:
        """Whose things are used up: by the product's own word, else by the journey's days for the
        things that it is about."""
        lasts = _days_by_sku(found.lasting(session, LASTS))
        days = set(lasts.values()) | (
            {journey.days} if journey.days and journey.when.items else set()
        )
        if not days:
            return
        spans = [self._span(journey, at, one) for one in sorted(days)]
        for order in found.bought_between(session, spans, low, high):
            placed = order.placed_at or order.created_at
            soonest = _soonest(order.items or [], lasts, journey)
            if soonest is not None:
                moment = placed + timedelta(days=soonest[0])
                yield Occasion(order.customer_id, f"order:{order.id}", moment, order, soonest[1])


Occasions = Callable[[Calendar, Session, Journey, int, int, datetime], Iterable[Occasion]]
_FOUND: Mapping[str, Occasions] = {
    "birthday": Calendar.birthdays,
    "festival": Calendar.festivals,
    "newcomer": Calendar.newcomers,
    "silence": Calendar.silences,
    "replenishment": Calendar.replenishments,
}
"""Who finds the occasions of each trigger."""


def _midnight(day: date) -> datetime:
    """The day's beginning by whatever clock the customer has: it has no time zone yet."""
    return datetime(day.year, day.month, day.day)


def _is_day(occasion: Occasion) -> bool:
    return occasion.moment.tzinfo is None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_by_sku(said: Mapping[str, Any]) -> dict[str, int]:
    """What products say about how long they last, where that is a sensible number."""
    numbers = {sku: str(value).strip() for sku, value in said.items()}
    return {sku: int(one) for sku, one in numbers.items() if one.isdigit() and 0 < int(one) <= 3650}


def _soonest(
    items: Iterable[Mapping[str, Any]], lasts: Mapping[str, int], journey: Journey
) -> tuple[int, str] | None:
    """After how many days the first thing of an order is used up, and its article number."""
    found_days = []
    for item in items:
        sku = str(item.get("sku") or "")
        days = lasts.get(sku) or (journey.days if journey.when.items else None)
        if days:
            found_days.append((days, sku))
    return min(found_days, default=None)
