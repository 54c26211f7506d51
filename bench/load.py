"""The whole path under load: an open loop over real chat sockets to a real service process.

Messages leave on their schedule whatever the service does, so waiting counts as latency.
"""

import asyncio
import contextlib
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect

from bot.answering.load import load
from bot.config import ROOT
from tests.support.service import Service


@dataclass
class Times:
    """Seconds from the scheduled moment to the ack, and to the bot's answer."""

    expected: int
    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, seconds: float) -> None:
        """Count one answer."""
        self.answers.append(seconds)
        if len(self.answers) >= self.expected:
            self.complete.set()


def measure(folder: Path, rate: int, seconds: int, chats: int) -> dict[str, Any]:
    """Send `rate` questions a second for `seconds` from `chats` chats; SQLite, one process."""
    service = Service(folder / "service", folder / "models")
    (folder / "models").mkdir(exist_ok=True)
    questions = [q for entry in load(ROOT / "faq") for q in entry.questions]
    with service.running() as process:
        watched = psutil.Process(process.pid)
        before = sum(watched.cpu_times()[:2])
        times = asyncio.run(drive(service.socket_url, questions, rate, seconds, chats))
        cpu = sum(watched.cpu_times()[:2]) - before
        resident = watched.memory_info().rss / 1e6
    sent = rate * seconds
    return {
        "chats / messages per s / s": f"{chats} / {rate} / {seconds}",
        "different questions": len(set(questions)),
        "sent / acked / answered": f"{sent} / {len(times.acks)} / {len(times.answers)}",
        "ack ms p50 / p99": row(times.acks),
        "answer ms p50 / p99": row(times.answers),
        "service CPU ms per message": round(1000 * cpu / sent, 2),
        "service resident MB": round(resident),
    }


async def drive(url: str, questions: Sequence[str], rate: int, seconds: int, chats: int) -> Times:
    """Ask `rate` of the `questions` a second for `seconds` from `chats` chats."""
    times = Times(rate * seconds)
    clients = [_Client(await connect(url), times) for _ in range(chats)]
    readers = [asyncio.create_task(client.read()) for client in clients]
    start = perf_counter() + 0.5
    for number in range(rate * seconds):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - perf_counter()))
        await clients[number % chats].ask(number, questions[number * 7 % len(questions)], due)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(times.complete.wait(), 30)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await asyncio.gather(*(client.socket.close() for client in clients))
    return times


@dataclass
class _Client:
    socket: ClientConnection
    times: Times
    due: dict[str, float] = field(default_factory=dict)
    waiting: list[float] = field(default_factory=list)

    async def ask(self, number: int, text: str, due: float) -> None:
        self.due[str(number)] = due
        await self.socket.send(json.dumps({"type": "message", "id": str(number), "text": text}))

    async def read(self) -> None:
        async for raw in self.socket:
            frame = json.loads(raw)
            if frame["type"] == "ack":
                due = self.due.pop(frame["id"])
                self.waiting.append(due)
                self.times.acks.append(perf_counter() - due)
            elif frame.get("from") == "bot" and self.waiting:
                self.times.answered(perf_counter() - self.waiting.pop(0))


def row(seconds: list[float]) -> str:
    """The median and the 99th percentile, in milliseconds."""
    if len(seconds) < 2:
        return "–"
    cuts = statistics.quantiles(seconds, n=100)
    return f"{1000 * cuts[49]:.1f} / {1000 * cuts[98]:.1f}"
