"""Another system's webhook: it takes what is rightly signed, and refuses all else."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.doubles.serving import HttpServer, Reply, Request

SECRET = "whsec_" + base64.b64encode(b"known to two: shop and crm").decode()
OK = Reply(b"", 204)


class WebhookDouble:
    """Answers as it is told to, in turn, and 204 afterwards; a handler may be slow, or die."""

    def __init__(self, secret: str = SECRET) -> None:
        self.answers: list[Reply] = []
        self.calls: list[dict[str, Any]] = []
        """Each event that came, with its id as `id` and what was answered as `status`."""
        self.forged: list[str] = []
        self.blocks: threading.Event | None = None
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._server = HttpServer(self._handle)
        self._news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/hooks"

    @contextmanager
    def running(self) -> Iterator["WebhookDouble"]:
        with self._server.running():
            yield self

    def wait(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """The events taken, each once, as soon as there are `count` of them."""
        with self._news:
            found = self._news.wait_for(lambda: len(self.taken()) >= count, seconds)
        assert found, f"{count} events did not come: {self.calls} {self.forged}"
        return self.taken()

    def taken(self) -> list[dict[str, Any]]:
        """What was answered 2xx, without repetitions."""
        return list({one["id"]: one for one in self.calls if one["status"] < 300}.values())

    def types(self) -> list[str]:
        return [one["type"] for one in self.taken()]

    async def _handle(self, request: Request) -> Reply:
        reply = self._judge(request)
        if self.blocks is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.blocks.wait, 30)
        return reply

    def _judge(self, request: Request) -> Reply:
        wrong = self._wrong(request)
        with self._news:
            if wrong:
                self.forged.append(wrong)
                return Reply(b"", 401)
            reply = self.answers.pop(0) if self.answers else OK
            call = {"id": request.headers["webhook-id"], "status": reply.status}
            self.calls.append(call | json.loads(request.body))
            self._news.notify_all()
        return reply

    def _wrong(self, request: Request) -> str:
        """What a receiver that reads the specification objects to."""
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        its_id, at, given = (request.headers.get(name, "") for name in names)
        signed = f"{its_id}.{at}.".encode() + request.body
        digest = hmac.new(self._key, signed, hashlib.sha256).digest()
        right = "v1," + base64.b64encode(digest).decode()
        if (request.method, request.path) != ("POST", "/hooks"):
            return f"{request.method} {request.path}"
        if not re.fullmatch(r"msg_[A-Za-z0-9_-]{16,}", its_id):
            return f"id {its_id}"
        if not at.isdecimal() or abs(time.time() - int(at)) > 300:
            return f"timestamp {at}"
        if not any(hmac.compare_digest(one, right) for one in given.split(" ")):
            return f"signature {given}"
        if request.headers.get("content-type") != "application/json":
            return "content-type"
        body = request.json()
        if set(body) != {"type", "timestamp", "data"} or len(request.body) > 20_000:
            return f"body {request.body!r}"
        return ""
