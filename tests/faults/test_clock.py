"""The clock jumps by minutes or a day between steps: what waits is neither lost nor doubled."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import Session, select

from bot.channels.base import Policy, TryLater, Window
from bot.core.clock import now
from bot.core.messages import Address, Author, Purpose, State
from bot.delivery import claims, outcomes, quota
from bot.dialogue.intake import Intake
from storage.db import Database
from storage.models.deliveries import Delivery
from tests.faults.mortal import RECEPTION, understand
from tests.support.receiving import Chat
from tests.support.sending import ACCOUNT, PlainChannel, queue

JUMPS = [timedelta(minutes=5), timedelta(minutes=-5), timedelta(days=1), timedelta(days=-1)]
WINDOW = Policy(windows={"message": Window(timedelta(hours=48), count=5)})


CASES = [("sqlite_url", jump) for jump in JUMPS] + [("postgres_url", JUMPS[-1])]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0][:-4]} {case[1].total_seconds():+.0f} s")
def case(request: pytest.FixtureRequest) -> tuple[str, timedelta]:
    """All jumps on SQLite; on PostgreSQL, where the same code runs, the worst."""
    url, jump = request.param
    return str(request.getfixturevalue(url)), jump


@pytest.fixture
def database_url(case: tuple[str, timedelta]) -> str:
    return case[0]


@pytest.fixture
def jump(case: tuple[str, timedelta]) -> timedelta:
    return case[1]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is set."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


def claim(db: Database, policy: Policy | None = None) -> list[str]:
    """The texts that are taken for sending now."""
    channel = PlainChannel("http://unused.invalid", policy=policy or Policy())
    return [
        one.text for one in db.run(claims.claim, channel, claims.guard_consent, [], 20).outgoing
    ]


def only(session: Session) -> Delivery:
    return session.exec(select(Delivery)).one()


async def test_pieces_that_wait_are_answered_once(
    db: Database, jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("intake", "receive", "pieces"):
        monkeypatch.setattr(f"bot.dialogue.{module}.PATIENCE", timedelta(seconds=0.1))
    chat = Chat(db, RECEPTION)
    intake = Intake(db, understand, RECEPTION)
    with time_machine.travel(now()) as traveller:
        await intake.take(chat.inbound("那个"))
        traveller.shift(jump)
        async with asyncio.timeout(10):
            while [one.author for one in await chat.messages()] != [Author.CUSTOMER, Author.BOT]:
                await asyncio.sleep(0.02)
        await intake.recover()
        await intake.take(chat.inbound("怎么退货"))
        await asyncio.sleep(0.2)  # whatever would come twice had come by now
        authors = [one.author for one in await chat.messages()]
    assert authors == [Author.CUSTOMER, Author.BOT] * 2
    assert (await chat.conversation()).state == State.BOT
    await intake.close()


def test_a_retry_waits_no_longer_than_it_was_told_to(
    db: Database, jump: timedelta, clock: time_machine.Traveller
) -> None:
    db.run(queue, 1, 1)
    assert claim(db) == ["c0 #0"]
    delivery = db.run(only)
    assert delivery.id is not None
    db.run(outcomes.failed, delivery.id, TryLater("429", 30))
    assert claim(db) == []
    clock.shift(jump)
    assert claim(db) == (["c0 #0"] if jump > timedelta(0) else [])
    if jump < timedelta(0):  # it is late by the jump at most, and neither lost nor doubled
        clock.shift(-jump + timedelta(seconds=30))
        assert claim(db) == ["c0 #0"]
    assert claim(db) == []
    db.run(outcomes.succeeded, delivery.id, "p1")
    assert db.run(only).state == "sent"


def test_what_is_useful_for_two_days_outlives_every_jump(
    db: Database, jump: timedelta, clock: time_machine.Traveller
) -> None:
    db.run(queue, 1, 1, Purpose.TRANSACTIONAL)
    clock.shift(jump)
    assert claim(db) == ["c0 #0"]
    assert claim(db) == []


def test_what_is_useful_for_an_hour_is_never_sent_late(
    db: Database, jump: timedelta, clock: time_machine.Traveller
) -> None:
    db.run(queue, 1, 1, Purpose.MARKETING, "c", now() + timedelta(hours=1))
    clock.shift(jump)
    is_over = jump > timedelta(hours=1)
    assert claim(db) == ([] if is_over else ["c0 #0"])
    delivery = db.run(only)
    expected = ("failed", "expired") if is_over else ("sending", "")
    assert (delivery.state, delivery.reason) == expected


def test_a_window_counts_the_same_whatever_the_clock_does(
    db: Database, jump: timedelta, clock: time_machine.Traveller
) -> None:
    db.run(queue, 1, 6, Purpose.AGENT)
    db.run(quota.open_window, Address(*ACCOUNT, "c0"), WINDOW, "message")
    sent = []
    for number in range(6):
        if number in (2, 4):
            clock.shift(jump if number == 2 else -jump)
        for text in claim(db, WINDOW):
            sent.append(text)
            found = db.run(lambda session: session.exec(sending()).one())
            db.run(outcomes.succeeded, found, "p")
    assert sent == [f"c0 #{number}" for number in range(5)]
    states = db.run(lambda session: sorted(session.exec(select(Delivery.state))))
    assert states == ["held"] + ["sent"] * 5


def sending():  # type: ignore[no-untyped-def]
    return select(Delivery.id).where(Delivery.state == "sending")
