"""How fast care is planned, guarded and written for many customers, on either database."""

import resource
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlmodel import Session, SQLModel

from bot.care import reading
from bot.care.guard import Verdict
from bot.care.house import House
from bot.care.planner import AT_ONCE, Planner
from bot.channels.base import Policy
from bot.config import validate
from bot.core.clock import now
from bot.core.messages import State
from bot.words.phrases import Voice
from bot.words.sandbox import Words
from storage.db import Database
from storage.migrate import upgrade
from storage.models.base import new_row
from storage.models.care import due_from
from storage.models.conversations import Conversation
from storage.models.customers import Customer, Identity
from storage.models.orders import Order

_AT_ONCE = 5000


def measure(folder: Path, customers: int, urls: tuple[str, ...] = ()) -> dict[str, Any]:
    """A festival for everybody, told by a Telegram bot: planned, guarded, and then both guarded and
    written."""
    results: dict[str, Any] = {"customers": customers}
    for url in urls or (f"sqlite:///{folder}/care.db",):
        db = Database(url)
        upgrade(db)
        name = "SQLite" if db.is_sqlite else "PostgreSQL"
        results |= {f"{name}: {key}": value for key, value in _measure(db, customers).items()}
        db.close()
    return results


def _measure(db: Database, customers: int) -> dict[str, Any]:
    with time_machine.travel("2026-01-01T03:00:00+00:00", tick=True):  # 11:00 in the shop
        house = _house()
        for first in range(1, customers + 1, _AT_ONCE):
            db.run(_fill, first, min(first + _AT_ONCE, customers + 1))
        _analyse(db)
        before = _memory()
        planned, plan_s = _timed(lambda: _calendar(db, house))
        passed, guard_s = _timed(lambda: _guard(db, house.planner))
        cpu = time.process_time()
        _, decide_s = _timed(lambda: house.planner.run(db))
        cpu = time.process_time() - cpu
        written = db.run(_written)
    return {
        "planned": planned,
        "planning, s": round(plan_s, 1),
        "passed by the guard": passed,
        "guarding alone, s": round(guard_s, 1),
        "written": written,
        "guarding and writing, s": round(decide_s, 1),
        "of it on a processor, s": round(cpu, 1),
        "written in a second": round(written / decide_s),
        "more memory, MB": round(_memory() - before),
    }


def _house() -> House:
    config = validate(
        {
            "shop": {"name": "bench"},
            "care": {"marketing": "opt_out", "enabled": ["festival_new_year"]},
        }
    )
    house = House.of(config, Voice.load(Words(config.shop), config.content.templates))
    house.connect({("telegram", "main"): Policy()})
    return house


def _calendar(db: Database, house: House) -> int:
    from bot.care.calendar import Calendar

    Calendar(house.book, house.planner.rules).run(db)
    return db.run(_count, "due")


def _guard(db: Database, planner: Planner) -> int:
    """Ask the guard about all that is due, and write nothing. Returns how many may go."""
    at, passed, last = now(), 0, 0
    while found := db.run(_verdicts, planner, last + 1, at):
        passed += sum(verdict.kind == "go" for _, verdict in found)
        last = found[-1][0]
    return passed


def _verdicts(
    session: Session, planner: Planner, customer_id: int, at: datetime
) -> list[tuple[int, Verdict]]:
    due = due_from(session, customer_id, at, AT_ONCE)
    journeys = planner.journeys(session, {one.journey for one in due})
    known = reading.read(session, due, journeys, planner.policies, planner.rules, at)
    return [(one.customer_id, planner.verdict(one, journeys, known, at)) for one in due]


def _fill(session: Session, first: int, last: int) -> None:
    """Customers who wrote a week ago and have bought once."""
    at = now() - timedelta(days=7)
    kinds: tuple[type[SQLModel], ...] = (Customer, Identity, Order, Conversation)
    tables: dict[type[SQLModel], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for number in range(first, last):
        tables[Customer].append(
            {"id": number} | new_row(Customer, name=f"c{number}", language="zh", created_at=at)
        )
        tables[Identity].append(
            {"id": number}
            | new_row(
                Identity, customer_id=number, channel="telegram", account="main",
                chat=str(number), language="zh", linked_at=at, last_seen_at=at, created_at=at,
            )
        )  # fmt: skip
        tables[Order].append(
            new_row(
                Order, number=f"XE{number}", customer_id=number, status="shipped", placed_at=at,
                address={"country": "CN"}, items=[{"sku": "A", "name": "围巾"}],
            )
        )  # fmt: skip
        tables[Conversation].append(
            new_row(
                Conversation, identity_id=number, state=State.RESOLVED, language="zh",
                created_at=at, updated_at=at, resolved_at=at,
            )
        )  # fmt: skip
    for table, rows in tables.items():
        session.connection().execute(
            SQLModel.metadata.tables[str(table.__tablename__)].insert(), rows
        )


def _written(session: Session) -> int:
    return _count(session, "written")


def _count(session: Session, state: str) -> int:
    query = "SELECT count(*) FROM care_message WHERE state = ?".replace("?", f"'{state}'")
    return int(session.connection().exec_driver_sql(query).scalar_one())


def _analyse(db: Database) -> None:
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _memory() -> float:
    """The most that this process has had in memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(work: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started
