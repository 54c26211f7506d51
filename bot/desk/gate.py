"""Stands before everything under /desk: no login, no desk; and its pages' security policy."""

from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.desk.passes import COOKIE, Pass, Passes

POLICY: Mapping[str, str] = {
    # Vue compiles the page's templates in the browser, hence unsafe-eval and unsafe-inline.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_OPEN = ("/desk", "/desk/login", "/desk/logout")


def cookie_of(headers: Headers) -> str | None:
    """The login cookie of a request, as it was sent."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


class Gate:
    """ASGI middleware. Whether the login still stands in the tables is asked by the page.

    `seen` is told the token of each login that is used; an open page uses it all the time.
    """

    def __init__(
        self, app: ASGIApp, passes: Passes, seen: Callable[[str], None] = lambda _: None
    ) -> None:
        self._app = app
        self._passes = passes
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        is_desk = scope["type"] in ("http", "websocket") and path.startswith("/desk/")
        if not is_desk or path in _OPEN:
            await self._app(scope, receive, send)
        elif (login := self._passes.read(cookie_of(Headers(scope=scope)))) is not None:
            self._seen(login.token)
            await self._app(scope, self._heard(receive, login), _with_policy(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
        else:
            await _to_login(scope)(scope, receive, send)

    def _heard(self, receive: Receive, login: Pass) -> Receive:
        """What an open page sends, and be it that it is still there, uses the login."""

        async def receiver() -> Message:
            message = await receive()
            self._seen(login.token)
            return message

        return receiver


def _to_login(scope: Scope) -> RedirectResponse:
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"/desk/login?next={quote(wanted, safe='')}", 303, headers=headers)


def _with_policy(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in POLICY.items():
                headers[name] = value
        await send(message)

    return sender
