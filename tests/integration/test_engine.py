"""Background work is done, on either database, within bounds; what is known to trap DBOS does not."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dbos import DBOS
from sqlalchemy import make_url, text

from bot.engine import Engine, Job, connections, engine_url


class Work:
    """Jobs that note what they were given."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self.threads: set[str] = set()
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def note(self, details: dict[str, Any]) -> None:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
            self.threads.add(threading.current_thread().name)
        time.sleep(details.get("seconds", 0))
        with self._lock:
            self._running -= 1
            self.done.append(details)

    def fail(self, _details: dict[str, Any]) -> None:
        raise ValueError("as arranged")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def engine(database_url: str, work: Work) -> Iterator[Engine]:
    jobs = [Job("note", work.note), Job("fail", work.fail), Job("tick", work.note, "* * * * * *")]
    engine = Engine(engine_url(make_url(database_url)), "Asia/Shanghai", jobs)
    engine.launch()
    yield engine
    engine.close()


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)


def test_what_is_enqueued_is_done_now_or_later_and_by_the_clock(engine: Engine, work: Work) -> None:
    """One test for all, for starting the engine is slow."""
    until(lambda: any("due" in one for one in work.done))  # the clock's
    engine.enqueue("fail")
    asked = time.monotonic()
    engine.enqueue("note", {"n": "later"}, delay=1.5)
    for number in range(12):
        engine.enqueue("note", {"n": number, "seconds": 0.05})
    numbers = lambda: [one["n"] for one in work.done if "n" in one]  # noqa: E731
    until(lambda: "later" in numbers())
    assert time.monotonic() - asked >= 1.5
    until(lambda: len(numbers()) == 13)
    assert sorted(set(numbers()) - {"later"}) == list(range(12))
    assert work.most <= 4
    due = [datetime.fromisoformat(one["due"]) for one in work.done if "due" in one]
    assert len(due) == len(set(due))  # each second once
    assert all(one.tzinfo == UTC for one in due)
    with pytest.raises(KeyError):
        engine.enqueue("unknown")
    ended = {one.workflow_id for one in DBOS.list_workflows(status="SUCCESS")}
    engine.forget(timedelta(hours=1))
    assert ended <= {one.workflow_id for one in DBOS.list_workflows()}, "they are too young"
    engine.forget(timedelta(0))
    assert ended.isdisjoint(one.workflow_id for one in DBOS.list_workflows())


def test_the_clock_of_sqlite_has_milliseconds(sqlite_url: str) -> None:
    """Whole seconds would let twice as many start as a limit allows."""
    pool = connections(make_url(sqlite_url))
    with pool.connect() as connection:
        for query in ("SELECT strftime('%s', 'now') * 1000", "SELECT unixepoch('subsec') * 1000"):
            seen = {connection.execute(text(query)).scalar_one() for _ in range(50)}
            assert len(seen) > 1, query
            assert abs(max(seen) / 1000 - time.time()) < 1
    pool.dispose()


def test_its_sqlite_file_is_its_own_and_fast(sqlite_url: str) -> None:
    url = engine_url(make_url(sqlite_url))
    assert url.database != make_url(sqlite_url).database
    pool = connections(url)
    with pool.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 1
    pool.dispose()


def test_reading_and_then_writing_never_finds_the_file_locked(sqlite_url: str) -> None:
    pool = connections(engine_url(make_url(sqlite_url)))
    with pool.begin() as connection:
        connection.execute(text("CREATE TABLE n (v INTEGER)"))
        connection.execute(text("INSERT INTO n VALUES (0)"))

    def add() -> None:
        for _ in range(25):
            with pool.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                value = connection.execute(text("SELECT v FROM n")).scalar_one()
                connection.execute(text("UPDATE n SET v = :v"), {"v": value + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pool.connect() as connection:
        assert connection.execute(text("SELECT v FROM n")).scalar_one() == 100
    pool.dispose()
