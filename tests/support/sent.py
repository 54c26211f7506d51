"""What left through a sender, what reached the platform, and whether it kept to the limits there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from sqlmodel import Session, select

from bot.channels.base import Channel
from bot.delivery.sender import Sender
from storage.db import Database
from storage.models.conversations import Message
from storage.models.deliveries import Delivery
from tests.doubles.telegram import Call, TelegramDouble

PATIENCE = 30.0


@asynccontextmanager
async def sending_by(db: Database, channel: Channel) -> AsyncIterator[asyncio.Task[None]]:
    """A sender for `channel` while the context is open."""
    task = asyncio.create_task(Sender(db, channel).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def states(session: Session) -> Counter[str]:
    return Counter(session.exec(select(Delivery.state)).all())


async def settled(db: Database, patience: float = PATIENCE) -> Counter[str]:
    """Wait until nothing is queued or on its way; returns how many are in which state."""
    async with asyncio.timeout(patience):
        while (found := await db.read(states)).keys() & {"queued", "sending"}:
            await asyncio.sleep(0.2)
    return found


def rows_by_text(session: Session) -> dict[str, Delivery]:
    return {
        message.text: delivery
        for delivery, message in session.exec(select(Delivery, Message).join(Message))
    }


def assert_within_limits(platform: TelegramDouble, count: int) -> None:
    """All `count` arrived, not one was refused, and each chat has its own in order."""
    sent = platform.sent()
    assert [call.outcome for call in platform.calls] == ["sent"] * count
    assert worst_second(sent) <= 30
    assert smallest_gap(sent) >= 1
    assert in_order(sent)


def worst_second(calls: list[Call], second: float = 1) -> int:
    return max(sum(one.at <= other.at < one.at + second for other in calls) for one in calls)


def smallest_gap(calls: list[Call]) -> float:
    by_chat: dict[str, list[float]] = {}
    for call in calls:
        by_chat.setdefault(call.chat, []).append(call.at)
    return min(later - earlier for times in by_chat.values() for earlier, later in pairwise(times))


def in_order(calls: list[Call]) -> bool:
    """Whether each chat got its numbered messages in order; the same one twice is in order."""
    by_chat: dict[str, list[int]] = {}
    for call in calls:
        by_chat.setdefault(call.chat, []).append(int(call.text.partition("#")[2]))
    return all(numbers == sorted(numbers) for numbers in by_chat.values())
