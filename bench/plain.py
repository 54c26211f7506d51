"""A chat bot as most people would write it, to compare with: it speaks the same chat socket.

FastAPI and uvicorn, as ours. A message is acknowledged, put into a queue in memory, answered by
one worker with rapidfuzz (`process.extractOne` over the phrasings of the same FAQ, with a cutoff)
and stored with its answer by `sqlite3`, one commit each. Nobody's taste decides against it:
`fuzz.ratio` is the most accurate and the fastest of rapidfuzz's scorers on the labelled messages,
WAL saves half the syncs, and one commit holds both rows. It has no orders, no people, no languages.

    python -m bench.plain DATABASE PORT
"""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from rapidfuzz import fuzz, process, utils

from bot.answering.load import load
from bot.config import ROOT
from tests.support.service import free_port

CUTOFF = 60
"""rapidfuzz's score from which on an entry's answer is given."""
SORRY = "Sorry, I did not understand that."
_TABLE = """CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, session TEXT, author TEXT, text TEXT)"""
_KEEP = "INSERT INTO message (session, author, text) VALUES (?, ?, ?)"
_HISTORY = "SELECT id, author, text FROM message WHERE session = ? AND id > ? ORDER BY id"


class Matcher:
    """The FAQ's phrasings, and which is closest."""

    def __init__(self) -> None:
        self.entries = [(entry, text) for entry in load(ROOT / "faq") for text in entry.questions]
        self._phrasings = [utils.default_process(text) for _, text in self.entries]

    def entry(self, text: str) -> Any:
        """The entry with the closest phrasing; None below the cutoff."""
        asked = utils.default_process(text)
        found = process.extractOne(asked, self._phrasings, scorer=fuzz.ratio, score_cutoff=CUTOFF)
        return self.entries[found[2]][0] if found else None


class Bot:
    """The queue, its worker and the open sockets."""

    def __init__(self, path: str) -> None:
        self.matcher = Matcher()
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute(_TABLE)
        self.queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.sockets: dict[str, WebSocket] = {}

    async def work(self) -> None:
        """Answer one after the other."""
        while True:
            session, text = await self.queue.get()
            entry = self.matcher.entry(text)
            answer = entry.answer if entry else SORRY
            with self.db:
                self.db.execute(_KEEP, (session, "customer", text))
                seq = self.db.execute(_KEEP, (session, "bot", answer)).lastrowid
            with suppress(KeyError, RuntimeError, WebSocketDisconnect):  # the customer has left
                await self.sockets[session].send_json(_message(seq, "bot", answer))

    async def serve(self, socket: WebSocket) -> None:
        """One customer's socket."""
        await socket.accept()
        session = socket.query_params.get("session") or uuid4().hex
        await socket.send_json({"type": "hello", "session": session, "seq": 0})
        after = int(socket.query_params.get("after", "0"))
        for row in self.db.execute(_HISTORY, (session, after)).fetchall():
            await socket.send_json(_message(*row))
        self.sockets[session] = socket
        with suppress(WebSocketDisconnect):
            while True:
                frame = json.loads(await socket.receive_text())
                self.queue.put_nowait((session, frame["text"]))
                await socket.send_json({"type": "ack", "id": frame["id"], "seq": 0})
        self.sockets.pop(session, None)

    def app(self) -> FastAPI:
        """The ASGI application."""

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> Any:
            worker = asyncio.create_task(self.work())
            yield
            worker.cancel()

        app = FastAPI(lifespan=lifespan)
        app.add_api_websocket_route("/chat/ws", self.serve)
        app.add_api_route("/readyz", lambda: {"ready": True})
        return app


def _message(seq: int | None, author: str, text: str) -> dict[str, Any]:
    return {"type": "message", "seq": seq, "from": author, "text": text, "choices": []}


@dataclass
class Plain:
    """The bot as a process of its own; start, stop and kill it at will."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def socket_url(self) -> str:
        """Where its chat socket is."""
        return f"ws://127.0.0.1:{self.port}/chat/ws"

    def start(self) -> "Plain":
        """Start, and wait until it serves."""
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "bench.plain", str(self.folder / "plain.db")]
        self.process = subprocess.Popen(  # noqa: S603 (our own command)
            [*command, str(self.port)], cwd=ROOT, env=os.environ | dict(self.environment)
        )
        while True:
            with suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/readyz")
                return self
            assert self.process.poll() is None, "the plain bot did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()


if __name__ == "__main__":
    uvicorn.run(Bot(sys.argv[1]).app(), port=int(sys.argv[2]), log_config=None, access_log=False)
