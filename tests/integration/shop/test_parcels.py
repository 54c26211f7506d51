"""What carriers' steps do to parcels."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.core.events import ParcelMoved
from bot.logistics.parcels import parcel_facts, way_texts
from bot.logistics.status import Status
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.orders import Order, Parcel, TrackingEvent, order_by_number, parcel_by_tracking
from tests.support.world import stepped, told

START = datetime(2026, 3, 5, 16, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def moves(db: Database) -> list[str]:
    """The statuses of all `ParcelMoved` events."""
    heard: list[str] = []
    db.bus.on(ParcelMoved, lambda _session, event: heard.append(event.status))
    return heard


def test_the_newest_step_decides_and_repetition_does_nothing(
    db: Database, moves: list[str]
) -> None:
    for _ in range(2):
        db.run(stepped, Status.IN_TRANSIT, START + HOUR)
        db.run(stepped, Status.COLLECTED, START)
        db.run(stepped, Status.IN_TRANSIT, START + 2 * HOUR)
        db.run(stepped, Status.DELIVERED, START + 3 * HOUR)
        db.run(stepped, Status.ARRIVED_CITY, START + 2 * HOUR)
    parcel = db.run(parcel_by_tracking, "SF1")
    assert (parcel.status, parcel.status_at) == ("delivered", START + 3 * HOUR)
    assert moves == ["in_transit", "delivered"]
    assert len(db.run(lambda session: session.exec(select(TrackingEvent)).all())) == 5


def test_arrival_is_found_in_the_steps_and_told_once(db: Database, moves: list[str]) -> None:
    db.run(told, "order.shipped", tracking_number="SF1", address={"city": "杭州市"})
    way = [
        (Status.COLLECTED, "武汉市", "已揽收"),
        (Status.IN_TRANSIT, "武汉市", "已发出，下一站杭州转运中心"),
        (Status.IN_TRANSIT, "杭州市", "到达杭州转运中心"),
        (Status.IN_TRANSIT, "杭州市", "离开杭州转运中心，发往余杭营业部"),
    ]
    for _ in range(2):
        for hours, (status, place, text) in enumerate(way):
            at = START + hours * HOUR
            db.run(stepped, status, at, tracking_number="SF1", place=place, text=text)
    assert moves == ["collected", "in_transit", "arrived_city"]
    rows = db.run(lambda session: session.exec(select(TrackingEvent)).all())
    assert sorted(row.status for row in rows) == [
        "arrived_city", "arrived_city", "collected", "in_transit",
    ]  # fmt: skip


def test_the_same_words_may_be_told_by_a_further_status(db: Database, moves: list[str]) -> None:
    for status in (Status.IN_TRANSIT, Status.DELIVERED, Status.IN_TRANSIT):
        db.run(stepped, status, START, tracking_number="SF1", text="快件已更新")
    assert moves == ["in_transit", "delivered"]


def test_a_step_of_an_unknown_order_makes_a_stub(db: Database, moves: list[str]) -> None:
    db.run(stepped, Status.DELIVERED, START, order_number="XE9")
    order = db.run(order_by_number, "XE9")
    assert (order.status, order.customer_id) == ("unknown", None)
    assert moves == ["delivered"]


def test_a_nameless_parcel_gets_its_number_from_the_shop(db: Database, voice: Voice) -> None:
    db.run(stepped, Status.COLLECTED, START, order_number="XE1")

    def number(session: Session) -> str:
        parcel = session.exec(select(Parcel)).one()
        return parcel_facts(session, parcel, "zh", voice)["tracking_number"]

    assert db.run(number) == ""
    db.run(told, "order.shipped", tracking_number="SF1", carrier="顺丰速运")
    assert db.run(number) == "SF1"
    db.run(stepped, Status.DELIVERED, START + HOUR, order_number="XE1")
    assert db.run(parcel_by_tracking, "SF1").status == "delivered"


def test_a_nameless_parcel_gets_its_number_from_the_carrier(db: Database) -> None:
    db.run(stepped, Status.COLLECTED, START, order_number="XE1")
    db.run(stepped, Status.IN_TRANSIT, START, order_number="XE1", tracking_number="SF1")
    parcel = db.run(lambda session: session.exec(select(Parcel)).one())
    assert (parcel.tracking_number, parcel.status) == ("SF1", "in_transit")


def test_a_parcel_that_was_faster_than_its_order(db: Database) -> None:
    db.run(stepped, Status.IN_TRANSIT, START)
    db.run(told, "order.shipped", tracking_number="SF1")

    def owner(session: Session) -> str:
        parcel = session.exec(select(Parcel)).one()
        order = session.get(Order, parcel.order_id)
        assert order is not None
        return order.number

    assert db.run(owner) == "XE1"


def test_facts_and_way(db: Database, voice: Voice) -> None:
    for hours, status, place, text in [
        (0, Status.COLLECTED, "广州", "已揽收"),
        (1, Status.IN_TRANSIT, "长沙", "到达长沙"),
        (2, Status.IN_TRANSIT, "武汉", "离开武汉"),
        (3, Status.ARRIVED_CITY, "杭州", ""),
    ]:
        at = START + hours * HOUR
        db.run(stepped, status, at, tracking_number="SF1", place=place, text=text)

    def see(session: Session) -> None:
        parcel = session.exec(select(Parcel)).one()
        parcel.carrier = "顺丰速运"
        assert parcel_facts(session, parcel, "zh", voice) == {
            "carrier": "顺丰速运",
            "tracking_number": "SF1",
            "status_text": "已到达您所在的城市",
            "latest": "已到达您所在的城市",
            "latest_place": "杭州",
            "latest_at": "3月6日 03:30",
        }
        assert way_texts(session, parcel, "en", voice) == [
            "Mar 6, 03:30, 杭州: arrived in your city",
            "Mar 6, 02:30, 武汉: 离开武汉",
            "Mar 6, 01:30, 长沙: 到达长沙",
        ]

    db.run(see)


def test_a_parcel_without_steps_has_empty_facts(db: Database, voice: Voice) -> None:
    db.run(told, "order.shipped", tracking_number="SF1")

    def see(session: Session) -> dict[str, str]:
        return parcel_facts(session, session.exec(select(Parcel)).one(), "en", voice)

    facts = db.run(see)
    assert facts.pop("tracking_number") == "SF1"
    assert set(facts.values()) == {""}
