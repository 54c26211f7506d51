"""A wish to be told that a product is back is for one message: it is told, or stays a wish."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlmodel import Session, select

from bot.care.house import House
from bot.core.clock import now
from bot.customers import consent, linking
from bot.delivery import claims
from bot.shop.events import ProductData, ProductEvent
from bot.shop.products import apply_product
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.conversations import Message
from storage.models.customers import Customer, Identity
from storage.models.products import Product
from storage.models.stock_watches import StockWatch
from tests.support.care import ACCOUNTS, caring

NOON = datetime.fromisoformat("2026-05-04T12:00:00+08:00")
NIGHT = NOON + timedelta(hours=11)
MORNING = NOON + timedelta(hours=20, minutes=30)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(db: Database, voice: Voice, clock: object) -> House:
    house = caring(db, voice, quiet_hours="21:30-08:30")
    db.run(stocked, 0)
    return house


def stocked(session: Session, pieces: int) -> None:
    data = ProductData(sku="SCARF", name="围巾", stock=pieces)
    event = ProductEvent(id="e", type="product.updated", occurred_at=now(), data=data)
    apply_product(session, event)


def wished(session: Session) -> int:
    """Somebody wants to be told of the product."""
    row = session.exec(select(Customer)).first()
    if row is None:
        session.add(row := Customer(name="lin", language="zh"))
        session.flush()
        session.add(
            Identity(customer_id=row.id or 0, channel="telegram", account="main", chat="lin")
        )
    consent.watch(session, row, _product(session), "到货通知我", now())
    return row.id or 0


def _product(session: Session) -> int:
    return session.exec(select(Product)).one().id or 0


def texts(db: Database) -> list[str]:
    return db.run(lambda s: list(s.exec(select(Message.text).order_by(Message.id)).all()))


def is_open(db: Database) -> bool:
    return db.run(lambda s: s.exec(select(StockWatch)).one().told_at is None)


def claimed(db: Database, house: House) -> int:
    class Telegram:
        channel, account, policy = "telegram", "main", ACCOUNTS["telegram", "main"]

    found = db.run(claims.claim, Telegram(), house.planner.guard, [], 20)  # type: ignore[arg-type]
    return len(found.outgoing)


def test_sold_out_by_the_morning_it_is_told_the_next_time(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    db.run(wished)
    clock.move_to(NIGHT)
    db.run(stocked, 5)
    assert not is_open(db)
    db.run(stocked, 0)
    clock.move_to(MORNING)
    house.planner.run(db)
    assert texts(db) == []
    assert is_open(db)
    db.run(stocked, 5)
    assert len(texts(db)) == 1
    assert not is_open(db)


def test_sold_out_before_it_leaves_it_is_told_the_next_time(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    db.run(wished)
    db.run(stocked, 5)
    assert len(texts(db)) == 1
    db.run(stocked, 0)
    assert claimed(db, house) == 0
    assert is_open(db)
    clock.shift(timedelta(minutes=5))
    db.run(stocked, 5)
    assert claimed(db, house) == 1
    assert not is_open(db)


def test_wished_again_on_the_same_day_it_is_told_again(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    for _ in range(2):
        db.run(wished)
        clock.shift(timedelta(minutes=30))
        db.run(stocked, 5)
        clock.shift(timedelta(minutes=30))
        db.run(stocked, 0)
    assert len(texts(db)) == 2


def test_who_says_stop_is_not_told_in_the_morning(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(wished)
    clock.move_to(NIGHT)
    db.run(stocked, 5)
    clock.shift(timedelta(minutes=5))
    db.run(lambda s: consent.stop(s, s.get_one(Customer, number), "TD", now()))
    clock.move_to(MORNING)
    house.planner.run(db)
    assert texts(db) == []


def test_who_said_stop_before_they_wished_is_told(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(wished)
    db.run(lambda s: consent.stop(s, s.get_one(Customer, number), "TD", now()))
    clock.shift(timedelta(minutes=5))
    db.run(wished)
    clock.shift(timedelta(minutes=5))
    db.run(stocked, 5)
    assert len(texts(db)) == 1


def test_an_open_wish_outlives_a_fulfilled_one_when_two_are_one(db: Database, house: House) -> None:
    def story(session: Session) -> None:
        known = session.get_one(Customer, wished(session))
        session.exec(select(StockWatch)).one().told_at = now()
        anonymous = Customer()
        session.add(anonymous)
        session.flush()
        consent.watch(session, anonymous, _product(session), "到货通知我", now())
        session.flush()
        linking._take_over(session, anonymous, known)

    db.run(story)
    assert is_open(db)
