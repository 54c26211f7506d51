"""What is to be done at a platform beside messages is done once, in order, and told of."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select

from bot.channels.base import (
    DeliveryError,
    Errand,
    Limits,
    Outgoing,
    Policy,
    Rate,
    Refused,
    TryLater,
    Uncertain,
)
from bot.core.clock import now
from bot.core.events import Bus, Event
from bot.core.messages import Address, Purpose
from bot.delivery import errands
from bot.delivery.errands import ErrandDone, ErrandFailed
from bot.delivery.sender import Sender
from storage.db import Database
from storage.models.errands import Errand as Row
from tests.support.sending import ACCOUNT, TELEGRAM, PlainChannel, queue

CHANNEL = PlainChannel("http://unused.invalid")
GROUP = Address(*ACCOUNT, "-100")


@pytest.fixture
def told(db: Database) -> list[Event]:
    """What is told of errands."""
    found: list[Event] = []
    bus = Bus()
    bus.on(ErrandDone, lambda _session, event: found.append(event))
    bus.on(ErrandFailed, lambda _session, event: found.append(event))
    db.bus = bus
    return found


def order(db: Database, number: int, **options: Any) -> int:
    return db.run(errands.order, GROUP, "say", {"n": number}, **options)


def claim(db: Database, busy: tuple[str, ...] = (), most: int = 20) -> list[Errand]:
    return db.run(errands.claim, CHANNEL, busy, most)


def numbers(found: list[Errand]) -> list[int]:
    return [one.details["n"] for one in found]


def state(db: Database, errand_id: int) -> str:
    return db.run(lambda session: session.get_one(Row, errand_id).state)


def test_a_chat_has_one_at_a_time_in_order_and_each_line_its_own(db: Database) -> None:
    first = order(db, 1)
    order(db, 2)
    order(db, 3, line="ann")
    order(db, 4, line="bob")
    order(db, 5, line="ann")
    assert numbers(claim(db)) == [1, 3, 4]
    assert claim(db) == []
    db.run(errands.succeeded, first, {})
    assert claim(db, busy=("-100",)) == []
    assert numbers(claim(db)) == [2]


def test_the_urgent_go_first(db: Database) -> None:
    order(db, 1, line="a", rank=Purpose.MARKETING.rank)
    order(db, 2, line="b", rank=Purpose.ANSWER.rank)
    assert numbers(claim(db, most=1)) == [2]


def test_what_became_of_it_is_told(db: Database, told: list[Event]) -> None:
    done, refused = order(db, 1, line="a"), order(db, 2, line="b")
    claim(db)
    db.run(errands.succeeded, done, {"message_id": 7})
    db.run(errands.failed, refused, Refused("not enough rights"))
    assert told == [
        ErrandDone(done, GROUP, "say", {"n": 1}, {"message_id": 7}),
        ErrandFailed(refused, GROUP, "say", {"n": 2}, "not enough rights", is_uncertain=False),
    ]
    db.run(errands.succeeded, done, {"message_id": 7})  # told twice, it was still done once
    assert len(told) == 2


def test_one_that_waits_is_replaced_by_a_newer_one(db: Database) -> None:
    assert order(db, 1, merge="card") == order(db, 2, merge="card")
    assert numbers(claim(db)) == [2]
    order(db, 3, merge="card")  # the one before is under way already
    assert [row.details["n"] for row in rows(db)] == [2, 3]


def test_what_surely_failed_is_tried_when_the_platform_says(db: Database) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        errand = order(db, 1)
        claim(db)
        db.run(errands.failed, errand, TryLater("429", 20))
        clock.shift(19)
        assert claim(db) == []
        clock.shift(1)
        assert numbers(claim(db)) == [1]


@pytest.mark.parametrize(("repeatable", "tries"), [(False, 2), (True, 9)])
@pytest.mark.parametrize("how", ["no answer", "the process died"])
def test_perhaps_done(
    db: Database, told: list[Event], repeatable: bool, tries: int, how: str
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        errand = order(db, 1, repeatable=repeatable)
        for _ in range(tries):
            assert numbers(claim(db)) == [1]
            if how == "no answer":
                db.run(errands.failed, errand, Uncertain("reset"))
            else:
                assert db.run(errands.adopt, ACCOUNT) == 1
            clock.shift(300)
        assert claim(db) == []
    assert state(db, errand) == "uncertain"
    [event] = told
    assert isinstance(event, ErrandFailed)
    assert event.is_uncertain


def test_what_is_no_longer_useful_is_not_done(db: Database, told: list[Event]) -> None:
    errand = order(db, 1, useful=timedelta(minutes=5))
    with time_machine.travel(now() + timedelta(minutes=6)):
        assert claim(db) == []
    assert state(db, errand) == "failed"
    assert [type(event) for event in told] == [ErrandFailed]


def rows(db: Database) -> list[Row]:
    return db.run(lambda session: list(session.exec(select(Row).order_by(Row.id))))  # type: ignore[arg-type]


@dataclass
class Recorder(PlainChannel):
    """Notes when each thing was asked of the platform, which takes its time."""

    def __post_init__(self) -> None:
        self.asked: list[tuple[float, str, str]] = []

    async def send(self, outgoing: Outgoing) -> str:
        return await self._note("message", outgoing.address.chat)

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        return {"id": await self._note(errand.kind, errand.line)}

    async def _note(self, kind: str, place: str) -> str:
        self.asked.append((monotonic(), kind, place))
        await asyncio.sleep(0.02)
        return str(len(self.asked))


async def send_all(db: Database, channel: PlainChannel) -> None:
    task = asyncio.create_task(Sender(db, channel).run())
    async with asyncio.timeout(20):
        while await db.read(_is_busy):
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _is_busy(session: Session) -> bool:
    from storage.models.deliveries import Delivery

    queued = ("queued", "sending")
    return any(
        session.exec(select(table.id).where(table.state.in_(queued)).limit(1)).first()  # type: ignore[attr-defined]
        for table in (Delivery, Row)
    )


async def test_errands_and_messages_share_the_limits_of_a_group(db: Database) -> None:
    limits = replace(TELEGRAM.limits, per_chat=None, per_group=Rate(4, 1.0))
    channel = Recorder("", Policy(limits))
    for number in range(6):
        await db.transact(errands.order, GROUP, "say", {"n": number})
    for number in range(30):  # what is no message has no part in it
        await db.transact(errands.order, GROUP, "ban", {"n": number}, line=f"member {number}")
    await send_all(db, channel)
    said = [at for at, kind, _ in channel.asked if kind == "say"]
    assert len(said) == 6
    assert all(later - earlier >= 1.0 for earlier, later in zip(said, said[4:], strict=False))
    banned = [at for at, kind, _ in channel.asked if kind == "ban"]
    assert len(banned) == 30
    together = sorted(at for at, _, _ in channel.asked)
    assert all(b - a >= 1.0 for a, b in zip(together, together[30:], strict=False))


async def test_neither_waits_for_all_of_the_other(db: Database) -> None:
    await db.transact(queue, 60, 1, Purpose.MARKETING)
    for number in range(60):
        await db.transact(errands.order, GROUP, "ban", {}, line=f"member {number}")
    channel = Recorder("", Policy(Limits(overall=Rate(60, 1))))
    await send_all(db, channel)
    kinds = [kind for _, kind, _ in channel.asked]
    assert 15 <= kinds[:60].count("ban") <= 45


async def test_a_new_owner_counts_what_was_done_before(db: Database) -> None:
    limits = Limits(per_group=Rate(1, 2.0))
    channel = Recorder("", Policy(limits))
    await db.transact(errands.order, GROUP, "say", {})
    await send_all(db, channel)
    await db.transact(errands.order, GROUP, "say", {})
    await send_all(db, channel)
    [first, second] = [at for at, _, _ in channel.asked]
    assert second - first >= 2.0


async def test_a_fault_of_the_channel_is_no_loss(db: Database, told: list[Event]) -> None:
    class Faulty(Recorder):
        async def run(self, errand: Errand) -> Mapping[str, Any]:
            await super().run(errand)
            raise KeyError("as arranged")

    await db.transact(errands.order, GROUP, "say", {})
    await send_all(db, Faulty("", Policy()))
    [event] = told
    assert isinstance(event, ErrandFailed)
    assert event.is_uncertain
    assert issubclass(Uncertain, DeliveryError)
