"""A channel as simple as can be, and a shop with much to send."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from sqlmodel import Session

from bot.channels.base import Errand, Limits, Outgoing, Policy, Rate, Refused, TryLater, Uncertain
from bot.core.messages import Purpose
from bot.delivery import outbox
from storage.models.customers import Customer, Identity

ACCOUNT = ("telegram", "main")
TELEGRAM = Policy(Limits(overall=Rate(30, 1), per_chat=Rate(1, 1), per_group=Rate(20, 60)))


@dataclass
class PlainChannel:
    """Posts to a Bot API server, with nothing between it and the wire but an HTTP client."""

    url: str
    policy: Policy = TELEGRAM
    channel: str = ACCOUNT[0]
    account: str = ACCOUNT[1]
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=5))

    def is_group(self, chat: str) -> bool:
        return chat.startswith("-")

    async def send(self, outgoing: Outgoing) -> str:
        chat = outgoing.address.chat
        result = await self._post("sendMessage", chat, {"text": outgoing.text})
        return str(result["message_id"])

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        return await self._post(errand.kind, errand.chat, errand.details)

    async def _post(self, method: str, chat: str, details: Mapping[str, Any]) -> dict[str, Any]:
        body = {"chat_id": chat, **details}
        try:
            answer = await self.client.post(f"{self.url}/bot1:x/{method}", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TryLater(str(error)) from error
        except httpx.TransportError as error:
            raise Uncertain(f"{type(error).__name__}: {error}") from error
        found = answer.json()
        if answer.status_code == 429:
            seconds = found["parameters"]["retry_after"]
            raise TryLater("429", seconds, everyone=not self.is_group(chat))
        if answer.status_code >= 500:
            raise Uncertain(f"{answer.status_code}")
        if not found["ok"]:
            raise Refused(found["description"], blocked=answer.status_code == 403)
        result: dict[str, Any] = found["result"]
        return result


def queue(
    session: Session,
    chats: int,
    each: int,
    purpose: Purpose = Purpose.TRANSACTIONAL,
    prefix: str = "c",
    useful_until: datetime | None = None,
) -> None:
    """Say `each` numbered messages to each of `chats` chats, turn by turn."""
    conversations = []
    for number in range(chats):
        customer = Customer(name=f"{prefix}{number}")
        session.add(customer)
        session.flush()
        assert customer.id is not None
        identity = Identity(
            customer_id=customer.id,
            channel=ACCOUNT[0],
            account=ACCOUNT[1],
            chat=f"{prefix}{number}",
        )
        session.add(identity)
        session.flush()
        conversations.append(outbox.conversation_for(session, identity))
    for turn in range(each):
        for number, conversation in enumerate(conversations):
            outbox.post(
                session,
                conversation,
                f"{prefix}{number} #{turn}",
                purpose=purpose,
                useful_until=useful_until,
            )


def start_sender(database_url: str, api_url: str, channel: str = "") -> subprocess.Popen[bytes]:
    """A process of its own that sends for the account, plainly or by the `telegram` channel."""
    command = [
        sys.executable, "-m", "tests.support.sender_process", database_url, api_url, channel
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
