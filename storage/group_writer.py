"""SQLite's single writer: calls that wait together share one commit."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bot.core.errors import Unavailable
from storage.live import Changes, changes

BATCH = 64
"""How many waiting calls commit together on SQLite."""

Work = Callable[[Session], Any]


@dataclass(slots=True)
class _Job:
    work: Work
    future: Future[Any]
    result: Any = None
    error: BaseException | None = None
    changes: Changes = field(default_factory=dict)

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


def explained(error: BaseException) -> BaseException:
    """The error that callers see: `Unavailable` where the database could not serve."""
    if not isinstance(error, OperationalError):
        return error
    failure = unavailable()
    failure.__cause__ = error
    return failure


class GroupWriter:
    """One thread that runs calls in the order in which they came, and commits them together.

    Each call has a savepoint and a session of its own, so that one failure leaves its
    neighbours alone. Nobody is answered before the commit.
    """

    def __init__(
        self,
        engine: Engine,
        session: Callable[[Connection], Session],
        publish: Callable[[Changes], None],
    ) -> None:
        """`session` opens a call's own savepoint; `publish` tells what was committed."""
        self._engine = engine
        self._session = session
        self._publish = publish
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
            with self._engine.begin() as connection:
                for job in batch:
                    self._run_one(connection, job)
        except BaseException as error:  # whatever it is, the waiting calls must hear of it
            for job in batch:
                job.error = job.error or explained(error)
        for job in batch:
            if job.error is None:
                self._publish(job.changes)
            job.settle()

    def _run_one(self, connection: Connection, job: _Job) -> None:
        session = self._session(connection)
        try:
            with session:
                job.result = job.work(session)
                session.commit()
            job.changes = changes(session)
        except BaseException as error:
            driver = connection.connection.driver_connection
            if driver is None or not driver.in_transaction:
                raise  # SQLite undid the whole transaction (disk full, I/O error)
            job.error = explained(error)
