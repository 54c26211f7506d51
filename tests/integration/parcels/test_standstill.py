"""Parcels that stand still are told once, become tasks of agents, and those end when they move."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import Session, select

from bot.config import Parcels
from bot.core.clock import now
from bot.core.events import Bus, ParcelStuck
from bot.escalation import follow_ups, parcel_tasks
from bot.escalation.teams import Teams
from bot.logistics.standstill import Standstill, limit
from bot.logistics.status import Status
from bot.logistics.travel import Learning, Past
from storage.db import Database
from storage.models.orders import Parcel, parcel_by_tracking
from storage.models.remarks import FollowUp, open_follow_ups
from tests.support import world
from tests.support.world import stepped, told

START = datetime(2026, 3, 6, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HANGZHOU = {"city": "杭州市"}


@pytest.fixture
def stuck() -> list[tuple[int, str, datetime]]:
    return []


@pytest.fixture
def db(database_url: str, stuck: list[tuple[int, str, datetime]]) -> Iterator[Database]:
    bus = Bus()
    parcel_tasks.register(bus, Teams())
    bus.on(ParcelStuck, lambda _, one: stuck.append((one.parcel_id, one.status, one.since)))
    database = Database(database_url, bus)
    yield database
    database.close()


def on_its_way(session: Session, *, watched: bool = True, linked: bool = True) -> Parcel:
    """Parcel SF1 of a customer with a chat, collected at `START` and in transit an hour later."""
    order = told(session, "order.shipped", tracking_number="SF1", carrier="顺丰", address=HANGZHOU)
    stepped(session, Status.COLLECTED, START, tracking_number="SF1", place="武汉市")
    parcel = stepped(
        session, Status.IN_TRANSIT, START + DAY / 24, tracking_number="SF1", text="出发"
    )
    parcel.carrier_account = "kd" if watched else ""
    session.add(parcel)
    if linked:
        identity = world.chat(session, "lin")
        identity.customer_id, identity.linked_at = order.customer_id or 0, now()
        session.add(identity)
    return parcel


def look(db: Database, at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        Standstill(db, Parcels()).run({})


def step(db: Database, status: Status, at: datetime, text: str = "") -> None:
    db.run(lambda session: stepped(session, status, at, tracking_number="SF1", text=text))


def tasks(db: Database) -> list[tuple[str, bool]]:
    rows = db.run(lambda session: list(session.exec(select(FollowUp).order_by(FollowUp.id))))
    return [(one.kind, one.done_at is not None) for one in rows]


def test_a_standstill_is_told_once_and_ends(
    db: Database, stuck: list[tuple[int, str, datetime]]
) -> None:
    number = db.run(on_its_way).id or 0
    since = START + DAY / 24
    look(db, since + 4 * DAY)
    assert stuck == []
    for _ in range(2):
        look(db, since + 4.1 * DAY)
    assert stuck == [(number, "in_transit", since)]
    assert tasks(db) == [("parcel_stuck", False)]
    step(db, Status.IN_TRANSIT, since - DAY / 48, "older news")
    assert tasks(db) == [("parcel_stuck", False)]
    step(db, Status.IN_TRANSIT, since + 5 * DAY, "到达长沙")  # the same status, and yet it moves
    assert tasks(db) == [("parcel_stuck", True)]
    look(db, since + 10 * DAY)
    assert [one[2] for one in stuck] == [since, since + 5 * DAY]
    assert tasks(db) == [("parcel_stuck", True), ("parcel_stuck", False)]
    step(db, Status.DELIVERED, since + 11 * DAY)
    look(db, since + 20 * DAY)
    assert tasks(db) == [("parcel_stuck", True), ("parcel_stuck", True)]


def test_an_exception_is_a_task_until_it_is_over(db: Database) -> None:
    db.run(on_its_way)
    step(db, Status.EXCEPTION, START + DAY)
    look(db, START + 5 * DAY)
    assert tasks(db) == [("parcel_exception", False)]
    task = db.run(lambda session: session.exec(select(FollowUp)).one())
    assert task.due_at == pytest.approx(now() + DAY, abs=DAY / 2)
    step(db, Status.OUT_FOR_DELIVERY, START + 6 * DAY)
    assert tasks(db) == [("parcel_exception", True)]


def test_a_task_stands_in_the_chat_of_the_customer(db: Database) -> None:
    db.run(on_its_way)
    look(db, START + 6 * DAY)

    def whose(session: Session) -> str:
        ((_, _, identity, customer),) = open_follow_ups(session, 9)
        return f"{customer.name} {identity.chat}"

    assert db.run(whose) == "林小满 lin"


def test_without_a_chat_there_is_no_task(
    db: Database, stuck: list[tuple[int, str, datetime]]
) -> None:
    db.run(lambda session: on_its_way(session, linked=False))
    look(db, START + 6 * DAY)
    assert (len(stuck), tasks(db)) == (1, [])


def test_silence_means_nothing_where_nobody_tells_of_the_end(
    db: Database, stuck: list[tuple[int, str, datetime]]
) -> None:
    db.run(lambda session: on_its_way(session, watched=False))
    look(db, START + 9 * DAY)
    assert stuck == []

    def past(session: Session) -> None:
        for place in range(8):
            number, begun = f"SF9{place}", START - 10 * DAY
            told(session, "order.shipped", number, tracking_number=number, carrier="SF Express")
            stepped(session, Status.COLLECTED, begun, tracking_number=number)
            stepped(session, Status.DELIVERED, begun + DAY, tracking_number=number)

    db.run(past)
    with time_machine.travel(START + 9 * DAY):
        Learning(db).run({})
    look(db, START + 9 * DAY)
    assert [status for _, status, _ in stuck] == ["in_transit"]


def test_what_is_long_past_is_no_news(db: Database, stuck: list[tuple[int, str, datetime]]) -> None:
    db.run(on_its_way)
    look(db, START + 40 * DAY)
    assert stuck == []
    assert db.run(parcel_by_tracking, "SF1").stuck_at is None


def test_how_long_is_too_long() -> None:
    def days(status: Status, longest: float | None, *, watched: bool = True) -> float | None:
        past = None if longest is None else Past("city", (9,) * 10, (int(longest * 86400),) * 10)
        found = limit(4 * DAY, status, past, is_watched=watched)
        return None if found is None else found / DAY

    assert days(Status.IN_TRANSIT, None) == 4
    assert days(Status.IN_TRANSIT, None, watched=False) is None
    assert [days(Status.IN_TRANSIT, one) for one in (0.1, 2, 3, 30)] == [2, 3, 4.5, 8]
    assert days(Status.OUT_FOR_DELIVERY, 0.1) == 4


def test_agents_read_what_is_to_be_done() -> None:
    voice = world.voice()
    for kind in (parcel_tasks.STUCK, parcel_tasks.EXCEPTION):
        assert voice.source(f"desk.todo_{kind}", "zh")
        assert voice.source(f"desk.todo_{kind}", "en")
    assert follow_ups.due(None, START) == START + DAY
