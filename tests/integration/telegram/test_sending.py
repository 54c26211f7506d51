"""The real channel behind the real sender: limits kept, nothing lost, blocks and refusals known."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from bot.channels.telegram.client import connect
from bot.channels.telegram.sending import TelegramChannel
from bot.config import Telegram
from bot.core.messages import Purpose
from storage.db import Database
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.doubles.telegram import Faults, TelegramDouble
from tests.support.sending import queue
from tests.support.sent import assert_within_limits, rows_by_text, sending_by, settled
from tests.support.telegram import TOKEN


def sending(
    db: Database, platform: TelegramDouble
) -> AbstractAsyncContextManager[asyncio.Task[None]]:
    client = connect(Telegram(name="main", token=TOKEN, api_base_url=platform.url))
    return sending_by(db, TelegramChannel(client, "main", ZoneInfo("Asia/Shanghai")))


async def test_at_the_limit_and_never_over_it(
    sqlite_db: Database, platform: TelegramDouble
) -> None:
    await sqlite_db.transact(queue, 35, 3)
    async with sending(sqlite_db, platform):
        assert await settled(sqlite_db) == {"sent": 105}
    assert_within_limits(platform, 105)


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
