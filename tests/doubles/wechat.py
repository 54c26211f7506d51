"""WeChat's servers: official accounts, 微信客服 and WeCom, over real HTTP.

They refuse what the platform refuses, fail on demand, call the shop back signed and encrypted, and
keep a log with times. Written from the platform's documentation alone. What is asked of
`api.weixin.qq.com` and `qyapi.weixin.qq.com` is answered at one address; the token says which app
is meant.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from tests.doubles.serving import RESET, HttpServer, Reply, Request
from tests.doubles.wechat_app import App, wrong
from tests.doubles.wechat_corp import WecomApp
from tests.doubles.wechat_kf import KfApp
from tests.doubles.wechat_official import OfficialAccount

T = TypeVar("T", bound=App)
TOKENS = ("stable_token", "token", "gettoken")


@dataclass(slots=True)
class Call:
    """One request: when it came, which interface of which app, and what became of it.

    `outcome` is `ok`, an errcode, or the fault that was scripted.
    """

    at: float
    path: str
    app_id: str
    data: dict[str, Any]
    outcome: str = "under way"


@dataclass(slots=True)
class Fault:
    """What goes wrong, and how many more times: `5xx`, `reset before`, `reset after`, `slow`
    (answered after `seconds`, having taken effect), `busy` (-1), or an errcode."""

    what: str
    times: int = 1
    seconds: float = 0.0


@dataclass
class WeChatDouble:
    """All apps of the tests at one address."""

    second: float = 1.0
    """How long a second of the platform's patience with callbacks lasts."""
    ahead: float = 0.0
    """How far the platform's clock, for windows and tokens, is ahead."""
    calls: list[Call] = field(default_factory=list)
    apps: dict[tuple[str, str], App] = field(default_factory=dict)
    _faults: dict[str, list[Fault]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server = HttpServer(self._answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._server.loop

    @contextmanager
    def running(self) -> Iterator["WeChatDouble"]:
        """Serve while the context is open."""
        with self._server.running():
            yield self

    def official(
        self, app_id: str, secret: str, token: str, aes_key: str, **more: Any
    ) -> OfficialAccount:
        """A new official account."""
        return self._add(OfficialAccount(self, app_id, secret, token, aes_key, **more))

    def kf(self, corp_id: str, secret: str, token: str, aes_key: str, **more: Any) -> KfApp:
        """微信客服 of a new company; `accounts` are its 客服帐号, by id."""
        return self._add(KfApp(self, corp_id, secret, token, aes_key, **more))

    def wecom(self, corp_id: str, secret: str, token: str, aes_key: str, **more: Any) -> WecomApp:
        """A new app of a company."""
        return self._add(WecomApp(self, corp_id, secret, token, aes_key, **more))

    def _add(self, app: T) -> T:
        self.apps[app.app_id, app.secret] = app
        return app

    def pass_time(self, seconds: float) -> None:
        """Windows and tokens grow older at once."""
        self.ahead += seconds

    def fail(self, path: str, what: str, times: int = 1, seconds: float = 0.0) -> None:
        """The next calls of an interface (`message/custom/send`) go wrong."""
        self._faults.setdefault(path, []).append(Fault(what, times, seconds))

    def called(self, path: str) -> list[Call]:
        """The calls of one interface, in order."""
        return [call for call in self.calls if call.path == path]

    # -- answering

    async def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/video/"):
            return self._video(request.path.removeprefix("/video/"))
        path = request.path.removeprefix("/cgi-bin/")
        token = request.query.get("access_token", "")
        app = self._of_token(token)
        call = Call(monotonic(), path, app.app_id if app else "", _data(request))
        self.calls.append(call)
        fault = self._fault(path)
        if fault is not None and fault.what not in ("reset after", "slow"):
            call.outcome = fault.what
            return await _failure(fault)
        reply = await self._served(path, token, app, request, call)
        if fault is not None:
            call.outcome = fault.what
            await asyncio.sleep(fault.seconds)
        return RESET if fault is not None and fault.what == "reset after" else reply

    async def _served(
        self, path: str, token: str, app: App | None, request: Request, call: Call
    ) -> Reply:
        found: dict[str, Any] | Reply
        if path in TOKENS:
            found = self._token(path, request)
        elif not token:
            found = wrong(41001, "access_token missing")
        elif app is None:
            found = wrong(40001, "invalid credential")
        else:
            found = app.refusal(token) or await app.call(path, request)
        if isinstance(found, Reply):
            call.outcome = "ok"
            return found
        call.outcome = str(found.get("errcode") or "ok")
        return Reply.json(found)

    def _token(self, path: str, request: Request) -> dict[str, Any]:
        data = {**request.query, **request.json()}
        if path == "gettoken":
            app_id, secret = data.get("corpid", ""), data.get("corpsecret", "")
        else:
            app_id, secret = data.get("appid", ""), data.get("secret", "")
            if data.get("grant_type") != "client_credential":
                return wrong(40002, "invalid grant_type")
        if path == "stable_token" and request.method != "POST":
            return wrong(43002, "require POST method")
        app = self.apps.get((app_id, secret))
        if app is None:
            is_known = any(known == app_id for known, _ in self.apps)
            refused = 40001 if path == "gettoken" else 40125
            return wrong(refused if is_known else 40013, "invalid appsecret or appid")
        if not app.lets_in and path != "gettoken":
            return wrong(40164, "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist")
        found = app.access_token(fresh=path == "token" or bool(data.get("force_refresh")))
        return found if path != "gettoken" else {"errcode": 0, "errmsg": "ok", **found}

    def _of_token(self, token: str) -> App | None:
        """Whose token it is or was: it begins with the app's id."""
        for app in self.apps.values():
            if token in app.tokens:
                return app
        app_id = token.rpartition("-")[0]
        return next((app for (known, _), app in self.apps.items() if known == app_id), None)

    def _fault(self, path: str) -> Fault | None:
        waiting = self._faults.get(path, [])
        if not waiting:
            return None
        fault = waiting[0]
        fault.times -= 1
        if fault.times <= 0:
            waiting.pop(0)
        return fault

    def _video(self, number: str) -> Reply:
        for app in self.apps.values():
            if number in app.media:
                name, mime, content = app.media[number]
                return Reply(content, kind=mime, name=name)
        return Reply(b"", 404)


async def _failure(fault: Fault) -> Reply:
    if fault.what == "reset before":
        return RESET
    if fault.what == "5xx":
        return Reply(b"<html>502 Bad Gateway</html>", 502, "text/html")
    return Reply.json(wrong(-1 if fault.what == "busy" else int(fault.what), "system busy"))


def _data(request: Request) -> dict[str, Any]:
    """What the log keeps: the values, without secrets and files."""
    values = {**request.query, **request.json()}
    return {name: one for name, one in values.items() if name not in ("access_token", "secret")}
