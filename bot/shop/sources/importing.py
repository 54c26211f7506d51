"""Imports a table: some lines at a time, each time with how far it is, so that it can go on."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import groupby, islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import Unavailable, XiaoerError
from bot.shop import coupons
from bot.shop.coupons import NewCoupon
from bot.shop.events import OrderEvent, ProductEvent
from bot.shop.orders import apply_order
from bot.shop.products import apply_product
from bot.shop.sources.coupon_rows import new_coupon
from bot.shop.sources.csv_file import FileRefused, Line, Table, lines_of
from bot.shop.sources.rows import RowRefused, order_event, product_event
from storage.db import Database
from storage.models.coupons import codes_of
from storage.models.sources import ImportProgress

AT_ONCE = 50
"""Orders or products in one transaction, so that no message waits for an import."""
MOST_LINES = 500
"""Lines of one order at most: as many items as an order can have."""
TRIES = 5
SHOWN = 10
"""Refused lines that the summary quotes."""

Event = OrderEvent | ProductEvent | NewCoupon
Meter = Callable[[int], None]
"""Called with how many lines are done."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken, and why."""

    line: Line
    error: XiaoerError


@dataclass
class Summary:
    """What became of a file; `stored` and `refused` are counted over all its runs."""

    rows: int = 0
    stored: int = 0
    refused: int = 0
    resumed_at: int = 0
    was_done: bool = False
    seconds: float = 0.0
    errors: list[Refused] = field(default_factory=list)

    def as_dict(self, language: str) -> dict[str, Any]:
        """For programs; reasons are in `language`."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        shown = [
            {"line": one.line.number, "reason": one.error.text(language)} for one in self.errors
        ]
        return {**plain, "seconds": round(self.seconds, 2), "errors": shown}


@dataclass(frozen=True, slots=True)
class Options:
    """`errors` is where refused lines are written.

    After each transaction of `at_once` orders others have the database for `pause` seconds.
    """

    zone: ZoneInfo
    language: str = "en"
    errors: Path | None = None
    again: bool = False
    at_once: int = AT_ONCE
    pause: float = 0.0


def check(
    table: Table, zone: ZoneInfo, meter: Meter = lambda _rows: None, db: Database | None = None
) -> Summary:
    """What an import would take and refuse; nothing is stored. Coupons that are doubles are told
    from those in `db`."""
    summary, begun, known = Summary(), monotonic(), _known(db, table)
    for lines in _groups(table, 0):
        event, refused = _read(table, lines, zone, known)
        summary.rows += len(lines)
        _count(summary, [event] if event else [], refused)
        meter(summary.rows)
    summary.seconds = monotonic() - begun
    return summary


def run(db: Database, table: Table, options: Options, meter: Meter = lambda _rows: None) -> Summary:
    """Import `table` from where its last run ended. Safe to be killed at any moment.

    Raises `FileRefused` when the file for refused lines is somebody else's.
    """
    begun = monotonic()
    progress = db.run(_begin, table.digest, again=options.again)
    summary = Summary(progress.rows, progress.stored, progress.refused, progress.rows)
    if progress.finished_at is not None:
        summary.was_done = True
        return summary
    known = _known(db, table)
    with _Refusals(table, options, progress) as refusals:
        groups = _groups(table, progress.rows)
        while batch := list(islice(groups, options.at_once)):
            read = [_read(table, lines, options.zone, known) for lines in batch]
            events = [event for event, _ in read if event is not None]
            refused = [one for _, found in read for one in found]
            summary.rows += sum(map(len, batch))
            _count(summary, events, refused)
            reached = _reached(summary, refusals.write(refused))
            _patiently(db, _store, table, events, reached)
            meter(summary.rows)
            sleep(options.pause)
        db.run(_store, table, [], {"finished_at": now()})
    summary.seconds = monotonic() - begun
    return summary


def _begin(session: Session, digest: str, *, again: bool) -> ImportProgress:
    """How far the file is: at its beginning when it is new, or to be read again."""
    found = session.get(ImportProgress, digest)
    if found is not None and again and found.finished_at is not None:
        session.delete(found)
        session.flush()
        found = None
    if found is None:
        found = ImportProgress(digest=digest)
        session.add(found)
        session.flush()
    return found


def _store(session: Session, table: Table, events: list[Event], reached: Mapping[str, Any]) -> None:
    for event in events:
        if isinstance(event, OrderEvent):
            apply_order(session, event)
        elif isinstance(event, ProductEvent):
            apply_product(session, event)
        else:
            coupons.add(session, table.pool, event)
    progress = session.get_one(ImportProgress, table.digest)
    for name, value in reached.items():
        setattr(progress, name, value)
    session.add(progress)


def _reached(summary: Summary, errors: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"rows": summary.rows, "stored": summary.stored, "refused": summary.refused}
    return counts | dict(errors)


def _patiently(db: Database, work: Callable[..., None], *arguments: Any) -> None:
    """Try again while the database is busy: the service writes to it, too."""
    for attempt in range(TRIES):
        try:
            return db.run(work, *arguments)
        except Unavailable:
            if attempt == TRIES - 1:
                raise
            sleep(attempt + 1)
    return None


def _groups(table: Table, skip: int) -> Iterator[list[Line]]:
    """The lines after the first `skip`, those of one order together where they stand together."""
    lines = islice(lines_of(table), skip, None)
    if table.kind != "orders":
        return ([line] for line in lines)
    numbered = ((line.row.get("order_id") or f"\0{line.number}", line) for line in lines)
    return _bounded(numbered)


def _bounded(numbered: Iterator[tuple[str, Line]]) -> Iterator[list[Line]]:
    for _, group in groupby(numbered, key=lambda one: one[0]):
        while part := [line for _, line in islice(group, MOST_LINES)]:
            yield part


def _known(db: Database | None, table: Table) -> set[str]:
    """The codes that the pool has already."""
    return db.run(codes_of, table.pool) if db is not None and table.kind == "coupons" else set()


def _read(
    table: Table, lines: list[Line], zone: ZoneInfo, known: set[str]
) -> tuple[Event | None, list[Refused]]:
    """The event that these lines tell; refused, each of them is, with the reason. `known` codes of
    coupons are doubles; those that are taken become known."""
    try:
        if lines[0].broken:
            raise RowRefused(f"读不出这一行：{lines[0].broken}", f"unreadable: {lines[0].broken}")
        if table.kind == "products":
            return product_event(lines[0].row, zone, min(table.made_at, now())), []
        if table.kind == "coupons":
            return new_coupon(lines[0].row, zone, known), []
        return order_event([line.row for line in lines], zone, {}), []
    except RowRefused as error:
        return None, [Refused(line, error) for line in lines]


def _count(summary: Summary, events: list[Event], refused: list[Refused]) -> None:
    summary.stored += len(events)
    summary.refused += len(refused)
    summary.errors += refused[: max(0, SHOWN - len(summary.errors))]


class _Refusals:
    """The file of refused lines: reason and line first, then the cells as they were.

    It is as long as the database says, so that a run that was killed leaves no line twice.
    """

    def __init__(self, table: Table, options: Options, progress: ImportProgress) -> None:
        self._table = table
        self._language = options.language
        self._path = options.errors.resolve() if options.errors else None
        is_ours = progress.errors_file == str(self._path)
        self._size = progress.errors_size if is_ours else 0
        if self._path and self._path.exists() and not is_ours:
            raise FileRefused(
                f"{self._path} 已存在。请换一个文件名。",
                f"{self._path} exists. Choose another name.",
            )

    def __enter__(self) -> "_Refusals":
        if self._path is not None and self._path.exists():
            self._size = min(self._size, self._path.stat().st_size)
            os.truncate(self._path, self._size)
        else:
            self._size = 0
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two batches."""

    def write(self, refused: list[Refused]) -> dict[str, Any]:
        """Add these lines, safely on the disk. Returns what the database is to remember."""
        if self._path is None:
            return {}
        if refused:
            text = io.StringIO(newline="")
            writer = csv.writer(text)
            if not self._size:
                writer.writerow(["\ufeffline", "reason", *self._table.header])
            for one in refused:
                writer.writerow([one.line.number, one.error.text(self._language), *one.line.cells])
            mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with open(os.open(self._path, mode, 0o600), "ab") as file:
                self._size += file.write(text.getvalue().encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        return {"errors_file": str(self._path), "errors_size": self._size}
