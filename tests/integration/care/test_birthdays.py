"""Birthdays: listed by month without years, and noted for agents once."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import time_machine
from sqlmodel import Session, select

from bot.care import birthdays
from bot.core.clock import now
from storage.db import Database
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.orders import Order
from storage.models.profiles import CustomerProfile
from storage.models.remarks import FollowUp
from tests.support.world import chat

ZONE = ZoneInfo("Asia/Shanghai")


def born(session: Session, name: str, day: date, *, linked: bool = True) -> Identity:
    identity = chat(session, name)
    customer = identity.customer(session)
    assert customer.id is not None
    customer.name, identity.linked_at = name, now() if linked else None
    session.add(CustomerProfile(customer_id=customer.id, birthday=day, tags=["vip"], told_at=now()))
    session.add(Order(number=f"N-{name}", customer_id=customer.id))
    session.add(Conversation(identity_id=identity.id or 0))
    return identity


@time_machine.travel(datetime(2027, 1, 20, tzinfo=UTC), tick=False)
def test_next_months_birthdays_are_listed_and_noted_once(db: Database) -> None:
    def fill(session: Session) -> None:
        born(session, "leap", date(1996, 2, 29))
        born(session, "first", date(1990, 2, 1))
        born(session, "march", date(1990, 3, 1))
        born(session, "stranger", date(1990, 2, 2), linked=False)
        born(session, "blocked", date(1990, 2, 3)).customer(session).blocked = True

    db.run(fill)
    month = birthdays.next_month(ZONE)
    found = db.run(birthdays.listed, month)
    assert (month, birthdays.rows(found)) == (
        2,
        [
            ["02-01", "first", "vip", "1", "web"],
            ["02-02", "stranger", "vip", "1", ""],
            ["02-29", "leap", "vip", "1", "web"],
        ],
    )
    assert db.run(birthdays.remind, None, found, ZONE) == 2
    assert db.run(birthdays.remind, None, found, ZONE) == 0
    due = db.run(lambda s: sorted(one.due_at for one in s.exec(select(FollowUp))))
    # a week before, and 29 February is the 28th in 2027
    assert [one.isoformat()[:16] for one in due] == ["2027-01-25T02:00", "2027-02-21T02:00"]


@time_machine.travel(datetime(2026, 12, 31, 20, tzinfo=UTC))
def test_the_next_month_is_that_of_the_shops_clock() -> None:
    assert birthdays.next_month(ZONE) == 2  # it is January there already
