"""The real channel behind the real sender: limits kept, nothing lost, blocks and refusals known."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.channels.base import Policy
from bot.channels.telegram.client import connect
from bot.channels.telegram.sending import POLICY, TelegramChannel
from bot.config import Telegram
from bot.core.messages import Address, Purpose
from bot.delivery import errands
from storage.db import Database
from storage.models.conversations import Message
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from storage.models.errands import Errand
from tests.doubles.group_chats import GroupChat
from tests.doubles.telegram import Faults, TelegramDouble
from tests.support.sending import queue
from tests.support.sent import (
    PATIENCE,
    rows_by_text,
    sending_by,
    settled,
    smallest_gap,
    worst_second,
)
from tests.support.short_minute import LIMITS, MINUTE, SECOND, SHORT
from tests.support.telegram import TOKEN, served

SHORT_POLICY = replace(POLICY, limits=LIMITS)


@pytest.fixture
def quick() -> Iterator[TelegramDouble]:
    """A platform whose minute has three seconds, as that of the sender with `SHORT_POLICY`."""
    with served(**SHORT) as double:
        yield double


def sending(
    db: Database, platform: TelegramDouble, policy: Policy = SHORT_POLICY
) -> AbstractAsyncContextManager[asyncio.Task[None]]:
    client = connect(Telegram(name="main", token=TOKEN, api_base_url=platform.url))
    return sending_by(db, TelegramChannel(client, "main", ZoneInfo("Asia/Shanghai"), policy))


async def test_a_long_message_counts_as_its_pieces(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    await sqlite_db.transact(queue_long, 12, 2)
    async with sending(sqlite_db, platform, POLICY):
        assert await settled(sqlite_db) == {"sent": 24}
    sent = platform.sent()
    assert {call.outcome for call in platform.calls} == {"sent"}
    assert worst_second(sent) <= 30
    assert smallest_gap(sent) >= 1
    for number in range(12):
        got = [call.text for call in sent if call.chat == f"c{number}"]
        assert got == [PIECES[0], PIECES[1], PIECES[0], PIECES[1]]


async def test_messages_and_errands_share_the_limits(
    sqlite_db: Database, quick: TelegramDouble
) -> None:
    quick.api.groups = {group: GroupChat(admins={10: "Ada"}) for group in GROUPS}
    await sqlite_db.transact(queue, 20, 2)
    await sqlite_db.transact(queue_long, 5, 1, "long")
    await sqlite_db.transact(order_much)
    async with sending(sqlite_db, quick):
        assert await settled(sqlite_db) == {"sent": 45}
        async with asyncio.timeout(PATIENCE):
            while set(await sqlite_db.read(errand_states)) != {"sent"}:
                await asyncio.sleep(0.1)
    assert {call.outcome for call in quick.calls} == {"sent", "ok"}, "nothing was refused"
    assert worst_second(quick.calls, SECOND) <= 30
    for group in GROUPS:
        at = [one.at for one in quick.calls if one.chat == group and one.method != "deleteMessages"]
        assert len(at) == 23
        assert all(later - first >= MINUTE for first, later in zip(at, at[20:], strict=False))


@pytest.mark.parametrize("chat", ["7", "-7"])
async def test_the_platforms_word_on_waiting_is_kept(
    sqlite_db: Database, quick: TelegramDouble, chat: str
) -> None:
    """By the whole bot where a person is concerned, and in one group where it was a group."""
    quick.faults.too_many = 1.0
    place = Address("telegram", "main", chat)
    async with sending(sqlite_db, quick):
        await sqlite_db.transact(errands.order, place, "say", {"text": "refused"})
        async with asyncio.timeout(PATIENCE):
            while not quick.calls:
                await asyncio.sleep(0.01)
        quick.faults.too_many = 0
        await asyncio.sleep(0.1)  # the refusal is on its way
        await sqlite_db.transact(queue, 2, 1)
        assert await settled(sqlite_db) == {"sent": 2}
        async with asyncio.timeout(PATIENCE):
            while await sqlite_db.read(errand_states) != ["sent"]:
                await asyncio.sleep(0.1)
    refused = [call for call in quick.calls if call.outcome == "too many"][-1]
    waited = {one.chat: one.at - refused.at for one in quick.calls if one.outcome == "sent"}
    assert waited[chat] >= 1
    if chat == "7":
        assert min(waited["c0"], waited["c1"]) >= 1


async def test_no_piece_comes_twice_without_need(
    sqlite_db: Database, quick: TelegramDouble
) -> None:
    quick.faults = Faults(too_many=0.1, reset_before=0.05, reset_after=0.1)
    quick.limits, quick.api.retry_seconds = False, 0.05
    await sqlite_db.transact(queue_long, 20, 1)
    async with sending(sqlite_db, quick):
        found = await settled(sqlite_db, 60)
    assert found.keys() <= {"sent", "uncertain"}
    rows = {one.chat: one for one in await sqlite_db.read(all_deliveries)}
    for chat, row in rows.items():
        arrived = [PIECES.index(call.text) for call in quick.sent() if call.chat == chat]
        assert arrived == sorted(arrived)
        assert len(arrived) <= 2 + row.resends
        assert row.state == "uncertain" or set(arrived) == {0, 1}


PIECES = ("一" * 4000 + "。", "二" * 3000)
GROUPS = ("-1001", "-1002")


def queue_long(session: Session, chats: int, each: int, prefix: str = "c") -> None:
    """Messages of two pieces."""
    queue(session, chats, each, prefix=prefix)
    for message in session.exec(select(Message).order_by(col(Message.id).desc())).fetchmany(
        chats * each
    ):
        message.text = "".join(PIECES)
        session.add(message)


def order_much(session: Session) -> None:
    """More than a minute's worth in two groups, and what does not count there."""
    for group in GROUPS:
        place = Address("telegram", "main", group)
        for number in range(23):
            errands.order(session, place, "say", {"text": f"news {number}"})
        for number in range(5):
            details = {"messages": [number + 1]}
            errands.order(session, place, "delete", details, line=f"d{number}", repeatable=True)


def errand_states(session: Session) -> list[str]:
    return list(session.exec(select(Errand.state)))


def all_deliveries(session: Session) -> list[Delivery]:
    return list(session.exec(select(Delivery)))


async def test_nothing_is_lost_when_the_platform_fails(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    platform.faults = Faults(too_many=0.08, reset_before=0.08, reset_after=0.12, server_error=0.02)
    platform.limits = False
    await sqlite_db.transact(queue, 25, 2)
    await sqlite_db.transact(queue, 15, 1, Purpose.MARKETING, "m")
    async with sending(sqlite_db, platform):
        found = await settled(sqlite_db, 60)
    assert found.keys() <= {"sent", "uncertain"}
    assert found.total() == 65
    outcomes = Counter(call.outcome for call in platform.calls)
    assert {"too many", "reset before", "reset after"} <= outcomes.keys()
    arrived = Counter(call.text for call in platform.sent())
    rows = await sqlite_db.read(rows_by_text)
    assert all(arrived[text] <= 1 + row.resends for text, row in rows.items())
    assert all(rows[text].state == "uncertain" for text in rows.keys() - arrived.keys())
    assert max(arrived[text] for text in rows if text.startswith("m")) == 1


async def test_who_blocked_the_bot_and_who_is_not_there(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    platform.faults = Faults(blocked=frozenset({"c1"}))
    platform.api.chats = {"c0", "c1"}
    await sqlite_db.transact(queue, 3, 1)
    async with sending(sqlite_db, platform):
        assert await settled(sqlite_db) == {"sent": 1, "failed": 2}
    reasons = await sqlite_db.read(why_failed)
    assert "blocked" in reasons["c1"]
    assert "chat not found" in reasons["c2"].lower()
    assert await sqlite_db.read(blocked) == ["c1"]


def why_failed(session: Session) -> dict[str, str]:
    found = session.exec(select(Delivery).where(Delivery.state == "failed"))
    return {one.chat: one.reason for one in found}


def blocked(session: Session) -> list[str]:
    return [one.chat for one in session.exec(select(Identity)) if one.blocked_at]
