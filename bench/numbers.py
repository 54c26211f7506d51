"""Are reports quick in a shop that has grown? A quarter of traffic, counted and then reported.

`python -m bench.numbers URL [conversations]` fills the empty database at URL and prints JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, SQLModel

from bot.insights.counting import Rules, count_some
from bot.insights.report import report
from bot.insights.spans import Wish
from storage.db import Database
from storage.migrate import upgrade
from storage.models.base import new_row
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.feedback import Feedback
from storage.models.sla import SlaClock

DAYS = 90
PER_CONVERSATION = 10
"""Messages in a conversation."""
ENTRIES = [f"entry_{number}" for number in range(200)]
ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
_AT_ONCE = 5_000
Rows = dict[str, list[dict[str, Any]]]


def fill(db: Database, conversations: int) -> None:
    """Conversations spread over a quarter: two of three the bot's alone."""
    random = Random(1)  # noqa: S311 (the same traffic every time)
    spans = sorted(random.random() * DAYS * 86400 for _ in range(conversations))
    for first in range(0, conversations, _AT_ONCE // 10):
        part = enumerate(spans[first : first + _AT_ONCE // 10], first + 1)
        rows: Rows = {}
        for number, seconds in part:
            for table, row in _conversation(random, number, BEGIN + timedelta(seconds=seconds)):
                rows.setdefault(table, []).append(row)
        db.run(_write, rows)


def _write(session: Session, rows: Rows) -> None:
    for table, some in rows.items():
        session.connection().execute(SQLModel.metadata.tables[table].insert(), some)


def _conversation(
    random: Random, number: int, at: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    channel = random.choice(("web", "telegram", "wechat"))
    has_person = random.random() < 0.3
    answered = at + timedelta(seconds=random.randrange(20, 2000)) if has_person else None
    yield "customer", {"id": number} | new_row(Customer, created_at=at)
    yield "identity", {"id": number} | new_row(
        Identity, customer_id=number, channel=channel, account="main", chat=f"c{number}"
    )  # fmt: skip
    yield "conversation", {"id": number} | new_row(
        Conversation, identity_id=number, state="resolved" if has_person else "bot",
        handoff_reason="asked" if has_person else "", waiting_since=at if has_person else None,
        first_response_at=answered, resolved_at=answered, opened_at=at, updated_at=at,
    )  # fmt: skip
    for step in range(PER_CONVERSATION):
        is_customers = step % 2 == 0
        verdict = {"skill": "faq", "outcome": "answered", "entry": random.choice(ENTRIES)}
        if has_person and step >= PER_CONVERSATION // 2:
            verdict = {"skill": "person_in_charge", "outcome": "silent"}
        yield "message", new_row(
            Message, conversation_id=number, identity_id=number, text="怎么退货",
            author="customer" if is_customers else "bot", verdict=verdict if is_customers else None,
            created_at=at + timedelta(seconds=30 * step),
        )  # fmt: skip
    if has_person and answered:
        rating = random.choice((None, None, 1, 3, 4, 5, 5))
        yield (
            "feedback",
            new_row(Feedback, conversation_id=number, rating=rating, asked_at=answered),
        )
        yield "sla_clock", new_row(
            SlaClock, conversation_id=number, kind="first", team="t", started_at=at,
            due_at=answered, ended_at=answered, outcome=random.choice(("met", "met", "late")),
        )  # fmt: skip


def count(db: Database) -> int:
    """Count everything. Returns how many messages that were."""
    rules = Rules(ZONE, lambda entry: entry.endswith("_0"))
    later = datetime(2027, 1, 1, tzinfo=UTC)
    total = db.run(count_some, rules, later - timedelta(hours=1))
    while found := db.run(count_some, rules, later):
        total += found
    return total


def main(url: str, conversations: int = 100_000) -> None:
    """Fill, count, report; print what it took."""
    db = Database(url)
    upgrade(db)
    started = time.perf_counter()
    fill(db, conversations)
    filled = time.perf_counter()
    messages = count(db)
    counted = time.perf_counter()
    if not db.is_sqlite:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
    last, at = date(2026, 8, 29), datetime(2026, 8, 30, tzinfo=UTC)
    found = {}
    for days in (7, 30, 90):
        for channel in ("", "web"):
            wish = Wish(last - timedelta(days=days - 1), last, 0, channel)
            found[f"{days} days {channel}".strip()] = round(_timed(db, wish, at), 3)
    db.close()
    print(json.dumps({
        "conversations": conversations, "messages": messages,
        "fill_s": round(filled - started), "count_s": round(counted - filled),
        "counted_per_s": round(messages / (counted - filled)), "report_s": found,
    }, indent=2))  # fmt: skip


def _timed(db: Database, wish: Wish, at: datetime) -> float:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        db.run(report, wish, ZONE, at)
        took.append(time.perf_counter() - started)
    return median(took)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
