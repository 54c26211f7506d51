"""The whole path under load, ours and a plain bot's: throughput, waiting, and what a kill loses."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench import shipped
from bench.plain import Matcher, Plain
from bench.traffic import Times, Watch, questions, row, slipped, unanswered, watched
from bot.answering import clauses
from bot.answering.index import Index
from bot.answering.load import load
from bot.config import ROOT
from tests.faults.powercut import compiled
from tests.support.service import Service

CORES = sorted(os.sched_getaffinity(0))
SYNC_MS = 5
PLAIN_SECONDS = 60
"""The plain bot is compared for at most so long, however long ours is watched."""
TEXTS = 2_000
"""How many different messages are made at most; a longer run begins again."""
KILLED_AFTER = 6
"""Seconds of messages after which a server is killed."""


def measure(folder: Path, rate: int, seconds: int, chats: int, cores: int) -> dict[str, Any]:
    """Send `rate` questions a second for `seconds` from `chats` chats; SQLite, one process.

    Each sync of a file takes 5 ms longer, as on a plain disk. With one core the server has it for
    itself and the generator has the others; with more they share. The plain bot (`bench/plain.py`)
    has the same in the same run.
    """
    (folder / "models").mkdir(exist_ok=True)
    index = Index.build(load(ROOT / "faq"), folder / "models")
    texts = questions(min(rate * seconds, TEXTS), index)
    environment = {"LD_PRELOAD": str(compiled(folder)), "XIAOER_SYNC_MS": str(SYNC_MS)}
    servers: dict[str, Service | Plain] = {
        "xiaoer": Service(folder / "service", folder / "models", environment=environment),
        "plain": Plain(folder / "plain", environment),
    }
    figures: dict[str, Any] = {
        "chats / messages per s / s / cores": f"{chats} / {rate} / {seconds} / {cores}",
        "each sync takes longer by, ms": SYNC_MS,
        "unique texts": f"{len(set(texts)) / len(texts):.0%}",
    }
    try:
        for name, server in servers.items():
            lasts = seconds if name == "xiaoer" else min(seconds, PLAIN_SECONDS)
            found = _figures(*timed(server, texts, rate, lasts, chats, cores))
            found |= _killed(server, texts[: rate * KILLED_AFTER], rate, chats, cores)
            figures |= {f"{name}: {key}": value for key, value in found.items()}
    finally:
        for server in servers.values():
            server.stop()
        os.sched_setaffinity(0, CORES)
    return figures | _right(index)


def timed(
    server: Service | Plain,
    texts: Sequence[str],
    rate: int,
    seconds: int,
    chats: int,
    cores: int,
    sessions: Sequence[str] = (),
) -> tuple[Times, Watch]:
    """Start `server`, load it and stop it; what was seen. `sessions` are tokens of chats."""
    _start(server, cores)
    try:
        assert server.process is not None
        watch = Watch(psutil.Process(server.process.pid))
        url = server.socket_url
        return asyncio.run(watched(watch, url, texts, rate, seconds, chats, sessions)), watch
    finally:
        server.stop()
        os.sched_setaffinity(0, CORES)


def _figures(times: Times, watch: Watch) -> dict[str, Any]:
    refused = ", ".join(f"{code} {n}" for code, n in times.refused.items()) or 0
    return {
        "sent / refused": f"{times.expected} / {refused}",
        "acked / answered": f"{len(times.acks)} / {len(times.answers)}",
        "answered per s": round(len(times.answers) / times.took, 1),
        "ack ms p50 / p99": row(times.acks),
        "answer ms p50 / p99": row(times.answers),
        "CPU ms per answer": round(1000 * watch.cpu / max(1, len(times.answers)), 2),
        "MB, first / last third / most": watch.megabytes(),
    }


def _killed(
    server: Service | Plain, texts: Sequence[str], rate: int, chats: int, cores: int
) -> dict[str, Any]:
    _start(server, cores)
    again = partial(_start, server, cores)
    acked, lost = asyncio.run(unanswered(server.socket_url, texts, rate, chats, server.kill, again))
    server.stop()
    return {"killed -9: acked / never answered": f"{acked} / {lost}"}


def _start(server: Service | Plain, cores: int) -> None:
    """Start it on a core of its own if `cores` is 1; we keep the others."""
    apart = cores == 1 and len(CORES) > 1
    os.sched_setaffinity(0, CORES[:1] if apart else CORES)
    server.start()
    os.sched_setaffinity(0, CORES[1:] if apart else CORES)


def _right(index: Index) -> dict[str, str]:
    """Both engines on the labelled messages, with slips: what their decisions come to."""
    matcher, dice = Matcher(), np.random.default_rng(0)
    rows = shipped.rows()
    texts = [slipped(one.text, dice) for one in rows]
    ours = [
        shipped.outcome(one, read)
        for one, read in zip(rows, clauses.understand(index, texts), strict=True)
    ]
    theirs = []
    for one, text in zip(rows, texts, strict=True):
        entry = matcher.entry(text)
        said = "answered" if not one.labels else "right" if entry and entry.id in one.labels else ""
        theirs.append("silent" if entry is None else said or "wrong")
    inside = sum(bool(one.labels) for one in rows)

    def line(outcomes: Sequence[str], outside: str) -> str:
        found = Counter(outcomes)
        strangers = found[outside] / max(1, len(rows) - inside)
        right, wrong = found["right"] / inside, found["wrong"] / inside
        return f"{right:.1%} / {wrong:.1%} / {strangers:.1%}"

    return {
        "labelled messages, with slips": f"{len(rows)}, {len(rows) - inside} of them out of scope",
        "xiaoer: right / wrong / out of scope answered": line(ours, "oos_answered"),
        "plain: right / wrong / out of scope answered": line(theirs, "answered"),
    }
