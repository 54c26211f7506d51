"""Does a shop that has grown answer as fast as a new one? The same load on few and on many rows."""

import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.load import SYNC_MS, timed
from bench.traffic import Times, questions
from bot.answering.index import Index
from bot.answering.load import load
from bot.channels.webchat import Sessions
from bot.config import ROOT
from storage.db import Database
from storage.migrate import upgrade
from storage.models.secrets import secret
from tests.faults.powercut import compiled
from tests.support.service import Service

FEW = 1_000
"""Customers of the shop that a bigger one is compared with."""
RATE, SECONDS, CHATS = 25, 20, 200
ROUNDS = 3
"""They are asked by turns, and the median counts: what else the machine does meets any of them."""
BYTES = 400
"""Of disk for a message with its share of receipts, customers and indexes; 363 were measured."""

NUMBERED = """WITH RECURSIVE
    numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :count),
    n(i, at) AS (SELECT i, datetime('2026-01-01', '+' || (i * 2592000 / :count) || ' seconds')
        FROM numbers)
"""
"""The numbers from 1 to :count, and as many moments within 30 days."""
FILL = {
    "customer": """INSERT INTO customer
        (id, name, phone, email, language, blocked, created_at)
        SELECT i, 'customer ' || i, '', '', 'zh', 0, at FROM n""",
    "identity": """INSERT INTO identity
        (id, customer_id, channel, account, chat, pulls, name, language, traditional,
         created_at, last_seen_at)
        SELECT i, i, 'web', 'chat', printf('%064x', i), 1, '', 'zh', 0, at, at FROM n""",
    "conversation": """INSERT INTO conversation
        (id, identity_id, state, language, misses, fragments, handoff_reason, opened_at, updated_at)
        SELECT i, i, CASE WHEN i % 3 THEN 'resolved' ELSE 'bot' END, 'zh', 0, '[]', '', at, at
        FROM n""",
    # A customer's messages lie scattered among everybody else's, as they come.
    "message": """INSERT INTO message
        (id, conversation_id, identity_id, author, purpose, text, choices, verdict, created_at)
        SELECT i, 1 + (i / 2) % :customers, 1 + (i / 2) % :customers,
            CASE WHEN i % 2 THEN 'bot' ELSE 'customer' END, 'answer',
            CASE WHEN i % 2 THEN '支持七天无理由退货，请在订单页申请，快递上门取件。'
                ELSE '怎么退货呀' END,
            '[]',
            CASE WHEN i % 2 THEN NULL
                ELSE '{"skill": "faq", "outcome": "answered", "entry": "return_how"}' END,
            at FROM n""",
    "receipt": """INSERT INTO receipt (source, external_id, message_id, received_at)
        SELECT 'web:chat', printf('%064x:%032x', i, i), i * 2, at FROM n""",
}
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def measure(
    folder: Path, customers: int, messages: int, seconds: int = SECONDS, rounds: int = ROUNDS
) -> dict[str, Any]:
    """The same questions to a shop with `FEW` customers and to one with `customers`.

    `messages` is how many are there already; the small shop has as many for each customer. Both
    are asked for `seconds` in each of the `rounds`. SQLite with slow syncs, a core for the
    service. Raises OSError when the disk has no room.
    """
    if shutil.disk_usage(folder).free < 2 * BYTES * messages:
        raise OSError(f"{2 * BYTES * messages / 1e9:.0f} GB of free disk are needed in {folder}")
    models = folder / "models"
    models.mkdir(exist_ok=True)
    texts = questions(RATE * seconds, Index.build(load(ROOT / "faq"), models))
    environment = {"LD_PRELOAD": str(compiled(folder)), "XIAOER_SYNC_MS": str(SYNC_MS)}
    shops: dict[str, tuple[Service, list[str]]] = {}
    sizes: dict[str, str] = {}
    for many, count in ((FEW, messages * FEW // customers), (customers, messages)):
        name = f"{many:,} customers"
        shop = Service(folder / f"shop{many}", models, environment=environment)
        shop.write_config()
        path = shop.folder / "xiaoer.db"
        filling = time.perf_counter()
        tokens = fill(path, many, count)
        filled = time.perf_counter() - filling
        sizes[name] = f"{count:,} / {path.stat().st_size / 1e6:,.0f} / {filled:.0f}"
        shops[name] = shop, tokens
    heard: dict[str, list[Times]] = {name: [] for name in shops}
    for _ in range(rounds):
        for name, (shop, tokens) in shops.items():
            times, _watch = timed(shop, texts, RATE, seconds, CHATS, 1, tokens)
            heard[name].append(times)
    return _figures(sizes, heard)


def _figures(sizes: dict[str, str], heard: dict[str, list[Times]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"chats / messages per s": f"{CHATS} / {RATE}"}
    slow = []
    for name, rounds in heard.items():
        answers = [seconds for times in rounds for seconds in times.answers]
        asked = sum(times.expected for times in rounds)
        refused = sum(times.refused.total() for times in rounds)
        slowest = [statistics.quantiles(times.answers, n=100)[98] for times in rounds]
        slow.append(statistics.median(slowest))
        figures |= {
            f"{name}: messages / MB / s to fill": sizes[name],
            f"{name}: taken / answered": f"{asked - refused} / {len(answers)}",
            f"{name}: answer ms p50 / p99 of each round": " / ".join(
                f"{1000 * seconds:.1f}" for seconds in (statistics.median(answers), *slowest)
            ),
        }
    return figures | {"median p99, many against few": round(slow[1] / slow[0], 2)}


def fill(path: Path, customers: int, messages: int) -> list[str]:
    """Fill a new database; returns the tokens of `CHATS` chats, half of them known there."""
    path.parent.mkdir(exist_ok=True)
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    sessions = Sessions(db.run(secret, "chat-sessions"))
    db.close()
    tokens = [sessions.new() for _ in range(CHATS)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for table, statement in FILL.items():
            count = {"message": messages, "receipt": messages // 2}.get(table, customers)
            values = {"count": count, "customers": customers}
            with _shown(f"{table}: {count:,} rows"):
                connection.execute(NUMBERED + statement, values)
        for name, statement in indexes:
            with _shown(name):
                connection.execute(statement)
        known = [
            (sessions.address(token).chat, 1 + number * (customers // CHATS))
            for number, token in enumerate(tokens[::2])
        ]
        connection.executemany("UPDATE identity SET chat = ? WHERE id = ?", known)
        connection.execute("PRAGMA journal_mode=WAL")
    return tokens


@contextmanager
def _shown(what: str) -> Iterator[None]:
    """Say what it was and how long it took, if that was long."""
    started = time.perf_counter()
    yield
    if (seconds := time.perf_counter() - started) > 1:
        sys.stderr.write(f"{what} in {seconds:.0f} s\n")
