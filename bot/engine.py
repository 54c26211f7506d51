"""Background work: what runs on a clock, later or slowly, kept in the database until it is done.

The engine is DBOS, named nowhere else. A job may run more than once, and a job that was under way
when its process died is not taken over by another: so every job finds its work in our tables, and
the next scheduled run finds what is left.
"""

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, create_engine, event
from sqlalchemy import Engine as Connections

NAME = "xiaoer"
QUEUE = "work"
POLL_SECONDS = 0.5
"""How often the queue is looked at; more often would cost the database more than the work does."""
THREADS = 4
"""How many jobs one process runs at a time."""
KEPT = timedelta(days=7)
"""How long it is known that a job was done."""
AT_ONCE = 500
"""Jobs forgotten in one transaction."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Named work. `run` is called in a thread of its own, with what it was enqueued with.

    `cron`: five fields in the shop's time zone; empty for work that is only enqueued.
    """

    name: str
    run: Callable[[dict[str, Any]], None]
    cron: str = ""


class Engine:
    """One process's share of the background work. Only one may be launched in a process."""

    def __init__(self, url: URL, timezone: str, jobs: Sequence[Job]) -> None:
        """`url` is the service's database: PostgreSQL itself, or a file beside the SQLite one."""
        self._url = url
        self._timezone = timezone
        forgetting = Job("forget-jobs", lambda _details: self.forget(KEPT), "35 4 * * *")
        self._jobs = {job.name: job for job in (*jobs, forgetting)}
        self._workflow: Callable[..., Any] | None = None

    def launch(self) -> None:
        """Begin to work; call it in a thread, for it migrates the engine's own tables."""
        from dbos import DBOS

        @DBOS.workflow(name="job")
        def job(name: str, details: dict[str, Any]) -> None:
            self._run(name, details)

        @DBOS.workflow(name="scheduled")
        def scheduled(due: datetime, name: Any) -> None:
            self._run(str(name), {"due": due.astimezone(UTC).isoformat()})

        DBOS(config=self._config())
        DBOS.launch()
        self._workflow = job
        DBOS.register_queue(QUEUE, worker_concurrency=THREADS, polling_interval_sec=POLL_SECONDS)
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": one.name,
                    "workflow_fn": scheduled,
                    "schedule": one.cron,
                    "context": one.name,
                    "cron_timezone": self._timezone,
                    "queue_name": QUEUE,
                }
                for one in self._jobs.values()
                if one.cron
            ]
        )
        log.info("background work ready", jobs=sorted(self._jobs))

    @property
    def ready(self) -> bool:
        """Whether work is being done."""
        return self._workflow is not None

    def close(self, patience: int = 5) -> None:
        """End, after at most `patience` seconds for what is under way."""
        if self._workflow is not None:
            from dbos import DBOS

            DBOS.destroy(workflow_completion_timeout_sec=patience, destroy_registry=True)
            self._workflow = None

    def enqueue(self, name: str, details: dict[str, Any] | None = None, delay: float = 0) -> None:
        """Run the job `name` with `details`, not before `delay` seconds have passed.

        Call it after the commit that made the work: what is lost between the two is found again
        by the job's next scheduled run.
        """
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        assert self._workflow is not None, "launch() first"
        if name not in self._jobs:
            raise KeyError(name)
        with SetWorkflowID(_sortable_id()), SetEnqueueOptions(delay_seconds=delay):
            DBOS.enqueue_workflow(QUEUE, self._workflow, name, details or {})

    def forget(self, kept: timedelta) -> None:
        """Delete what is known of jobs that ended longer than `kept` ago."""
        from dbos import DBOS

        before = (datetime.now(UTC) - kept).isoformat()
        while done := DBOS.list_workflows(
            completed_before=before, limit=AT_ONCE, load_input=False, load_output=False
        ):
            DBOS.delete_workflows([one.workflow_id for one in done])

    def _run(self, name: str, details: dict[str, Any]) -> None:
        job = self._jobs.get(name)
        if job is None:  # of a version that is no more, or is not yet
            log.warning("unknown background job", job=name)
            return
        try:
            job.run(details)
        except Exception:
            log.exception("background job failed; its next run finds what is left", job=name)

    def _config(self) -> Any:
        return {
            "name": NAME,
            "system_database_engine": connections(self._url),
            "system_database_url": self._url.render_as_string(hide_password=False),
            "application_version": "1",
            "executor_id": f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
            "max_executor_threads": THREADS,
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "use_listen_notify": False,
            "log_level": "WARNING",
        }


def engine_url(url: URL) -> URL:
    """Where the engine keeps its tables: on SQLite in a file of its own, so that its commits do
    not wait for the messages' nor they for its."""
    if url.get_backend_name() != "sqlite":
        return url
    path = Path(str(url.database))
    return url.set(database=str(path.with_name(f"{path.stem}-jobs{path.suffix}")))


def connections(url: URL) -> Connections:
    """DBOS's connections as they have to be on either database."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=5, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        # DBOS asks for the time in whole seconds, or in words that older SQLites do not know:
        # then a limit of 30 a second lets twice as many go.
        connection.create_function("strftime", 2, _strftime)
        connection.create_function("unixepoch", 1, lambda _modifier: _seconds())

    return engine


def _strftime(form: str, when: str) -> float | str:
    if (form, when) == ("%s", "now"):
        return _seconds()
    raise ValueError(f"strftime({form!r}, {when!r}) is not expected here")


def _seconds() -> float:
    return datetime.now(UTC).timestamp()


def _sortable_id() -> str:
    """An id that sorts by time, for jobs of one moment are run in the order of their ids."""
    return f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}"
