"""A Bot API server: refuses what Telegram refuses, fails on demand, and keeps a log with times."""

import asyncio
import json
import random
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

OVERALL, PER_CHAT = 30, 1
"""Messages in any second: of the whole bot, and to one chat (core.telegram.org/bots/faq)."""


@dataclass
class Call:
    """One request: when it came, to which method and chat, and what became of it."""

    at: float
    method: str
    chat: str
    text: str
    outcome: str


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
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _by_chat: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: -10.0))
    _dice: random.Random = field(default_factory=lambda: random.Random(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self) -> list[Call]:
        """The messages that reached their chats, in order."""
        return [call for call in self.calls if call.outcome in ("sent", "reset after")]

    @contextmanager
    def running(self) -> Iterator["TelegramDouble"]:
        """Serve while the context is open."""
        started = threading.Event()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._serve, args=(loop, started), daemon=True)
        thread.start()
        started.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _serve(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _request(reader)) is not None:
                path, data = request
                status, answer = await self._answer(path, data)
                if status == 0:
                    _reset(writer)
                    return
                body = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        method, chat = path.rsplit("/", 1)[-1], str(data.get("chat_id", ""))
        at = monotonic()
        outcome, status, answer = self._judge(method, chat, data, at)
        self.calls.append(Call(at, method, chat, str(data.get("text", "")), outcome))
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        return status, answer

    def _judge(
        self, method: str, chat: str, data: dict[str, Any], at: float
    ) -> tuple[str, int, dict[str, Any]]:
        dice = self._dice.random()
        if method != "sendMessage":
            return "unknown", *_error(404, "Not Found")
        if not data.get("text") or len(data["text"]) > 4096:
            return "invalid", *_error(400, "Bad Request: message text is empty or too long")
        if chat in self.faults.blocked:
            return "blocked", *_error(403, "Forbidden: bot was blocked by the user")
        for outcome, share in (
            ("reset before", self.faults.reset_before),
            ("too many", self.faults.too_many),
            ("server error", self.faults.server_error),
        ):
            if dice < share:
                return outcome, *_failure(outcome)
            dice -= share
        if self.limits and self._is_too_fast(chat, at):
            return "limit", *_error(429, "Too Many Requests", {"retry_after": 1})
        self._recent.append(at)
        self._by_chat[chat] = at
        if dice < self.faults.reset_after:
            return "reset after", 0, {}
        return "sent", 200, {"ok": True, "result": {"message_id": len(self.calls) + 1}}

    def _is_too_fast(self, chat: str, at: float) -> bool:
        while self._recent and self._recent[0] <= at - 1:
            self._recent.popleft()
        return len(self._recent) >= OVERALL or at - self._by_chat[chat] < PER_CHAT


def _failure(outcome: str) -> tuple[int, dict[str, Any]]:
    if outcome == "reset before":
        return 0, {}
    if outcome == "too many":
        return _error(429, "Too Many Requests: retry after 1", {"retry_after": 1})
    return _error(502, "Bad Gateway")


def _error(
    status: int, text: str, parameters: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    extra = {"parameters": parameters} if parameters else {}
    return status, {"ok": False, "error_code": status, "description": text, **extra}


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]] | None:
    """The path and the JSON body of the next request; None at the end."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return lines[0].split(" ")[1], json.loads(body or b"{}")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection so that the other side sees a reset, not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
