"""The engine factory and `transact`: one function, one transaction, on SQLite or PostgreSQL."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from bot.core.errors import Unavailable, XiaoerError
from bot.core.events import Bus
from storage.live import Live

BATCH = 64
"""How many waiting calls commit together on SQLite."""
BUSY_SECONDS = 5
"""How long to wait for another process's write lock on SQLite."""
RETRIES = 5
"""How often a transaction that PostgreSQL undid (deadlock, serialisation) is run again."""
CHANNEL = "xiaoer"
"""PostgreSQL notification channel that carries the topics of `storage.live`."""

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[[Session], Any]


class DatabaseUnusable(XiaoerError):
    """The database cannot be opened as configured."""


@dataclass(slots=True)
class _Job:
    work: Work
    future: Future[Any]
    result: Any = None
    error: BaseException | None = None
    touched: frozenset[str] = frozenset()

    def settle(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def unavailable() -> Unavailable:
    """The error of a database that cannot serve just now."""
    return Unavailable(
        "数据库暂时无法写入，请稍后再试；若持续出现，请检查磁盘空间和数据库锁。",
        "The database cannot be written just now. Try again shortly; if it persists, check disk "
        "space and other processes that hold the database.",
    )


class Database:
    """All access to the tables.

    `transact` runs a function in a read-write transaction, `read` in a read-only one; both
    give it a `Session` and return what it returns. The function may be run more than once
    (PostgreSQL undoes one side of a deadlock), so it must change nothing but the session.
    """

    def __init__(self, url: str, bus: Bus | None = None, live: Live | None = None) -> None:
        self.url = make_url(url)
        self.bus = bus or Bus()
        self.live = live or Live()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.url.drivername == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="db-read")
        if self.is_sqlite:
            self.engine = _sqlite_engine(str(self.url.database), begin="BEGIN IMMEDIATE")
            self._reading = _sqlite_engine(str(self.url.database), begin="BEGIN")
            self._writer: _GroupWriter | ThreadPoolExecutor = _GroupWriter(self)
        else:
            self.engine = create_engine(self.url, pool_size=12, pool_pre_ping=True)
            self._reading = self.engine
            self._writer = ThreadPoolExecutor(8, thread_name_prefix="db-write")
        self._listener: _Listener | None = None

    async def transact(
        self,
        work: Callable[Concatenate[Session, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(session, …)` and commit; its changes are all made, or none of them.

        Raises what `work` raises, or `Unavailable` when the database cannot commit.
        """
        self._attach()
        future = self._submit(lambda session: work(session, *args, **kwargs))
        return await asyncio.wrap_future(future)

    async def read(
        self,
        work: Callable[Concatenate[Session, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(session, …)` on committed data, without changing anything."""
        self._attach()
        future = self._readers.submit(self._read, lambda session: work(session, *args, **kwargs))
        return await asyncio.wrap_future(future)

    def run(
        self,
        work: Callable[Concatenate[Session, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`transact` for commands, which have no event loop."""
        return self._submit(lambda session: work(session, *args, **kwargs)).result()  # type: ignore[no-any-return]

    def close(self) -> None:
        """Finish the running calls and let go of all connections."""
        if self._listener is not None:
            self._listener.stop()
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self.engine.dispose()
        self._reading.dispose()

    def listen_to_others(self) -> None:
        """Hear what other processes on the same PostgreSQL commit. Nothing to do on SQLite."""
        self._attach()
        if not self.is_sqlite and self._listener is None:
            self._listener = _Listener(self)
            self._listener.start()

    def publish(self, topics: frozenset[str]) -> None:
        """Wake this process's listeners of `topics`; callable from any thread."""
        if topics and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self.live.publish, topics)

    def session(self, connection: Connection) -> Session:
        """A session inside the connection's transaction, in a savepoint of its own."""
        session = Session(
            bind=connection,
            join_transaction_mode="create_savepoint",
            expire_on_commit=False,
        )
        session.info["bus"] = self.bus
        return session

    def _attach(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()

    def _submit(self, work: Work) -> Future[Any]:
        if isinstance(self._writer, _GroupWriter):
            return self._writer.submit(work)
        return self._writer.submit(self._commit_one, work)

    def _read(self, work: Work) -> Any:
        try:
            with Session(self._reading, expire_on_commit=False) as session:
                return work(session)
        except OperationalError as error:
            raise unavailable() from error

    def _commit_one(self, work: Work) -> Any:
        """One transaction on PostgreSQL, run again when the server undid it."""
        for attempt in range(RETRIES):
            try:
                with self.engine.begin() as connection:
                    session = self.session(connection)
                    with session:
                        result = work(session)
                        session.commit()
                    touched = frozenset(session.info.get("touched", ()))
                    for topic in touched:
                        connection.execute(
                            text("SELECT pg_notify(:channel, :topic)"),
                            {"channel": CHANNEL, "topic": topic},
                        )
            except DBAPIError as error:
                if _undone_by_server(error) and attempt + 1 < RETRIES:
                    continue
                if isinstance(error, OperationalError):
                    raise unavailable() from error
                raise
            self.publish(touched)
            return result
        raise AssertionError("unreachable")


class _GroupWriter:
    """SQLite's single writer: calls that wait together share one commit.

    Each call has a savepoint and a session of its own, so that one failure leaves its
    neighbours alone. Nobody is answered before the commit.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> Future[Any]:
        """Queue `work`. Raises `RuntimeError` after `shutdown`, as executors do."""
        job = _Job(work, Future())
        with self._door:
            if self._closed:
                raise RuntimeError("the database is closed")
            self._jobs.put(job)
        return job.future

    def shutdown(self, wait: bool = True) -> None:
        with self._door:
            self._closed = True
            self._jobs.put(None)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = self._gather(first)
            self._commit(batch)
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        batch = [first]
        while len(batch) < BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, waiting: list[_Job]) -> None:
        batch = [job for job in waiting if job.future.set_running_or_notify_cancel()]
        try:
            with self._db.engine.begin() as connection:
                for job in batch:
                    self._run_one(connection, job)
        except BaseException as error:  # whatever it is, the waiting calls must hear of it
            for job in batch:
                job.error = job.error or _explained(error)
        for job in batch:
            if job.error is None:
                self._db.publish(job.touched)
            job.settle()

    def _run_one(self, connection: Connection, job: _Job) -> None:
        session = self._db.session(connection)
        try:
            with session:
                job.result = job.work(session)
                session.commit()
            job.touched = frozenset(session.info.get("touched", ()))
        except BaseException as error:
            driver = connection.connection.driver_connection
            if driver is None or not driver.in_transaction:
                raise  # SQLite undid the whole transaction (disk full, I/O error)
            job.error = _explained(error)


class _Listener(threading.Thread):
    """Hears PostgreSQL's notifications and passes the topics on; reconnects by itself."""

    def __init__(self, db: Database) -> None:
        super().__init__(name="db-listen", daemon=True)
        self._db = db
        self._stopped = threading.Event()

    def run(self) -> None:
        dsn = self._db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stopped.is_set():
            try:
                with psycopg.connect(dsn, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._hear(connection)
            except psycopg.Error:
                self._stopped.wait(1)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopped.is_set():
            for notice in connection.notifies(timeout=0.5):
                self._db.publish(frozenset([notice.payload]))

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=2)


def hold(url: str) -> FileLock | None:
    """Claim a SQLite file for this service process; None on PostgreSQL.

    Raises `DatabaseUnusable` when another service holds it, or its folder cannot be written.
    Release it by `.release()`; the operating system releases it when the process dies.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    lock = FileLock(f"{parsed.database}.lock")
    try:
        _make_folder(str(parsed.database))
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DatabaseUnusable(
            f"另一个 Xiaoer 服务正在使用 {parsed.database}。请先停止它，或改用 PostgreSQL。",
            f"Another Xiaoer service is using {parsed.database}. Stop it first, or use PostgreSQL.",
        ) from error
    except OSError as error:
        raise _no_place(str(parsed.database), error) from error
    return lock


def _explained(error: BaseException) -> BaseException:
    """The error that callers see: `Unavailable` where the database could not serve."""
    if not isinstance(error, OperationalError):
        return error
    failure = unavailable()
    failure.__cause__ = error
    return failure


def _undone_by_server(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def _make_folder(path: str) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_place(path, error) from error


def _no_place(path: str, error: OSError) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"无法在此写入数据库 {path}：{error.strerror}。请检查路径和文件夹权限。",
        f"Cannot write the database at {path}: {error.strerror}. Check the path and the "
        "permissions of the folder.",
    )


def _sqlite_engine(path: str, begin: str) -> Engine:
    """SQLite as the design has it: WAL, FULL, foreign keys, and explicit BEGIN."""
    if path in {"", ":memory:", "None"}:
        raise DatabaseUnusable(
            "SQLite 需要一个文件，例如 sqlite:///data/xiaoer.db。",
            "SQLite needs a file, for example sqlite:///data/xiaoer.db.",
        )
    _make_folder(path)
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
