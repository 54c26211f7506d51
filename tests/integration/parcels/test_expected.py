""" "Where is my parcel" tells the expected days, where enough past parcels tell them."""

from datetime import UTC, datetime, timedelta

import time_machine
from sqlmodel import Session, select

from bot.logistics.expected import expected_text
from bot.logistics.status import Status
from bot.logistics.travel import Learning, Past, Route, pasts
from storage.db import Database
from storage.models.orders import order_by_number, parcel_by_tracking
from storage.models.parcels import Travel
from tests.support.world import stepped, told, voice

VOICE = voice()
MONDAY = datetime(2026, 3, 9, 2, tzinfo=UTC)  # 10:00 in the shop's time zone
DAY = timedelta(days=1)
HANGZHOU = {"city": "杭州市", "region": "浙江省", "country": "CN"}
NINGBO = {"city": "宁波", "region": "浙江", "country": "CN"}
DETROIT = {"city": "Detroit", "country": "US"}


def past(session: Session, *days: float, address: dict[str, str], carrier: str = "SF") -> None:
    """Parcels that were delivered last week, after so many days, with a stop in the middle."""
    for place, took in enumerate(days):
        number = f"{carrier}-{address['city']}-{place}"
        told(
            session,
            "order.shipped",
            number,
            tracking_number=number,
            carrier=carrier,
            address=address,
        )
        for part, status in ((0, "collected"), (0.25, "in_transit"), (1, "delivered")):
            at = MONDAY - 20 * DAY + part * took * DAY
            stepped(session, Status(status), at, tracking_number=number)


def begin(session: Session, address: dict[str, str], carrier: str = "顺丰速运") -> None:
    """A parcel sets out on Monday."""
    told(
        session, "order.shipped", "XE1", MONDAY,
        tracking_number="SF1", carrier=carrier, address=address,
    )  # fmt: skip
    stepped(session, Status.COLLECTED, MONDAY, tracking_number="SF1")


def said(db: Database, after: timedelta, language: str = "zh") -> str:
    def say(session: Session) -> str:
        parcel, order = parcel_by_tracking(session, "SF1"), order_by_number(session, "XE1")
        assert parcel is not None
        assert order is not None
        return expected_text(session, parcel, order, language, VOICE)

    with time_machine.travel(MONDAY + after, tick=False):
        return db.run(say)


def learn(db: Database) -> None:
    with time_machine.travel(MONDAY):
        Learning(db).run({})


def test_the_days_are_those_of_the_route(db: Database) -> None:
    db.run(lambda session: past(session, *[2.0] * 5, *[3.0] * 10, *[4.0] * 5, address=HANGZHOU))
    db.run(begin, HANGZHOU)
    assert said(db, DAY) == ""  # not learnt yet
    for _ in range(2):
        learn(db)
    assert (
        said(db, 0.1 * DAY) == "看以往同路线的包裹，预计周三到周五之间送到（估计的，不敢打包票）。"
    )
    assert (
        said(db, 1.5 * DAY) == "看以往同路线的包裹，预计明天到周五之间送到（估计的，不敢打包票）。"
    )
    assert said(db, 2.5 * DAY, "en") == (
        "Going by past parcels on this route, it should reach you between tomorrow and Friday. "
        "That's an estimate, not a promise."
    )
    assert "慢" in said(db, 4.1 * DAY)
    db.run(
        lambda session: stepped(
            session, Status.OUT_FOR_DELIVERY, MONDAY + DAY, tracking_number="SF1"
        )
    )
    assert said(db, DAY) == ""


def test_one_day_alone_is_said_as_one(db: Database) -> None:
    db.run(lambda session: past(session, *[2.0] * 9, address=HANGZHOU))
    db.run(begin, HANGZHOU)
    learn(db)
    assert said(db, 0.1 * DAY) == "看以往同路线的包裹，预计周三送到（估计的，不敢打包票）。"
    assert "reach you Wednesday" in said(db, 0.1 * DAY, "en")


def test_where_the_route_is_new_the_region_or_the_carrier_tell(db: Database) -> None:
    db.run(lambda session: past(session, *[2.0] * 7, address=HANGZHOU))
    db.run(begin, NINGBO)
    learn(db)
    assert said(db, DAY / 9) == ""  # seven say nothing
    db.run(lambda session: past(session, 9.0, address=DETROIT))
    learn(db)

    def bases(session: Session, address: dict[str, str], carrier: str = "顺丰") -> list[str]:
        parcel, order = parcel_by_tracking(session, "SF1"), order_by_number(session, "XE1")
        assert parcel is not None
        assert order is not None
        order.address, parcel.carrier = address, carrier
        return [one.basis for one in pasts(session, Route.of(parcel, order))]

    assert db.run(bases, NINGBO) == ["carrier"]
    db.run(lambda session: past(session, 3.0, address=NINGBO))
    learn(db)
    assert db.run(bases, NINGBO) == ["region", "country", "carrier"]
    assert db.run(bases, DETROIT) == ["carrier"]
    assert db.run(bases, NINGBO, "圆通") == []


def test_what_is_learnt_of_a_parcel(db: Database) -> None:
    db.run(lambda session: past(session, 4.0, address=HANGZHOU))
    db.run(lambda session: stepped(session, Status.DELIVERED, MONDAY, tracking_number="LONE1"))
    learn(db)
    rows = db.run(lambda session: list(session.exec(select(Travel).order_by(Travel.took))))
    found = [
        (one.carrier, one.city, one.region, one.country, one.took, one.longest) for one in rows
    ]
    assert found == [("", "", "", "", 0, 0), ("sf", "杭州", "浙江", "cn", 4 * 86400, 3 * 86400)]
    assert db.run(pasts, Route("sf", "杭州")) == []
    assert Past("city", (), ()).basis == "city"
