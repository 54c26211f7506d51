"""What an official account answers when its own work, once done, comes too late for the request."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.channels.base import Outgoing
from bot.channels.wechat import account as wechat_account
from bot.channels.wechat.account import SUCCESS, TooSlow, WeChatAccount
from bot.config import Shop
from bot.core.messages import Address, Inbound, Purpose
from bot.wechat_settings import WeChat
from tests.doubles.wechat_crypto import Seal, xml
from tests.support import world

TOKEN = "TokenOfTheTests"


@dataclass
class Taken:
    repeated: bool = False
    waiting: str = ""
    is_stale: bool = False


@dataclass
class Inside:
    """What is behind the account: takes messages at once; its reply is ready in the call `ready`."""

    ready: int
    taken: list[str] = field(default_factory=list)
    asked: int = 0

    async def take(self, inbound: Inbound) -> Taken:
        self.taken.append(inbound.text)
        return Taken()

    async def next_reply(
        self, address: Address, seconds: float, *, patient: bool
    ) -> Outgoing | None:
        self.asked += 1
        if self.asked < self.ready:
            await asyncio.sleep(seconds + 0.01)
            return None
        return Outgoing("1", address, "7 天", (), Purpose.ANSWER)


def passive(inside: Any) -> WeChatAccount:
    settings = WeChat(
        name="wx", app_id="wx0123456789abcdef", secret="a-long-secret", token=TOKEN, mode="plain",
        service_messages=False,
    )  # fmt: skip
    account = WeChatAccount(settings, world.voice(), Shop(name="小满杂货").zone)
    account.connect(inside, inside)
    return account


async def call(account: WeChatAccount) -> str:
    """The platform's next call about the same message."""
    at, nonce = str(int(time.time())), "n"
    query = {
        "timestamp": at, "nonce": nonce, "signature": Seal(TOKEN, "", "").signature(at, nonce)
    }  # fmt: skip
    about = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": 1, "MsgId": 5}
    answer = await account.take(query, xml({**about, "MsgType": "text", "Content": "怎么退货"}))
    return answer.body


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_account, "REPLY_SECONDS", 0.1)


async def test_the_platform_is_let_come_again_for_what_was_not_had_in_time() -> None:
    inside = Inside(ready=2)
    account = passive(inside)
    with pytest.raises(TooSlow):
        await call(account)
    assert "7 天" in await call(account)
    assert "7 天" in await call(account)
    assert inside.taken == ["怎么退货"]


async def test_its_last_call_is_told_how_to_have_it() -> None:
    inside = Inside(ready=9)
    account = passive(inside)
    for _ in range(2):
        with pytest.raises(TooSlow):
            await call(account)
    answer = await call(account)
    assert answer != SUCCESS
    assert "继续" in answer
    assert inside.taken == ["怎么退货"]
