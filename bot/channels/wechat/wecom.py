"""A WeCom app: tells agents things in WeCom, where they are members."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.base import Errand, Limits, Outgoing, Policy, Rate, Refused
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.endpoint import Answer
from bot.channels.wechat.envelope import Envelope
from bot.channels.wechat.errors import FAILURES, delivery_error
from bot.wechat_settings import WeChat

POLICY = Policy(Limits(per_chat=Rate(30, 110)), carries=frozenset())
"""30 messages a minute and 1,000 an hour to a member, and what is more is dropped without a word
(developer.work.weixin.qq.com/document/path/90312): 30 in 110 s keeps both. No customer is written
to here."""
MAX_TEXT = 2048
"""Longest text in bytes; the platform cuts off what is more (…/path/90236)."""


@dataclass
class WecomChannel:
    """One app as the sender sees it; a chat is a member's user id."""

    client: Client
    account: str
    policy: Policy = POLICY
    channel: str = CHANNEL

    def is_group(self, chat: str) -> bool:
        """Never: each member is told by themselves."""
        return False

    async def send(self, outgoing: Outgoing) -> str:
        """No customer is a member."""
        raise Refused("a WeCom app writes to colleagues only")

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """`notify` a member."""
        text = str(errand.details["text"]).encode()[:MAX_TEXT].decode(errors="ignore")
        data = {
            "touser": errand.chat,
            "agentid": self.client.settings.agent_id,
            "msgtype": "text",
            "text": {"content": text},
        }
        try:
            found = await self.client.post("/cgi-bin/message/send", data)
        except FAILURES as error:
            raise delivery_error(error) from error
        if found.get("invaliduser"):
            raise Refused("no such member, or not in the app's range")
        return {"message_id": str(found.get("msgid", ""))}


class WecomApp:
    """What the service runs for one `[[wechat]]` section of kind `wecom`."""

    def __init__(self, settings: WeChat) -> None:
        self.settings = settings
        self.name = settings.name
        self.client = Client(settings)
        self.channel = WecomChannel(self.client, settings.name)

    def close(self) -> None:
        """Close the connections, when nothing is to be sent any more."""
        self.client.close()


class WecomCallback:
    """What the platform calls for an app: the console's question is answered, the rest is heard."""

    def __init__(self, settings: WeChat) -> None:
        self._envelope = Envelope(settings)

    def greet(self, query: Mapping[str, str]) -> str:
        """The answer to the console's question. Raises `Forged` and `Unreadable`."""
        return self._envelope.greet(query)

    async def take(self, query: Mapping[str, str], body: bytes) -> Answer:
        """Nothing that members write to the app means anything to us. Raises as `greet`."""
        self._envelope.open(query, body)
        return Answer()
