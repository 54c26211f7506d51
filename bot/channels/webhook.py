"""Calls another system's webhook, as Standard Webhooks has it, and says when to try again.

github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, version 1.0.0.
"""

import asyncio
import hmac
import json
import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx
import structlog

from bot.channels.base import DeliveryError, Errand, Outgoing, Policy, Refused, TryLater
from bot.core import metrics
from bot.core.clock import now
from bot.core.errors import NotFound, Unavailable, XiaoerError
from bot.core.webhooks import CHANNEL
from bot.webhook_settings import Webhook, key_of

SECONDS = 10.0
"""How long a call may take, its answer included."""
PAUSES = (5, 60, 600, 3_600, 4 * 3_600, 8 * 3_600, 12 * 3_600)
"""Seconds before the second try, the third …: eight tries in a day and an hour."""
JITTER = 0.2
"""Of a pause, at random, comes on top, so that not all that failed together comes back together."""
IN_LINE = 100.0
"""What is tried again within so many seconds keeps its place before what followed it."""
REST = 5.0
"""For so many seconds nobody calls a system that is not there, or is under load."""
_BUSY = frozenset({429, 502, 503, 504})
LONGEST = 24 * 3_600.0
"""For so many seconds at most a system can ask for rest."""
ENOUGH = 64 * 1024
"""Bytes that are read of an answer, so that its connection can be used again."""
GONE = "410: switched off until the next start"

Body = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""What an errand of this kind, with these details, tells."""

log = structlog.get_logger()


class EndpointWrong(XiaoerError):
    """A webhook's address cannot be reached, or refuses."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered: the status, and for how many seconds rest was asked for."""

    status: int
    rest: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether the event has arrived."""
        return 200 <= self.status < 300


class Endpoint:
    """One system that is told. To the sender it is a channel on which only errands are done."""

    channel = CHANNEL
    policy = Policy(carries=frozenset())

    def __init__(self, settings: Webhook, body: Body) -> None:
        self._settings = settings
        self._body = body
        self._is_off = False

    @property
    def account(self) -> str:
        return self._settings.name

    def is_group(self, chat: str) -> bool:
        return False

    async def send(self, outgoing: Outgoing) -> str:
        """Never asked for: no message goes to a webhook."""
        raise Refused("a webhook is no chat")

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """Tell it; it is done when the system answers 2xx."""
        if self._is_off:
            raise Refused(GONE)
        try:
            body = await self._body(errand.kind, errand.details)
            answer = await self.call(str(errand.details["id"]), body)
        except NotFound as error:
            raise Refused(str(error)) from error
        except (httpx.HTTPError, TimeoutError, OSError, Unavailable) as error:
            self._count("unreached")
            raise self._again(errand.attempts, _named(error), REST) from error
        self._count("told" if answer.is_success else "refused")
        if not answer.is_success:
            raise self._failed(errand.attempts, answer)
        return {"status": answer.status}

    async def call(self, webhook_id: str, body: Mapping[str, Any]) -> Answer:
        """POST, signed. Raises `httpx.HTTPError`, `TimeoutError` or `OSError` without an answer."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed(self._settings.secret, webhook_id, int(now().timestamp()), content)
        async with (
            asyncio.timeout(SECONDS),
            self._client.stream(
                "POST", self._settings.url, content=content, headers=headers
            ) as answer,
        ):
            read = 0
            async for part in answer.aiter_raw():
                read += len(part)
                if read > ENOUGH:
                    break
            return Answer(answer.status_code, _rest(answer.headers.get("retry-after", "")))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(follow_redirects=False, timeout=SECONDS)

    def _count(self, outcome: str) -> None:
        metrics.TOLD.labels(self._settings.name, outcome).inc()

    def _failed(self, attempts: int, answer: Answer) -> DeliveryError:
        if answer.status == 410:
            self._is_off = True
            log.error(
                "a webhook wants nothing more, off until the next start", webhook=self.account
            )
            return Refused(GONE)
        rest = answer.rest or (REST if answer.status in _BUSY else 0.0)
        return self._again(attempts, str(answer.status), rest)

    def _again(self, attempts: int, reason: str, rest: float) -> DeliveryError:
        """When the next try is due; after the last one, that there is none."""
        if attempts > len(PAUSES):
            log.warning("a webhook was not told", webhook=self.account, reason=reason)
            return Refused(reason)
        pause = PAUSES[attempts - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311 (no secret)
        wait = max(pause, rest)
        return TryLater(reason, wait, alone=wait > IN_LINE, rest=rest)


def signed(secret: str, webhook_id: str, at: int, content: bytes) -> dict[str, str]:
    """The headers of a call made at `at` (seconds since 1970)."""
    digest = hmac.digest(key_of(secret), f"{webhook_id}.{at}.".encode() + content, "sha256")
    return {
        "content-type": "application/json",
        "user-agent": "Xiaoer-Webhooks",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


async def check(settings: Webhook) -> str:
    """Whether the address can be reached, without telling it anything. Raises `EndpointWrong`."""
    try:
        async with httpx.AsyncClient(follow_redirects=False, timeout=SECONDS) as client:
            answer = await client.head(settings.url)
    except (httpx.HTTPError, OSError) as error:
        raise EndpointWrong(
            f"连不上 {settings.url}（{_named(error)}）。请检查网络或 url。",
            f"{settings.url} cannot be reached ({_named(error)}). Check the network or the url.",
        ) from error
    return f"{settings.url} answers 有应答 ({answer.status_code}); to try it: webhooks test"


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _rest(retry_after: str) -> float:
    """The seconds that `Retry-After` asks for, a number or a date (RFC 9110, 10.2.3)."""
    try:
        if retry_after.isdecimal():
            seconds = float(retry_after)
        else:
            moment = parsedate_to_datetime(retry_after)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds()
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), LONGEST)
