"""The engine factory and `transact`: one function, one transaction, on SQLite or PostgreSQL."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from bot.core.errors import XiaoerError
from bot.core.events import Bus
from bot.core.ids import token
from storage.group_writer import GroupWriter, Work, unavailable
from storage.listener import CHANNEL, Listener
from storage.live import Changes, Live, changes, touch

BUSY_SECONDS = 5
"""How long to wait for another process's write lock on SQLite."""
RETRIES = 5
"""How often a transaction that PostgreSQL undid (deadlock, serialisation) is run again."""
_NOTIFY = text("SELECT pg_notify(:channel, notice) FROM unnest(CAST(:notices AS text[])) AS notice")
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseUnusable(XiaoerError):
    """The database cannot be opened as configured."""


class AlreadyHeld(DatabaseUnusable):
    """Another service process works on the same SQLite file."""


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
            self._writer: GroupWriter | ThreadPoolExecutor = GroupWriter(
                self.engine, self.session, self.publish
            )
        else:
            self.engine = create_engine(self.url, pool_size=12, pool_pre_ping=True)
            self._reading = self.engine
            self._writer = ThreadPoolExecutor(8, thread_name_prefix="db-write")
        self._listener: Listener | None = None
        self._origin = token()

    @property
    def dsn(self) -> str:
        """The address as PostgreSQL's own library has it."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

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

    async def announce(self, *topics: str) -> None:
        """Wake who listens to `topics`, in all processes, though nothing is stored."""
        if self.is_sqlite:  # there is one process
            self.live.publish(dict.fromkeys(topics))
        else:
            await self.transact(touch, *topics)

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

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The committed data of one moment, for reading much; writers go on meanwhile."""
        with self._reading.connect() as connection:
            if not self.is_sqlite:  # there, `BEGIN` means just this
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

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
            self._listener = Listener(self.dsn, self._origin, self.publish)
            self._listener.start()

    def publish(self, committed: Changes) -> None:
        """Wake this process's listeners; callable from any thread."""
        if committed and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self.live.publish, committed)

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
        if isinstance(self._writer, GroupWriter):
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
                    committed = changes(session)
                    if committed:
                        notices = [f"{self._origin} {topic}" for topic in committed]
                        connection.execute(_NOTIFY, {"channel": CHANNEL, "notices": notices})
            except DBAPIError as error:
                if _undone_by_server(error) and attempt + 1 < RETRIES:
                    continue
                if isinstance(error, OperationalError):
                    raise unavailable() from error
                raise
            self.publish(committed)
            return result
        raise AssertionError("unreachable")


def hold(url: str) -> FileLock | None:
    """Claim a SQLite file for this service process; None on PostgreSQL.

    Raises `AlreadyHeld` when another service has it, `DatabaseUnusable` when its folder cannot be
    written.
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
        raise AlreadyHeld(
            f"另一个 Xiaoer 服务正在使用 {parsed.database}。请先停止它，或改用 PostgreSQL。",
            f"Another Xiaoer service is using {parsed.database}. Stop it first, or use PostgreSQL.",
        ) from error
    except OSError as error:
        raise _no_place(str(parsed.database), error) from error
    return lock


def _undone_by_server(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def _make_folder(path: str) -> None:
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _no_place(path, error) from error


def _make_private(path: str) -> None:
    """A new database is for its owner's eyes only; SQLite gives its other files the same mode."""
    with contextlib.suppress(OSError):  # what is wrong here, opening it will say
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


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
    _make_private(path)
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
