"""Takes all rows out of a database into one file and puts them back, into either kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from zipfile import ZipFile

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    MetaData,
    Numeric,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import JSON, Date, DateTime, TypeEngine

from bot.core.clock import now
from bot.core.errors import XiaoerError
from storage import archive
from storage.archive import Contents, Manifest, Meter, Row, TooNew
from storage.db import Database, DatabaseUnusable
from storage.migrate import (
    VERSION_TABLE,
    changing_tables,
    knows,
    migrate,
    revision_of,
    tables_at,
    take_turn,
)
from storage.models import search_index
from storage.models.base import Json, UtcDateTime

BATCH = 1000
"""Rows in memory at a time."""
GRACE_SECONDS = 3.0
"""How long connections that were closed may take to be gone at the server."""


class NotEmpty(XiaoerError):
    """The database holds data already."""


class InUse(XiaoerError):
    """Somebody works on the database that is to be replaced."""


class NotRestored(XiaoerError):
    """The database refused the rows of the backup."""


class JsonText(Json):
    """JSON as the text that it is: what is never parsed comes back as it was."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(column, Text)


def save(db: Database, path: Path, product: str, meter: Meter, *, replace: bool) -> Manifest:
    """Write all rows that are committed now to `path`; the service may go on meanwhile.

    The database is left at the schema that it has. Raises `CannotWrite` (`path` exists and
    `replace` is False, the disk is full, …), or `DatabaseUnusable` when there is none of ours.
    """
    with archive.create(path, replace=replace) as file, _readable(db), db.snapshot() as connection:
        revision = _revision(connection)
        manifest = Manifest(
            product=product,
            made_at=now(),
            source=connection.dialect.name,
            revision=revision,
            tables=list(_save_tables(connection, portable(revision), file, meter)),
        )
        archive.add_manifest(file, manifest)
    return manifest


def restore(db: Database, path: Path, meter: Meter, checked: Meter, *, replace: bool) -> Manifest:
    """Replace all that `db` holds by the rows in `path`, in one transaction.

    A backup of an older schema is put back as it was and then migrated. Raises `Unreadable`,
    `TooNew`, `NotEmpty` (there is data, and `replace` is False), `InUse` or `NotRestored`; then
    the database is as it was.
    """
    with archive.opened(path) as (file, manifest):
        if not knows(manifest.revision):
            raise archive.too_new(path, manifest.product)
        archive.check(path, file, manifest, checked)
        with _accepted(path), db.engine.connect() as connection, changing_tables(connection):
            _be_alone(connection)
            _clear(connection, replace=replace)
            migrate(connection, manifest.revision)
            _load_tables(connection, file, manifest, meter)
            migrate(connection)
    return manifest


@cache
def portable(revision: str) -> list[Table]:
    """The tables at `revision`, with types that mean the same on both databases."""
    ours = MetaData()
    return [
        Table(
            table.name,
            ours,
            *(
                Column(c.name, _portable(c.type), primary_key=c.primary_key, nullable=c.nullable)
                for c in table.columns
            ),
        )
        for table in tables_at(revision)
    ]


def _portable(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, JSON):
        return JsonText()
    return UtcDateTime() if isinstance(kind, DateTime) else kind


def _revision(connection: Connection) -> str:
    revision = revision_of(connection)
    if revision is None:
        raise DatabaseUnusable(
            "数据库里还没有 Xiaoer 的数据，没有什么可备份。请检查 [database] url。",
            "The database holds no data of Xiaoer's: there is nothing to back up. Check "
            "[database] url.",
        )
    if not knows(revision):
        raise _made_by_newer(revision)
    return revision


def _made_by_newer(revision: str) -> TooNew:
    return TooNew(
        f"数据库由更新版本的 Xiaoer 创建（{revision}）。请升级程序；要退回旧版本，"
        "请恢复到一个空的数据库。",
        f"The database was made by a newer Xiaoer ({revision}). Upgrade the program; to go back "
        "to the older one, restore into an empty database.",
    )


def _save_tables(
    connection: Connection, tables: list[Table], file: ZipFile, meter: Meter
) -> Iterator[Contents]:
    total = sum(_count(connection, table) for table in tables)
    done = 0
    for table in tables:
        batches = _metered(_batches(connection, table), done, total, meter)
        written = archive.add_table(file, table.name, table.columns.keys(), batches)
        done += written.rows
        yield written


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _batches(connection: Connection, table: Table) -> Iterator[list[Row]]:
    query = select(table).order_by(*table.primary_key)
    with connection.execute(query, execution_options={"yield_per": BATCH}) as result:
        for rows in result.partitions():
            yield [list(row) for row in rows]


def _metered(
    batches: Iterator[list[Row]], done: int, total: int, meter: Meter
) -> Iterator[list[Row]]:
    for rows in batches:
        yield rows
        meter(done := done + len(rows), total)


def _others(connection: Connection) -> int:
    connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(connection.execute(text(query)).scalar_one())


def _be_alone(connection: Connection) -> None:
    """On PostgreSQL: nobody else is connected, and services that start now wait for us."""
    if connection.dialect.name == "sqlite":
        return
    take_turn(connection)
    until = monotonic() + GRACE_SECONDS
    while (others := _others(connection)) and monotonic() < until:
        sleep(0.1)
    if others:
        raise InUse(
            f"还有 {others} 个连接在使用这个数据库。请先停止 Xiaoer 服务和其他程序，再恢复。",
            f"{others} other connections use this database. Stop the Xiaoer service and whatever "
            "else works on it, then restore.",
        )


def _clear(connection: Connection, *, replace: bool) -> None:
    """Drop our tables, from the last that refers to others on."""
    revision = revision_of(connection)
    if revision is None:
        return
    if not knows(revision):
        raise _made_by_newer(revision)
    tables = portable(revision)
    if not replace and any(_has_rows(connection, table) for table in tables):
        raise NotEmpty(
            "数据库里已有数据，没有改动它。请恢复到一个空的数据库，或用 --force 全部替换。",
            "The database holds data already and was left alone. Restore into an empty one, or "
            "replace everything with --force.",
        )
    search_index.drop(connection)
    for table in reversed(tables):
        table.drop(connection)
    connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None


def _load_tables(connection: Connection, file: ZipFile, manifest: Manifest, meter: Meter) -> None:
    tables = {table.name: table for table in portable(manifest.revision)}
    done = 0
    for contents in manifest.tables:
        table = tables[contents.name]
        for values in _values(file, contents, table):
            connection.execute(insert(table), values)
            meter(done := done + len(values), manifest.rows)
        _continue_numbers(connection, table)


def _values(file: ZipFile, contents: Contents, table: Table) -> Iterator[list[dict[str, Any]]]:
    names = contents.columns
    rebuild = [(name, make) for name in names if (make := _from_text(table.columns[name].type))]
    for rows in archive.batches(file, contents, BATCH):
        values = [dict(zip(names, row, strict=True)) for row in rows]
        for name, make in rebuild:
            for value in values:
                if value[name] is not None:
                    value[name] = make(value[name])
        yield values


def _from_text(kind: TypeEngine[Any]) -> Callable[[str], Any] | None:
    """What makes a value of the text that stands for it in the file; None where it is itself."""
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    return Decimal if isinstance(kind, Numeric) and kind.asdecimal else None


def _continue_numbers(connection: Connection, table: Table) -> None:
    """On PostgreSQL: the next row gets a number that none has; SQLite looks for itself."""
    if connection.dialect.name == "sqlite":
        return
    for column in table.primary_key:
        sequence = connection.execute(
            select(func.pg_get_serial_sequence(table.name, column.name))
        ).scalar()
        if sequence:
            newest = select(func.setval(sequence, func.max(column))).having(func.count() > 0)
            connection.execute(newest.select_from(table))


@contextmanager
def _readable(db: Database) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise DatabaseUnusable(
            f"无法读取数据库 {db.url.render_as_string()}：{error.orig}。请检查地址和权限。",
            f"Cannot read the database {db.url.render_as_string()}: {error.orig}. Check the "
            "address and the permissions.",
        ) from error


@contextmanager
def _accepted(path: Path) -> Iterator[None]:
    try:
        yield
    except (StatementError, LookupError, TypeError, ValueError) as error:
        reason = getattr(error, "orig", error)
        raise NotRestored(
            f"数据库没有接受备份 {path}：{reason}。数据库没有改动。",
            f"The database did not accept the backup {path}: {reason}. It was left as it was.",
        ) from error
