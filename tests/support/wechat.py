"""Customers of official accounts, and a service that is their shop."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlmodel import col, select

from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_app import Posting, Shown
from tests.doubles.wechat_official import OfficialAccount
from tests.support.listening import Listener
from tests.support.service import HTTP, Service
from tests.support.waiting import until

SECRET, TOKEN = "the-secret-of-the-tests", "TokenOfTheTests"
KEY, OLD_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "Z" * 42 + "A"


def section(account: OfficialAccount, name: str, url: str, more: str = "") -> str:
    """A `[[wechat]]` section for an account of the double."""
    return f"""
    [[wechat]]
    name = "{name}"
    app_id = "{account.app_id}"
    secret = "{account.secret}"
    token = "{account.token}"
    aes_key = "{account.aes_key}"
    mode = "{account.mode}"
    service_messages = {str(account.service_messages).lower()}
    api_base_url = "{url}"
    {more}
    """


def account(double: WeChatDouble, number: int, **more: Any) -> OfficialAccount:
    """A new account at the double."""
    return double.official(f"wx00000000000000{number:02x}", SECRET, TOKEN, KEY, **more)


@dataclass
class Follower(Listener):
    """One customer of an official account."""

    account: OfficialAccount
    openid: str = field(default_factory=lambda: "o" + secrets.token_hex(12))

    @property
    def got(self) -> list[Shown]:
        """All that the customer sees."""
        return self.account.seen[self.openid]

    def say(self, text: str, **more: Any) -> Posting:
        """Write; returns when the platform has done with it."""
        return self.account.write(self.openid, text, **more).result()

    def pause(self) -> None:
        """Begin a new second: the platform's times have no fractions, so what was sent in the same
        one may have been sent after the customer wrote."""
        begun = int(time.time())
        until(lambda: int(time.time()) > begun)

    def press(self, label: str) -> str:
        """Press a line of the newest menu and wait for what comes back."""
        self.account.press(self.openid, label).result()
        return self.next()


def post(
    shop: Service,
    account: OfficialAccount,
    name: str,
    values: dict[str, Any],
    change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]] = lambda q, b: (q, b),
    when: int | None = None,
    nonce: str = "",
) -> httpx.Response:
    """A callback as the platform makes it, changed by `change`."""
    query, body = account.sealed(
        values, str(int(time.time()) if when is None else when), nonce or secrets.token_hex(5)
    )
    query, body = change(query, body)
    return HTTP.post(f"{shop.url}/wechat/{name}?{urlencode(query)}", content=body)


def text_of(account: OfficialAccount, openid: str, text: str, number: int = 0) -> dict[str, Any]:
    """A text message that is not posted yet."""
    return {
        "ToUserName": account.name, "FromUserName": openid, "CreateTime": int(time.time()),
        "MsgType": "text", "Content": text, "MsgId": number or secrets.randbits(60),
    }  # fmt: skip


def states(shop: Service, openid: str) -> list[str]:
    """How far each delivery to a chat is, oldest first."""
    query = select(Delivery.state).where(Delivery.chat == openid).order_by(col(Delivery.id))
    return shop.look(lambda session: list(session.exec(query)))


def conversation(shop: Service, openid: str) -> int:
    """The id of the chat's newest conversation."""
    query = (
        select(Conversation.id)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .where(Identity.chat == openid)
        .order_by(col(Conversation.id).desc())
    )
    return int(shop.look(lambda session: session.exec(query).first()) or 0)
