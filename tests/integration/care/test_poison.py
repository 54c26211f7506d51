"""One message that cannot be decided does not keep others from theirs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from bot.care import planner
from bot.care.calendar import STEP, Calendar
from bot.care.guard import Case, Rules, Verdict, judge
from bot.care.house import House
from bot.core.clock import now
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareState
from storage.models.customers import Customer
from tests.integration.care.test_planner import NOON, cares, customer, wanted
from tests.support.care import caring


@pytest.fixture
def house(db: Database, voice: Voice) -> Iterator[House]:
    with time_machine.travel(NOON, tick=False):
        yield caring(db, voice, marketing="opt_out", enabled=["festival_dragon_boat"])


def test_what_fails_is_put_off_alone(
    db: Database, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [db.run(customer, f"c{number}") for number in range(5)]
    for number in ids:
        db.run(wanted, number)
    poisoned = cares(db)[2].valid_until + timedelta(seconds=1)
    db.run(wanted, ids[2], subject="poison", valid_until=poisoned)

    def failing(case: Case, rules: Rules, at: object) -> Verdict:
        if case.valid_until == poisoned:
            raise ZeroDivisionError
        return judge(case, rules, at)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "judge", failing)
    house.planner.run(db)
    states = [(one.subject, one.state) for one in cares(db)]
    assert states == [("2026", CareState.WRITTEN)] * 5 + [("poison", CareState.DUE)]
    assert cares(db)[5].due_at == now() + timedelta(hours=1)


def test_a_range_that_cannot_be_planned_keeps_no_other_from_it(
    db: Database, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody turned out to be another while it was planned: their row has gone."""
    db.run(lambda session: session.add(Customer(id=STEP + 1)))
    tried: list[int] = []

    def plan(_self: Calendar, session: object, low: int, *_more: object) -> None:
        tried.append(low)
        wanted(session, 7_000_000) if low == 0 else None  # type: ignore[arg-type]

    monkeypatch.setattr(Calendar, "plan", plan)
    Calendar(house.book, house.planner.rules).run(db)
    assert tried == [0, STEP]
