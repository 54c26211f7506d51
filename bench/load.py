"""The whole path under load: an open loop over real chat sockets to a real service process.

Messages leave on their schedule whatever the service does, so waiting counts as latency.
"""

import asyncio
import contextlib
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench import shipped
from bench.noise import homophones, typos
from bot.answering import clauses
from bot.answering.index import Index
from bot.answering.load import load
from bot.config import ROOT
from tests.faults.powercut import compiled
from tests.support.service import Service

SYNC_MS = 5


@dataclass
class Times:
    """Seconds from the scheduled moment to the ack, and to the bot's answer."""

    expected: int
    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    took: float = 0.0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, seconds: float) -> None:
        """Count one answer."""
        self.answers.append(seconds)
        if len(self.answers) >= self.expected:
            self.complete.set()


@dataclass
class Watch:
    """What the service's process used, looked at twice a second."""

    process: psutil.Process
    resident: list[float] = field(default_factory=list)
    cpu: float = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        before = sum(self.process.cpu_times()[:2])
        while True:
            self.resident.append(self.process.memory_info().rss / 1e6)
            self.cpu = sum(self.process.cpu_times()[:2]) - before
            await asyncio.sleep(0.5)


def measure(folder: Path, rate: int, seconds: int, chats: int, cores: int) -> dict[str, Any]:
    """Send `rate` questions a second for `seconds` from `chats` chats; SQLite, one process.

    Each sync of a file takes 5 ms longer, as on a plain disk. With one core the service has it for
    itself and the generator has the others; with more they share.
    """
    (folder / "models").mkdir(exist_ok=True)
    texts = questions(rate * seconds, folder / "models")
    environment = {"LD_PRELOAD": str(compiled(folder)), "XIAOER_SYNC_MS": str(SYNC_MS)}
    all_cores = sorted(os.sched_getaffinity(0))
    if cores == 1 and len(all_cores) > 1:
        os.sched_setaffinity(0, all_cores[:1])
    service = Service(folder / "service", folder / "models", environment=environment)
    try:
        with service.running() as process:
            os.sched_setaffinity(0, all_cores[1:] if cores == 1 else all_cores)
            watch = Watch(psutil.Process(process.pid))
            times = asyncio.run(_watched(watch, service.socket_url, texts, rate, seconds, chats))
    finally:
        os.sched_setaffinity(0, all_cores)
    sent, third = rate * seconds, max(1, len(watch.resident) // 3)
    return {
        "chats / messages per s / s / cores": f"{chats} / {rate} / {seconds} / {cores}",
        "each sync takes longer by, ms": SYNC_MS,
        "unique texts": f"{len(set(texts)) / len(texts):.0%}",
        "sent / acked / answered": f"{sent} / {len(times.acks)} / {len(times.answers)}",
        "answered per s": round(len(times.answers) / times.took, 1),
        "ack ms p50 / p99": row(times.acks),
        "answer ms p50 / p99": row(times.answers),
        "service CPU ms per message": round(1000 * watch.cpu / sent, 2),
        "service MB, first / last third / most": (
            f"{statistics.mean(watch.resident[:third]):.0f} / "
            f"{statistics.mean(watch.resident[-third:]):.0f} / {max(watch.resident):.0f}"
        ),
    }


def questions(count: int, models: Path) -> list[str]:
    """Labelled customers' messages, most of them with slips, that have their answer at once.

    Who is handed over to a person hears no bot; so only questions that are answered are asked.
    """
    index = Index.build(load(ROOT / "faq"), models)
    plain = {
        entry.id
        for entry in index.entries
        if not (entry.needs or entry.person or entry.is_smalltalk)
    }
    dice = np.random.default_rng(0)
    told = [row.text for row in shipped.rows()]
    found: list[str] = []
    while len(found) < count:
        drawn = [_slipped(told[dice.integers(len(told))], dice) for _ in range(500)]
        read = clauses.understand(index, drawn)
        found += [
            text
            for text, one in zip(drawn, read, strict=True)
            if one.decision == "answer" and one.best and one.best.entry_id in plain
        ]
    return found[:count]


def _slipped(text: str, dice: np.random.Generator) -> str:
    return homophones(typos(text, 25, dice), 0.04, dice)


async def _watched(
    watch: Watch, url: str, texts: Sequence[str], rate: int, seconds: int, chats: int
) -> Times:
    task = asyncio.create_task(watch.run())
    try:
        return await drive(url, texts, rate, seconds, chats)
    finally:
        task.cancel()


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
    times.took = perf_counter() - start
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
