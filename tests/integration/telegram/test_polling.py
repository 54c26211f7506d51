"""Asking for updates: nothing is confirmed before its commit, and what is wrong is said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.channels.telegram import dispatch, polling
from bot.channels.telegram.client import Client, connect
from bot.channels.telegram.dispatch import Dispatch
from bot.config import Telegram
from bot.core.errors import Unavailable
from bot.core.messages import Address, Inbound
from bot.dialogue.receive import Received
from storage.db import Database
from storage.ownership import Ownership
from tests.doubles.bot_api import Webhook
from tests.doubles.telegram import TelegramDouble
from tests.support import world
from tests.support.telegram import TOKEN, Customer


class Always:
    """The duty of a process that is alone."""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        yield

    async def is_ours(self) -> bool:
        return True


def client_of(platform: TelegramDouble) -> Client:
    return connect(Telegram(name="shop", token=TOKEN, api_base_url=platform.url))


@asynccontextmanager
async def polled(
    platform: TelegramDouble, take: Callable[[Mapping[str, Any]], Awaitable[None]]
) -> AsyncIterator[None]:
    task = asyncio.create_task(polling.poll(client_of(platform), "shop", take, Always()))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_was_not_committed_is_asked_for_again(
    platform: TelegramDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "RETRY_SECONDS", 0.05)
    texts: list[str] = []
    broken = True

    async def take(raw: Mapping[str, Any]) -> None:
        text = raw["message"]["text"]
        texts.append(text)
        if broken and text == "two":
            raise Unavailable("x", "x")

    ann = Customer(platform, 1)
    platform.push(*(ann.message(text) for text in ("one", "two", "three")))
    async with polled(platform, take):
        await until(lambda: len(texts) >= 6)
        assert texts[:6] == ["one", "two", "three"] * 2
        assert len(platform.api.pending) == 3
        broken = False
        await until(lambda: not platform.api.pending)
    offsets = [int(call.data["offset"]) for call in platform.called("getUpdates")]
    assert set(offsets[:-1]) == {0}
    assert offsets[-1] > 500_000


async def test_one_update_that_fails_for_good_holds_up_no_other(platform: TelegramDouble) -> None:
    taken: list[str] = []

    async def take(raw: Mapping[str, Any]) -> None:
        if raw["message"]["text"] == "bad":
            raise ZeroDivisionError
        taken.append(raw["message"]["text"])

    ann = Customer(platform, 1)
    platform.push(ann.message("bad"), ann.message("good"))
    with capture_logs() as logs:
        async with polled(platform, take):
            await until(lambda: not platform.api.pending)
    assert taken == ["good"]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == [
        "an update is left out"
    ]


async def test_a_webhook_in_the_way_is_named_and_left_alone(
    platform: TelegramDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "WRONG_SECONDS", 0.05)
    platform.api.webhook = Webhook("https://elsewhere.example/hook")
    taken: list[Any] = []

    async def take(raw: Mapping[str, Any]) -> None:
        taken.append(raw)

    with capture_logs() as logs:
        async with polled(platform, take):
            await until(lambda: len(platform.called("getUpdates")) >= 2)
            assert platform.api.webhook.url == "https://elsewhere.example/hook"
            platform.api.webhook = Webhook()
            Customer(platform, 1).say("hello")
            await until(lambda: taken)
    said = next(log["event"] for log in logs if log["log_level"] == "error")
    assert "deleteWebhook" in said
    assert platform.called("deleteWebhook") == platform.called("setWebhook") == []


async def test_another_program_with_the_same_token_is_named(
    platform: TelegramDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "WRONG_SECONDS", 5)

    async def take(_raw: Mapping[str, Any]) -> None: ...

    with capture_logs() as logs:
        async with polled(platform, take):
            await until(lambda: platform.called("getUpdates"))
            await client_of(platform).get_updates(timeout=0)
            await until(lambda: any(log["log_level"] == "error" for log in logs))


async def test_of_two_processes_one_polls_and_the_other_takes_over(
    platform: TelegramDouble, postgres_url: str
) -> None:
    first, second = Database(postgres_url), Database(postgres_url)
    takers: list[str] = []

    def run(db: Database, name: str) -> asyncio.Task[None]:
        async def take(_raw: Mapping[str, Any]) -> None:
            takers.append(name)

        duty = Ownership(db, "polling:telegram:shop")
        return asyncio.create_task(polling.poll(client_of(platform), "shop", take, duty))

    tasks = [run(first, "first")]
    ann = Customer(platform, 1)
    ann.say("one")
    await until(lambda: takers == ["first"])
    tasks.append(run(second, "second"))
    await asyncio.sleep(1.5)
    ann.say("two")
    await until(lambda: takers == ["first", "first"])
    assert {call.outcome for call in platform.called("getUpdates")} <= {"ok", "under way"}
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    ann.say("three")
    await until(lambda: takers[2:] and takers[-1] == "second")
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    for db in (first, second):
        db.close()


class Slow:
    """An inlet that takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def take(self, inbound: Inbound) -> Received:
        await asyncio.sleep(self._seconds)
        return Received(1, repeated=False)

    async def note_block(self, address: Address, *, is_blocked: bool) -> None: ...


@pytest.mark.parametrize(("seconds", "shown"), [(0.3, True), (0.0, False)])
async def test_typing_is_shown_while_an_answer_is_slow(
    platform: TelegramDouble, monkeypatch: pytest.MonkeyPatch, seconds: float, shown: bool
) -> None:
    monkeypatch.setattr(dispatch, "TYPING_AFTER", 0.05)
    taking = Dispatch(client_of(platform), "shop", Slow(seconds), world.voice(), 1000)
    await taking.take(Customer(platform, 7).message("how long?"))
    await taking.close()
    assert [call.chat for call in platform.called("sendChatAction")] == (["7"] if shown else [])
