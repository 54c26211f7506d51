"""A webhook is called as Standard Webhooks has it, and tried again as it answers."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bot.channels import webhook
from bot.channels.base import DeliveryError, Errand, Refused, TryLater
from bot.channels.webhook import JITTER, PAUSES, REST, Endpoint, signed
from bot.config import ROOT
from bot.core.clock import now
from bot.core.errors import NotFound, Unavailable
from bot.webhook_settings import Webhook
from tests.doubles.serving import RESET, Reply
from tests.doubles.webhook import SECRET, WebhookDouble
from tests.support.service import free_port

DETAILS = {"id": "msg_0123456789abcdef"}


async def body(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": now().isoformat(), "data": {"text": "你好 👋"}}


def endpoint(url: str, secret: str = SECRET) -> Endpoint:
    return Endpoint(Webhook(name="crm", url=url, secret=secret), body)


def errand(attempts: int = 1) -> Errand:
    return Errand("1", "7", "7 told", "message.created", DETAILS, False, attempts)


async def error_of(one: Endpoint, attempts: int = 1) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await one.run(errand(attempts))
    return caught.value


def test_the_signature_is_the_one_that_others_make() -> None:
    """As the libraries for Standard Webhooks sign this in their own tests."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        b'{"test": 2432232314}',
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_documented_check_takes_what_is_signed_and_nothing_else() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], scope)
    verify, at = scope["verify"], int(now().timestamp())
    verify(SECRET, signed(SECRET, "msg_1", at, b"{}"), b"{}")
    for secret, moment, content in (
        ("whsec_" + "a" * 32, at, b"{}"),
        (SECRET, at - 600, b"{}"),
        (SECRET, at, b"{ }"),
    ):
        with pytest.raises(ValueError, match=r"signature|old"):
            verify(SECRET, signed(secret, "msg_1", moment, content), b"{}")


async def test_what_is_told_arrives_signed(crm: WebhookDouble) -> None:
    one = endpoint(crm.url)
    assert await one.run(errand()) == {"status": 204}
    await one.close()
    [call] = crm.calls
    assert (call["id"], call["type"]) == (DETAILS["id"], "message.created")
    assert call["data"] == {"text": "你好 👋"}


async def test_a_wrong_secret_is_refused(crm: WebhookDouble) -> None:
    error = await error_of(endpoint(crm.url, "whsec_" + "a" * 32))
    assert isinstance(error, TryLater)
    assert error.reason == "401"
    assert crm.calls == []
    assert crm.forged.pop().startswith("signature")


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_anything_but_2xx_is_tried_again_later_and_later(
    crm: WebhookDouble, status: int
) -> None:
    elsewhere = Reply(b"", status, headers=(("location", crm.url),))
    one = endpoint(crm.url)
    for attempts, pause in enumerate(PAUSES, 1):
        crm.answers.append(elsewhere)
        error = await error_of(one, attempts)
        assert isinstance(error, TryLater)
        assert error.seconds is not None
        assert pause <= error.seconds <= pause * (1 + JITTER)
        assert error.alone == (attempts > 2)
        assert not error.rest
    assert {one["status"] for one in crm.calls} == {status}, "no redirect was followed"
    crm.answers.append(elsewhere)
    error = await error_of(one, len(PAUSES) + 1)
    assert isinstance(error, Refused)
    assert error.reason == str(status)


async def test_no_answer_no_connection_or_a_broken_one(
    crm: WebhookDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.answers.append(RESET)
    assert isinstance(await error_of(endpoint(crm.url)), TryLater)
    away = await error_of(endpoint(f"http://127.0.0.1:{free_port()}/"))
    assert isinstance(away, TryLater)
    assert "ConnectError" in away.reason
    assert away.rest == REST
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    crm.blocks = threading.Event()
    late = await error_of(endpoint(crm.url))
    crm.blocks.set()
    crm.blocks = None
    assert isinstance(late, TryLater)
    assert "Timeout" in late.reason


async def test_an_endless_answer_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says 200 and goes on and on: that is heard, and no more of it is read than is useful."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0, family=socket.AF_INET)
    one = endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks")
    assert await one.run(errand()) == {"status": 200}
    await one.close()
    server.close()


async def test_retry_after_is_kept(crm: WebhookDouble) -> None:
    soon = format_datetime(now() + timedelta(seconds=90), usegmt=True)
    for asked, low, high in (("30", 30, 30), (soon, 80, 90), ("9999999", 86400, 86400)):
        crm.answers.append(Reply(b"", 429, headers=(("retry-after", asked),)))
        error = await error_of(endpoint(crm.url))
        assert isinstance(error, TryLater)
        assert error.seconds is not None
        assert low <= error.seconds <= high
        assert error.seconds == error.rest, "nothing else is sent meanwhile"
    for asked in ("1", "soon"):  # not earlier than by our own pauses
        crm.answers.append(Reply(b"", 503, headers=(("retry-after", asked),)))
        error = await error_of(endpoint(crm.url))
        assert isinstance(error, TryLater)
        assert (error.seconds or 0) >= PAUSES[0]


async def test_410_switches_it_off(crm: WebhookDouble) -> None:
    one = endpoint(crm.url)
    crm.answers.append(Reply(b"", 410))
    for _ in range(2):
        with pytest.raises(Refused, match="switched off until the next start"):
            await one.run(errand())
    await one.close()
    assert len(crm.calls) == 1
    again = endpoint(crm.url)
    assert await again.run(errand()) == {"status": 204}
    await again.close()


@pytest.mark.parametrize(
    ("error", "kind"), [(Unavailable("休", "rests"), TryLater), (NotFound("无", "gone"), Refused)]
)
async def test_without_its_words_nothing_is_sent(
    crm: WebhookDouble, error: Exception, kind: type[DeliveryError]
) -> None:
    async def none(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
        raise error

    one = Endpoint(Webhook(name="crm", url=crm.url, secret=SECRET), none)
    assert isinstance(await error_of(one), kind)
    assert crm.calls == []
