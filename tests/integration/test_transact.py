"""One function, one transaction: what callers may rely on, on both databases."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from bot.core.errors import Unavailable
from storage import db as storage_db
from storage import live, migrate
from storage.db import Database, DatabaseUnusable, hold
from storage.migrate import upgrade
from storage.models.customers import Customer

ROOT = Path(__file__).resolve().parents[2]
SOON = 5.0
NOBODY = 65534


class MadeUpError(Exception):
    """What a call raises on purpose."""


def add(session: Session, name: str, topic: str = "") -> int:
    """Store a customer; returns the id."""
    customer = Customer(name=name)
    session.add(customer)
    session.flush()
    if topic:
        live.touch(session, topic)
    assert customer.id is not None
    return customer.id


def names(session: Session) -> list[str]:
    return list(session.exec(select(Customer.name).order_by(col(Customer.name))))


def outside(db: Database) -> list[str]:
    """The stored names, as a connection that is not ours sees them."""
    query = "SELECT name FROM customer ORDER BY name"
    if db.is_sqlite:
        with closing(sqlite3.connect(str(db.url.database))) as connection:
            return [row[0] for row in connection.execute(query)]
    dsn = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(query)]


class Gate:
    """A call that waits inside its transaction until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def work(self, _session: Session) -> None:
        self.entered.set()
        assert self.opened.wait(SOON)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, SOON)


async def start(work: Callable[..., Any], *arguments: Any) -> "asyncio.Task[Any]":
    """Begin a call and let it reach its queue."""
    task = asyncio.ensure_future(work(*arguments))
    await asyncio.sleep(0)
    return task


async def test_gives_back_what_the_function_returns(db: Database) -> None:
    number = await db.transact(add, "Ann")
    assert await db.read(lambda session: session.get_one(Customer, number).name) == "Ann"


async def test_is_committed_when_the_await_returns(db: Database) -> None:
    await db.transact(add, "Ann")
    assert outside(db) == ["Ann"]


async def test_all_or_nothing(db: Database) -> None:
    def half(session: Session) -> None:
        add(session, "one")
        add(session, "two")
        raise MadeUpError

    with pytest.raises(MadeUpError):
        await db.transact(half)
    assert outside(db) == []


async def test_a_failure_leaves_concurrent_neighbours_alone(db: Database) -> None:
    def work(session: Session, number: int) -> int:
        add(session, f"n{number:02}")
        if number % 3 == 0:
            raise MadeUpError
        return number

    results = await asyncio.gather(
        *(db.transact(work, number) for number in range(40)), return_exceptions=True
    )
    good = [number for number in range(40) if number % 3]
    assert [result for result in results if not isinstance(result, MadeUpError)] == good
    assert outside(db) == [f"n{number:02}" for number in good]


async def test_a_broken_constraint_fails_one_call_alone(db: Database) -> None:
    def work(session: Session, ref: str) -> None:
        session.add(Customer(name=ref, shop_ref=ref))

    results = await asyncio.gather(
        *(db.transact(work, ref) for ref in ("a", "b", "a", "c")), return_exceptions=True
    )
    assert [result is None for result in results].count(True) == 3
    assert outside(db) == ["a", "b", "c"]


async def test_waiting_calls_share_one_commit(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    commits: list[object] = []
    event.listen(db.engine, "commit", commits.append)
    first = Gate()
    holding = await start(db.transact, first.work)
    await first.reached()

    def fail(session: Session) -> None:
        add(session, "never")
        raise MadeUpError

    waiting = [await start(db.transact, add, f"n{number}") for number in range(5)]
    failing = await start(db.transact, fail)
    waiting.append(await start(db.transact, add, "n5"))
    first.opened.set()
    await holding
    await asyncio.gather(*waiting)
    with pytest.raises(MadeUpError):
        await failing
    assert len(commits) == 2
    assert outside(db) == ["n0", "n1", "n2", "n3", "n4", "n5"]
    db.close()


async def test_nobody_is_answered_before_the_shared_commit(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    first, last = Gate(), Gate()
    await start(db.transact, first.work)
    await first.reached()
    with db.live.listen("news") as news:
        early = await start(db.transact, add, "Ann", "news")
        late = await start(db.transact, last.work)
        first.opened.set()
        await last.reached()  # Ann's call has run, in the transaction that `last` holds open
        assert not await news.wait(0.05)
        assert not early.done()
        assert outside(db) == []
        last.opened.set()
        await asyncio.gather(early, late)
        assert await news.wait(SOON)
    assert outside(db) == ["Ann"]
    db.close()


async def test_no_signal_before_the_commit(db: Database) -> None:
    gate = Gate()

    def work(session: Session) -> None:
        add(session, "Ann", "news")
        gate.work(session)

    with db.live.listen("news") as news:
        call = await start(db.transact, work)
        await gate.reached()
        assert not await news.wait(0.05)
        gate.opened.set()
        await call
        assert await news.wait(SOON)
        assert not await news.wait(0.05)


async def test_no_signal_after_a_rollback(db: Database) -> None:
    def work(session: Session) -> None:
        add(session, "Ann", "news")
        raise MadeUpError

    with db.live.listen("news") as news:
        with pytest.raises(MadeUpError):
            await db.transact(work)
        assert not await news.wait(0.1)


async def test_a_cancelled_call_never_stops_the_others(db: Database) -> None:
    """Clients that vanish cancel their calls at any moment; the writer must survive it."""
    gate = Gate()
    holding = await start(db.transact, gate.work)
    await gate.reached()
    calls = [await start(db.transact, add, f"n{number:02}") for number in range(20)]
    for call in calls[::2]:
        call.cancel()
    holding.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), SOON)
    assert await asyncio.wait_for(db.transact(add, "z"), SOON)
    stored = outside(db)
    assert {f"n{number:02}" for number in range(1, 20, 2)} | {"z"} <= set(stored)
    assert len(stored) == len(set(stored))


async def test_even_an_exit_within_a_call_stops_nobody_else(db: Database) -> None:
    def leave(_session: Session) -> None:
        raise GeneratorExit

    with pytest.raises(GeneratorExit):
        await db.transact(leave)
    await asyncio.wait_for(db.transact(add, "Ann"), SOON)
    assert outside(db) == ["Ann"]


async def test_after_closing_nobody_waits_for_ever(database_url: str) -> None:
    db = Database(database_url)
    call = await start(db.transact, add, "Ann")
    db.close()
    await asyncio.wait_for(call, SOON)
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(db.transact(add, "Bob"), SOON)
    assert outside(db) == ["Ann"]


def test_commands_need_no_event_loop(db: Database) -> None:
    assert db.run(add, "Ann") > 0
    assert db.run(names) == ["Ann"]


async def test_reading_changes_nothing(db: Database) -> None:
    await db.read(add, "Ann")
    assert outside(db) == []


async def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    db = Database(postgres_url)
    left, right = await db.transact(add, "left"), await db.transact(add, "right")
    both_hold_one = threading.Barrier(2)
    runs: list[int] = []

    def lock(session: Session, first: int, second: int) -> None:
        runs.append(first)
        for number in (first, second):
            query = select(Customer).where(Customer.id == number).with_for_update()
            session.exec(query).one().name += "!"
            session.flush()
            if number == first and len(runs) <= 2:
                both_hold_one.wait(SOON)

    await asyncio.wait_for(
        asyncio.gather(db.transact(lock, left, right), db.transact(lock, right, left)), 10
    )
    assert len(runs) == 3
    assert outside(db) == ["left!!", "right!!"]
    db.close()


async def test_topics_travel_between_processes_on_postgresql(postgres_url: str) -> None:
    here, there = Database(postgres_url), Database(postgres_url)
    here.listen_to_others()
    with here.live.listen("news") as news, here.live.listen("other") as other:
        for attempt in range(50):  # listening begins a moment later, in a thread
            await there.transact(add, f"Ann {attempt}", "news")
            if await news.wait(0.1):
                break
        else:
            pytest.fail("the other process heard nothing")
        assert not await other.wait(0.05)
    here.close()
    there.close()


async def test_a_locked_file_is_unavailable_and_comes_back(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_db, "BUSY_SECONDS", 0.1)
    db = Database(sqlite_url)
    with closing(sqlite3.connect(str(db.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(
            *(db.transact(add, "Ann") for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [Unavailable] * 3
        assert await db.read(names) == []
        other.execute("ROLLBACK")
    await db.transact(add, "Bob")
    assert outside(db) == ["Bob"]
    db.close()


async def test_a_full_disk_acknowledges_nothing_and_recovers(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    acknowledged: list[str] = []

    def pages(session: Session, allowed: str) -> int:
        connection = session.connection()
        connection.exec_driver_sql(f"PRAGMA max_page_count={allowed}")
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    async def store(number: int) -> None:
        name = f"{number:02}" + "x" * 20_000
        await db.transact(add, name, "news")
        acknowledged.append(name)

    used = await db.transact(pages, "4294967294")
    await db.transact(pages, str(used + 12))

    async def fill() -> None:
        for number in range(12):
            await store(number)

    with pytest.raises(Unavailable):
        await fill()
    assert acknowledged
    with db.live.listen("news") as news:
        results = await asyncio.gather(*map(store, range(20, 36)), return_exceptions=True)
        assert {type(result) for result in results} == {Unavailable}
        assert not await news.wait(0.05)
    assert outside(db) == sorted(acknowledged)

    await db.transact(pages, "4294967294")
    await store(50)
    assert outside(db) == sorted(acknowledged)
    with closing(sqlite3.connect(str(db.url.database))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without special rights: folders that are read-only stay read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place(migrated_sqlite: Path) -> Iterator[Path]:
    """A folder with a database that every user may read."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copyfile(migrated_sqlite, Path(folder) / "shop.db")
        yield Path(folder)


def refusal(url: str) -> DatabaseUnusable:
    """Why the database at `url` is refused."""
    with pytest.raises(DatabaseUnusable) as refused:
        upgrade(Database(url))
    return refused.value


def assert_explains(error: DatabaseUnusable, path: Path) -> None:
    assert str(path) in error.zh
    assert str(path) in error.en
    assert "权限" in error.zh
    assert "permissions" in error.en


def test_a_read_only_file_is_refused_clearly(place: Path) -> None:
    path = place / "shop.db"
    path.chmod(0o444)
    with nobody():
        assert_explains(refusal(f"sqlite:///{path}"), path)


def test_a_read_only_folder_is_refused_clearly(place: Path) -> None:
    place.chmod(0o555)
    with nobody():
        assert_explains(refusal(f"sqlite:///{place}/new.db"), place / "new.db")
        assert_explains(refusal(f"sqlite:///{place}/deeper/new.db"), place / "deeper" / "new.db")
        with pytest.raises(DatabaseUnusable) as refused:
            hold(f"sqlite:///{place}/new.db")
    assert_explains(refused.value, place / "new.db")


def test_what_is_no_database_is_refused_clearly(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 400)
    assert "not a database" in refusal(f"sqlite:///{path}").en


def test_a_server_that_is_not_there_is_refused_without_its_password() -> None:
    error = refusal("postgresql://shop:s3cret@127.0.0.1:9/shop")
    assert "127.0.0.1" in error.en
    assert "s3cret" not in error.en + error.zh


def test_a_newer_database_is_refused_clearly(db: Database) -> None:
    def from_the_future(session: Session) -> None:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'f00d'")

    db.run(from_the_future)
    error = refusal(db.url.render_as_string(hide_password=False))
    assert "newer" in error.en
    assert "f00d" in error.en
    assert "更新版本" in error.zh


def test_one_service_holds_a_file_until_it_dies(sqlite_url: str) -> None:
    code = "import sys, time; from storage.db import hold; lock = hold(sys.argv[1])"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print('held', flush=True); time.sleep(60)", sqlite_url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseUnusable, match="Another Xiaoer service"):
            hold(sqlite_url)
        holder.send_signal(signal.SIGKILL)
        holder.wait(SOON)
        lock = hold(sqlite_url)
        assert lock is not None
        lock.release()
    finally:
        holder.kill()
        holder.wait(SOON)
        if holder.stdout is not None:
            holder.stdout.close()


def test_postgresql_is_held_by_nobody(postgres_url: str) -> None:
    assert hold(postgres_url) is None


def test_two_that_start_together_migrate_in_turn(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS together")
        connection.execute("CREATE DATABASE together")
    url = postgres.replace("/postgres?", "/together?")
    code = "import sys; from storage.migrate import *; upgrade(Database(sys.argv[1]))"

    def start(_number: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, url], cwd=ROOT, capture_output=True, text=True, timeout=30
        )

    with ThreadPoolExecutor(2) as pool, psycopg.connect(url, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK])
        running = pool.map(start, range(2))
        at_the_gate = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        give_up = time.monotonic() + 20
        while gate.execute(at_the_gate).fetchone() != (2,) and time.monotonic() < give_up:
            time.sleep(0.05)
        assert gate.execute(at_the_gate).fetchone() == (2,)
        gate.execute("SELECT pg_advisory_unlock(%s)", [migrate.LOCK])
        finished = list(running)
    assert [(one.returncode, one.stderr) for one in finished] == [(0, ""), (0, "")]
    db = Database(url)
    assert db.run(add, "Ann") == 1
    upgrade(db)
    assert db.run(names) == ["Ann"]
    db.close()
