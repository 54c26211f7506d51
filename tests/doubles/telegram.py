"""A Bot API server: refuses what Telegram refuses, fails on demand, and keeps a log with times."""

import asyncio
import json
import random
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from tests.doubles.answers import Answer, error
from tests.doubles.bot_api import UPLOADS, BotApi
from tests.doubles.serving import RESET, HttpServer, Reply, Request

OVERALL, PER_CHAT, PER_GROUP = 30, 1, 20
"""Messages in any second: of the whole bot, and to one chat; and to one group in a minute
(core.telegram.org/bots/faq)."""
GROUP_DEEDS = (
    "createForumTopic", "closeForumTopic", "reopenForumTopic", "pinChatMessage", "copyMessage",
    "editMessageText", "editMessageCaption", *UPLOADS,
)  # fmt: skip
"""What counts in a group besides messages."""


@dataclass
class Call:
    """One request: when it came, to which method and chat, and what became of it."""

    at: float
    method: str
    chat: str
    text: str
    outcome: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Faults:
    """Shares (0–1) of requests that fail: refused with 429, reset before or after they count."""

    too_many: float = 0.0
    reset_before: float = 0.0
    reset_after: float = 0.0
    server_error: float = 0.0
    delay: float = 0.0
    blocked: frozenset[str] = frozenset()


@dataclass
class TelegramDouble:
    """Serves `/bot<token>/<method>` on a port of its own, in a thread of its own."""

    faults: Faults = field(default_factory=Faults)
    limits: bool = True
    second: float = 1
    group_seconds: float = 60
    per_chat: float = PER_CHAT
    calls: list[Call] = field(default_factory=list)
    api: BotApi = field(default_factory=BotApi)
    _in_groups: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _recent: deque[float] = field(default_factory=deque)
    _by_chat: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: -10.0))
    _dice: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self._server = HttpServer(self._handle)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def sent(self) -> list[Call]:
        """The messages that reached their chats, in order."""
        return [call for call in self.calls if call.outcome in ("sent", "reset after")]

    def called(self, method: str) -> list[Call]:
        """The calls of one method, in order."""
        return [call for call in self.calls if call.method == method]

    def push(self, *updates: dict[str, Any]) -> None:
        """These things happen, in this order."""
        for update in updates:
            self._server.loop.call_soon_threadsafe(self.api.add, update)

    @contextmanager
    def running(self) -> Iterator["TelegramDouble"]:
        """Serve while the context is open."""
        with self._server.running():
            yield self

    async def _handle(self, request: Request) -> Reply:
        if request.path.startswith("/file/"):
            content = self.api.files.get(request.path.rsplit("/", 1)[-1])
            return Reply(b"", 404) if content is None else Reply(content)
        values = _values(request)
        status, answer = await self._answer(request.path, values)
        return RESET if status == 0 else Reply.json(answer, status)

    async def _answer(self, path: str, data: dict[str, Any]) -> Answer:
        method, chat = path.rsplit("/", 1)[-1], str(data.get("chat_id", ""))
        at = monotonic()
        if self.api.token and path != f"/bot{self.api.token}/{method}":
            outcome, (status, answer) = "unauthorized", error(401, "Unauthorized")
        elif method == "sendMessage":
            outcome, (status, answer) = self._send(chat, data, at)
        else:
            call = Call(at, method, chat, str(data.get("text", "")), "under way", data)
            self.calls.append(call)
            if self._is_over(method, chat, at):
                status, answer = error(429, "Too Many Requests", {"retry_after": 1})
            else:
                status, answer = await self.api.call(method, data)
            call.outcome = "ok" if answer["ok"] else answer["description"]
            return status, answer
        self.calls.append(Call(at, method, chat, str(data.get("text", "")), outcome, data))
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        return status, answer

    def _send(self, chat: str, data: dict[str, Any], at: float) -> tuple[str, Answer]:
        dice = self._dice.random()
        refused = self.api.refusal(data)
        if refused is not None:
            return "invalid", refused
        if chat in self.faults.blocked:
            return "blocked", error(403, "Forbidden: bot was blocked by the user")
        for outcome, share in (
            ("reset before", self.faults.reset_before),
            ("too many", self.faults.too_many),
            ("server error", self.faults.server_error),
        ):
            if dice < share:
                return outcome, _failure(outcome)
            dice -= share
        if self.limits and self._is_too_fast(chat, at):
            return "limit", error(429, "Too Many Requests", {"retry_after": 1})
        self._recent.append(at)
        self._by_chat[chat] = at
        answer = self.api.store(data)
        return ("reset after", (0, {})) if dice < self.faults.reset_after else ("sent", answer)

    def _is_over(self, method: str, chat: str, at: float) -> bool:
        """Whether something but a text is too much just now; a copy to one person is a message."""
        if not self.limits or method not in GROUP_DEEDS:
            return False
        if chat.startswith("-") or method not in ("copyMessage", *UPLOADS):
            return self._is_too_much(chat, at)
        if self._is_too_fast(chat, at):
            return True
        self._recent.append(at)
        self._by_chat[chat] = at
        return False

    def _is_too_fast(self, chat: str, at: float) -> bool:
        while self._recent and self._recent[0] <= at - self.second:
            self._recent.popleft()
        if self._is_too_much(chat, at):
            return True
        return len(self._recent) >= OVERALL or at - self._by_chat[chat] < self.per_chat

    def _is_too_much(self, chat: str, at: float) -> bool:
        """Whether a group has had all that it may get in a minute; if not, this counts."""
        group = self._in_groups[chat]
        while group and group[0] <= at - self.group_seconds:
            group.popleft()
        if not chat.startswith("-") or len(group) >= PER_GROUP:
            return chat.startswith("-")
        group.append(at)
        return False


def _failure(outcome: str) -> Answer:
    if outcome == "reset before":
        return 0, {}
    if outcome == "too many":
        return error(429, "Too Many Requests: retry after 1", {"retry_after": 1})
    return error(502, "Bad Gateway")


def _values(request: Request) -> dict[str, Any]:
    """A body as JSON, or as a form whose fields may be JSON themselves; files are bytes."""
    kind, body = request.headers.get("content-type", ""), request.body
    if "multipart" in kind:
        parts = request.files().items()
        return {
            name: (file, content) if file else content.decode()
            for name, (file, _, content) in parts
        }
    if "json" in kind or not body:
        found: dict[str, Any] = json.loads(body or b"{}")
        return found
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {
        key: json.loads(value) if re.match(r"[\[{]", value) and key in _NESTED else value
        for key, value in form.items()
    }


_NESTED = (
    "reply_parameters",
    "allowed_updates",
    "commands",
    "reply_markup",
    "link_preview_options",
    "entities",
)
