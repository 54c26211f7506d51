"""Customers who write on their schedule, whatever the service does: so waiting counts as latency.

An open loop over real chat sockets.
"""

import asyncio
import contextlib
import json
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench import shipped
from bench.noise import homophones, typos
from bot.answering import clauses
from bot.answering.index import Index
from bot.dialogue.alarms import alarm_in
from bot.dialogue.anger import is_angry
from bot.dialogue.calling import asks_for_person


@dataclass
class Times:
    """Seconds from the scheduled moment to the ack, and to the bot's answer.

    `refused` counts, by their code, the messages that were turned away.
    """

    expected: int
    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    took: float = 0.0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, seconds: float) -> None:
        """Count one answer."""
        self.answers.append(seconds)
        self._look()

    def turned_away(self, code: str) -> None:
        """Count one message that was not taken."""
        self.refused[code] += 1
        self._look()

    def _look(self) -> None:
        if len(self.answers) + self.refused.total() >= self.expected:
            self.complete.set()


@dataclass
class Watch:
    """What a process used, looked at twice a second."""

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

    def megabytes(self) -> str:
        """Resident in the first third, in the last third and at most."""
        third = max(1, len(self.resident) // 3)
        first, last = self.resident[:third], self.resident[-third:]
        most = max(self.resident)
        return f"{statistics.mean(first):.0f} / {statistics.mean(last):.0f} / {most:.0f}"


def questions(count: int, index: Index) -> list[str]:
    """Labelled customers' messages, most of them with slips, that have their answer at once.

    Who is handed over to a person hears no bot; so only questions that are answered are asked.
    """
    plain = {
        entry.id
        for entry in index.entries
        if not (entry.needs or entry.person or entry.is_smalltalk)
    }
    dice = np.random.default_rng(0)
    told = [row.text for row in shipped.rows()]
    found: list[str] = []
    while len(found) < count:
        drawn = [slipped(told[dice.integers(len(told))], dice) for _ in range(500)]
        read = clauses.understand(index, drawn)
        found += [
            text
            for text, one in zip(drawn, read, strict=True)
            if one.decision == "answer" and one.best and one.best.entry_id in plain
            if not _brings_person(one.normalised)
        ]
    return found[:count]


def _brings_person(words: str) -> bool:
    return bool(alarm_in(words)) or asks_for_person(words) or is_angry(words)


def slipped(text: str, dice: np.random.Generator) -> str:
    """`text` as a customer in a hurry types it."""
    return homophones(typos(text, 25, dice), 0.04, dice)


async def watched(
    watch: Watch,
    url: str,
    texts: Sequence[str],
    rate: int,
    seconds: int,
    chats: int,
    sessions: Sequence[str] = (),
) -> Times:
    """`drive` while somebody watches."""
    task = asyncio.create_task(watch.run())
    try:
        return await drive(url, texts, rate, seconds, chats, sessions)
    finally:
        task.cancel()


async def drive(
    url: str,
    questions: Sequence[str],
    rate: int,
    seconds: int,
    chats: int,
    sessions: Sequence[str] = (),
) -> Times:
    """Ask `rate` of the `questions` a second for `seconds` from `chats` chats.

    `sessions` are the tokens of the first chats; the others are new.
    """
    times = Times(rate * seconds)
    tokens = [*sessions, *[""] * chats][:chats]
    clients = [_Client(await connect(f"{url}?session={token}"), times) for token in tokens]
    readers = [asyncio.create_task(client.read()) for client in clients]
    start = perf_counter() + 0.5
    await _ask(clients, questions, rate, rate * seconds, start)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(times.complete.wait(), 30)
    times.took = perf_counter() - start
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await asyncio.gather(*(client.socket.close() for client in clients))
    return times


async def unanswered(
    url: str,
    texts: Sequence[str],
    rate: int,
    chats: int,
    kill: Callable[[], None],
    restart: Callable[[], object],
) -> tuple[int, int]:
    """How many messages had their ack when all of `texts` were sent and the server was killed,
    and how many of these have no answer after its restart either.
    """
    times = Times(len(texts))
    clients = [_Client(await connect(url), times) for _ in range(chats)]
    readers = [asyncio.create_task(client.read()) for client in clients]
    await _ask(clients, texts, rate, len(texts), perf_counter())
    kill()
    await asyncio.gather(*readers)
    await asyncio.to_thread(restart)
    told = await asyncio.gather(*(client.told(url) for client in clients))
    lost = sum(max(0, c.acked - answers) for c, answers in zip(clients, told, strict=True))
    return len(times.acks), lost


async def _ask(
    clients: "Sequence[_Client]", texts: Sequence[str], rate: int, count: int, start: float
) -> None:
    for number in range(count):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - perf_counter()))
        await clients[number % len(clients)].ask(texts[number * 7 % len(texts)], due)


@dataclass
class _Client:
    socket: ClientConnection
    times: Times
    due: dict[str, float] = field(default_factory=dict)
    waiting: list[float] = field(default_factory=list)
    session: str = ""
    acked: int = 0

    async def ask(self, text: str, due: float) -> None:
        name = uuid4().hex
        self.due[name] = due
        await self.socket.send(json.dumps({"type": "message", "id": name, "text": text}))

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for raw in self.socket:
                self.hear(json.loads(raw))

    def hear(self, frame: dict[str, str]) -> None:
        if frame["type"] == "hello":
            self.session = frame["session"]
        elif frame["type"] == "ack":
            due = self.due.pop(frame["id"])
            self.waiting.append(due)
            self.acked += 1
            self.times.acks.append(perf_counter() - due)
        elif frame["type"] == "error":
            del self.due[frame["id"]]
            self.times.turned_away("busy" if "retry_after" in frame else frame["code"])
        elif frame["from"] == "bot" and self.waiting:
            self.times.answered(perf_counter() - self.waiting.pop(0))

    async def told(self, url: str) -> int:
        """How many answers a new connection brings."""
        count = 0
        async with connect(f"{url}?session={self.session}&after=0", open_timeout=60) as socket:
            with contextlib.suppress(TimeoutError):
                while True:
                    frame = json.loads(await asyncio.wait_for(socket.recv(), 3))
                    count += frame.get("from") == "bot"
        return count


def row(seconds: Sequence[float]) -> str:
    """The median and the 99th percentile, in milliseconds."""
    if len(seconds) < 2:
        return "–"
    cuts = statistics.quantiles(seconds, n=100)
    return f"{1000 * cuts[49]:.1f} / {1000 * cuts[98]:.1f}"
