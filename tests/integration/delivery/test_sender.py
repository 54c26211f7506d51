"""Messages reach a platform over HTTP: within its limits, in order, and each is accounted for."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from time import monotonic

import pytest
from sqlmodel import Session, select

from bot.core.messages import Author, Purpose
from bot.delivery import outbox
from storage.db import Database
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.doubles.telegram import Faults, TelegramDouble
from tests.support.sending import PlainChannel, queue, start_sender
from tests.support.sent import (
    PATIENCE,
    assert_within_limits,
    in_order,
    rows_by_text,
    sending_by,
    settled,
    states,
)


@pytest.fixture
def platform() -> Iterator[TelegramDouble]:
    with TelegramDouble().running() as double:
        yield double


def sending(
    db: Database, platform: TelegramDouble
) -> AbstractAsyncContextManager[asyncio.Task[None]]:
    return sending_by(db, PlainChannel(platform.url))


async def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.02)


async def test_at_the_limit_and_never_over_it(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    await sqlite_db.transact(queue, 40, 3)
    async with sending(sqlite_db, platform):
        assert await settled(sqlite_db) == {"sent": 120}
    sent = platform.sent()
    assert_within_limits(platform, 120)
    assert 119 / (sent[-1].at - sent[0].at) > 15  # 29 on a quiet machine


async def test_the_second_message_to_a_lonely_chat_leaves_a_second_later(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    await sqlite_db.transact(queue, 1, 4)
    async with sending(sqlite_db, platform):
        assert await settled(sqlite_db, 8) == {"sent": 4}
    pauses = [later.at - earlier.at for earlier, later in pairwise(platform.sent())]
    assert min(pauses) >= 1
    assert max(pauses) < 5  # the tables are looked at every 30 s otherwise


async def test_an_answer_does_not_wait_behind_ten_thousand(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    await sqlite_db.transact(queue, 50, 1, Purpose.MARKETING)
    await sqlite_db.transact(multiply, 200)
    await sqlite_db.transact(queue, 1, 0, Purpose.ANSWER, "customer")
    async with sending(sqlite_db, platform):
        await until(lambda: len(platform.calls) > 20)
        asked = monotonic()
        await sqlite_db.transact(answer, "customer0", "answer")
        await until(lambda: answered(platform))
    assert next(call.at for call in platform.calls if call.text == "answer") - asked < 3
    assert (await sqlite_db.read(states))["queued"] > 9000


async def test_nothing_is_lost_when_the_platform_fails(
    db: Database, platform: TelegramDouble
) -> None:
    platform.faults = Faults(too_many=0.05, reset_before=0.04, reset_after=0.04)
    platform.limits = False
    await db.transact(queue, 25, 2)
    await db.transact(queue, 15, 1, Purpose.MARKETING, "m")
    async with sending(db, platform):
        found = await settled(db)
    assert found.keys() <= {"sent", "uncertain"}
    assert found.total() == 65
    outcomes = Counter(call.outcome for call in platform.calls)
    assert {"too many", "reset before", "reset after"} <= outcomes.keys()
    arrived = Counter(call.text for call in platform.sent())
    rows = await db.read(rows_by_text)
    twice = [text for text, count in arrived.items() if count > 1]
    assert all(rows[text].resends == 1 for text in twice)
    assert all(rows[text].state == "uncertain" for text in rows.keys() - arrived.keys())
    assert not any(arrived[text] > 1 for text in rows if text.startswith("m"))


async def test_who_blocked_us_is_known(sqlite_db: Database, platform: TelegramDouble) -> None:
    platform.faults = Faults(blocked=frozenset({"c1"}))
    await sqlite_db.transact(queue, 2, 1)
    async with sending(sqlite_db, platform):
        assert await settled(sqlite_db) == {"sent": 1, "failed": 1}
    blocked = await sqlite_db.read(
        lambda session: [one.chat for one in session.exec(select(Identity)) if one.blocked_at]
    )
    assert blocked == ["c1"]


async def test_commits_wake_the_sender(db: Database, platform: TelegramDouble) -> None:
    db.listen_to_others()
    await db.transact(queue, 1, 0)
    async with sending(db, platform):
        await asyncio.sleep(0.5)
        asked = monotonic()
        await db.transact(answer, "c0", "answer")
        await until(lambda: bool(platform.calls))
    assert platform.calls[0].at - asked < 5  # the tables are looked at every 30 s otherwise


async def test_who_is_told_to_stop_ends_what_is_on_its_way(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    platform.faults = Faults(delay=0.3)
    await sqlite_db.transact(queue, 30, 1)
    async with sending(sqlite_db, platform):
        await until(lambda: len(platform.calls) >= 2)
    found = await sqlite_db.read(states)
    assert found.keys() == {"sent", "queued"}
    assert found["sent"] == len(platform.calls)


async def test_another_process_takes_over_and_none_is_sent_twice(
    postgres_url: str, platform: TelegramDouble
) -> None:
    db = Database(postgres_url)
    await db.transact(queue, 60, 2, Purpose.MARKETING)
    processes = [start_sender(postgres_url, platform.url)]
    try:
        await until(lambda: bool(platform.calls))
        processes.append(start_sender(postgres_url, platform.url))
        await until(lambda: len(platform.calls) > 50)
        processes[0].kill()
        killed = monotonic()
        found = await settled(db)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    db.close()
    assert found.total() == 120
    assert found.keys() <= {"sent", "uncertain"}
    assert max(Counter(call.text for call in platform.sent()).values()) == 1
    assert len(platform.sent()) >= found["sent"]
    assert {call.outcome for call in platform.calls} == {"sent"}
    pauses = [later.at - earlier.at for earlier, later in pairwise(platform.calls)]
    assert max(pauses) < 10
    assert platform.calls[-1].at > killed
    assert in_order(platform.sent())


def answered(platform: TelegramDouble) -> bool:
    return any(call.text == "answer" for call in platform.calls)


def answer(session: Session, chat: str, text: str) -> None:
    identity = session.exec(select(Identity).where(Identity.chat == chat)).one()
    outbox.post(session, outbox.conversation_for(session, identity), text, author=Author.BOT)


def multiply(session: Session, times: int) -> None:
    """Queue each waiting delivery so many times."""
    rows = [
        row.model_dump(exclude={"id"})
        for row in session.exec(select(Delivery))
        for _ in range(times)
    ]
    session.connection().execute(Delivery.__table__.insert(), rows)  # type: ignore[attr-defined]
