"""What a message costs does not grow with the shop: nothing on its way reads a whole table."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import SQLModel

from bot.core.clock import now
from bot.dialogue.intake import Intake
from bot.escalation import agents
from storage.db import Database
from storage.models.conversations import last_seq, messages_at, with_fragments
from storage.models.customers import find_identity
from storage.models.sla import alerts, due_clocks, running
from tests.faults.mortal import RECEPTION, understand
from tests.support.receiving import Chat

TABLES = set(SQLModel.metadata.tables)
SMALL = {"agent", "secret"}
"""Tables that hold a handful of rows however large the shop."""
SAID = (
    "怎么退货", "how do i return this", "你好", "运费?", "2", "the fee?", "收到的是坏的", "谢谢",
    "XE10001 8888", "我的快递到哪了", "XE10002", "1234", "退订", "我要", "退货", "卡号 4111111111111111",
    "气死我了", "没用", "什么乱七八糟的", "听不懂的话", "转人工",
)  # fmt: skip
PRESSED = ("return_policy", "rating:4", "order:XE10001")


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


class Statements:
    """Every statement that an engine executes, with its values."""

    def __init__(self, *engines: Engine) -> None:
        self.seen: dict[str, Any] = {}
        for engine in engines:
            event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if sql.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            self.seen.setdefault(sql, values)

    def scans(self, db: Database) -> list[str]:
        """Those that read a whole table, or a whole index, in SQLite's plan."""
        found = []
        with closing(sqlite3.connect(str(db.url.database))) as connection:
            for sql, values in self.seen.items():
                # Where a row is inserted, SQLite lists a look for rows that refer to it, and skips it.
                checks = not sql.startswith("INSERT")
                connection.execute(f"PRAGMA foreign_keys={checks:d}")
                plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
                scanned = {table for *_, step in plan for table in re.findall(r"^SCAN (\w+)", step)}
                if big := scanned & TABLES - SMALL:
                    found.append(f"{sorted(big)}: {sql}")
        return found


async def test_no_message_reads_a_whole_table(db: Database) -> None:
    statements = Statements(db.engine, db._reading)
    intake = Intake(db, understand, RECEPTION)
    chat = Chat(db, RECEPTION)
    for words in SAID:
        received = await intake.take(chat.inbound(words))
    for value in PRESSED:
        await intake.take(chat.inbound(choice=value))
    again = chat.inbound("怎么退货")
    assert (await intake.take(again)).repeated is False
    assert (await intake.take(again)).repeated is True
    seen = set(statements.seen)
    await chat.by_agent(agents.take)  # what the customer says while a person is there, and after
    await chat.by_agent(agents.resolve)
    statements.seen = {sql: statements.seen[sql] for sql in seen}
    for words in ("5", "很好", "怎么退货"):
        await intake.take(chat.inbound(words))
    await db.read(messages_at, chat.address, 0, 200)
    await db.read(lambda session: last_seq(session, find_identity(session, chat.address).id or 0))
    await db.read(with_fragments)
    await db.read(due_clocks, now(), 500)
    await db.read(running, 1)
    await db.read(alerts, [1, 2, 3])
    await intake.close()
    assert received.outcome
    assert len(statements.seen) > 20, "they were noted"
    scans = statements.scans(db)
    assert not scans, "\n".join(scans)


async def test_a_whole_table_that_is_read_is_seen(db: Database) -> None:
    statements = Statements(db.engine)
    await db.transact(lambda s: s.execute(text("SELECT id FROM message WHERE text = 'x'")).all())
    assert [line.split(":")[0] for line in statements.scans(db)] == ["['message']"]
