"""A simulated year of care: no rule is broken, and no news that was due is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select

from bot.care.coupons import Wish
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareRefusal
from tests.integration.care import checker
from tests.integration.care.world import ACCOUNTS, BEGIN, ENABLED, Year
from tests.support.care import caring

CUSTOMERS = 24


class Plenty:
    """A shop that never runs out of coupons."""

    def offer(self, session: Session, wishes: Sequence[Wish], at: Any) -> Mapping[int, Any]:
        coupon = SimpleNamespace(code="HB", value="20", expires_at=None)
        return dict.fromkeys((one.care_id for one in wishes), coupon)

    def give(self, session: Session, given: Sequence[tuple[Wish, Any]], at: Any) -> None:
        """There are more."""


def lived(db: Database, voice: Voice, customers: int, seed: int) -> tuple[Year, list[checker.Told]]:
    house = caring(db, voice, ACCOUNTS, quiet_hours="21:30-08:30", enabled=ENABLED)
    house.planner.coupons = Plenty()
    with time_machine.travel(BEGIN, tick=False) as clock:
        year = Year(db, house, Random(seed), clock)
        year.run(customers)
        return year, db.run(checker.told, year)


def look_over(year: Year, messages: list[checker.Told]) -> None:
    assert list(checker.violations(year, messages)) == []
    assert list(checker.missing(year, messages)) == []


def test_a_year(sqlite_db: Database, voice: Voice) -> None:
    year, messages = lived(sqlite_db, voice, CUSTOMERS, 7)
    look_over(year, messages)
    purposes = Counter(one.purpose for one in year.sent)
    assert purposes["transactional"] > 60
    assert purposes["marketing"] > 15
    assert {"", "T"} == {one.route for one in year.sent}
    reasons = set(sqlite_db.run(lambda s: s.exec(select(CareRefusal.reason)).all()))
    assert {"quiet hours", "no consent", "window", "overtaken", "cap"} <= reasons


@pytest.mark.soak
def test_a_year_of_a_big_shop(sqlite_db: Database, voice: Voice) -> None:
    look_over(*lived(sqlite_db, voice, 10_000, 8))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_other_years(db: Database, voice: Voice, seed: int) -> None:
    look_over(*lived(db, voice, 150, seed))
