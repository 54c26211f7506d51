"""Nothing below /desk is served to strangers."""

from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from bot.desk.gate import Gate
from bot.desk.login import safe_target
from bot.desk.passes import COOKIE, Passes

PASSES = Passes("a-secret-of-the-desk")


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("inside")(scope, receive, send)


def browser(cookie: str = "") -> AsyncClient:
    return AsyncClient(
        transport=ASGITransport(Gate(inner, PASSES)),
        base_url="http://shop.test",
        cookies={COOKIE: cookie} if cookie else {},
    )


@pytest.mark.parametrize("path", ["/desk/", "/desk/?c=7", "/desk/_nicegui/x.js", "/desk/login/x"])
@pytest.mark.parametrize(
    "cookie", ["", "forged", Passes("other").issue("a login")], ids=["none", "forged", "other key"]
)
async def test_strangers_are_sent_to_the_login(path: str, cookie: str) -> None:
    async with browser(cookie) as client:
        answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/desk/login?next=%2Fdesk%2F")
    assert answer.text == ""


@pytest.mark.parametrize("path", ["/", "/desk", "/desk/login", "/desk/logout", "/deskside"])
async def test_the_rest_is_not_its_business(path: str) -> None:
    async with browser() as client:
        answer = await client.get(path)
    assert answer.text == "inside"
    assert "content-security-policy" not in answer.headers


async def test_agents_pass_and_their_pages_have_a_policy() -> None:
    async with browser(PASSES.issue("a login")) as client:
        answer = await client.get("/desk/")
    assert answer.text == "inside"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("cookie", [b"", b"xiaoer_desk=forged"])
async def test_a_socket_without_login_is_closed(cookie: bytes) -> None:
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/desk/_nicegui_ws/socket.io/",
        "headers": [(b"cookie", cookie)],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Gate(inner, PASSES)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 4401}]


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/desk/", "/desk/"),
        ("/desk/?c=12", "/desk/?c=12"),
        ("/desk/numbers?days=7", "/desk/numbers?days=7"),
        ("", "/desk/"),
        ("/", "/desk/"),
        ("https://evil.example/desk/?c=1", "/desk/"),
        ("//evil.example/desk/?c=1", "/desk/"),
        ("/\\evil.example/desk/", "/desk/"),
        ("\\\\evil.example", "/desk/"),
        ("/desk/../../evil?c=1", "/desk/"),
        ("/desk//evil.example", "/desk/"),
        ("/desk/login?next=/desk/", "/desk/"),
        ("/desk/logout", "/desk/"),
        ("/desk/files/3", "/desk/"),
        ("javascript:alert(1)", "/desk/"),
        ("/desk/?c=1\r\nset-cookie: a=b", "/desk/"),
    ],
)
def test_after_the_login_one_lands_at_the_desk(wanted: str, target: str) -> None:
    assert safe_target(wanted) == target
