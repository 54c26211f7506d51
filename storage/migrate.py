"""Brings a database to this version's schema; `python -m storage.migrate` checks or adds to it."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, Table, create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.db import Database, DatabaseUnusable
from storage.models.search_index import DERIVED

LOCK = 0x7869616F6572
"""PostgreSQL advisory lock ("xiaoer"), so that processes that start together migrate in turn."""
VERSION_TABLE = "alembic_version"
SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(db: Database) -> None:
    """Create or migrate the tables, in one transaction.

    Raises `DatabaseUnusable` when it cannot be reached or written, or a newer version made it.
    """
    try:
        with db.engine.connect() as connection, changing_tables(connection):
            if not db.is_sqlite:
                take_turn(connection)
            migrate(connection)
    except CommandError as error:
        raise DatabaseUnusable(
            f"数据库由更新版本的 Xiaoer 创建（{error}）。请升级程序，或恢复旧版本的备份。",
            f"The database was made by a newer Xiaoer ({error}). Upgrade the program, or restore "
            "a backup of the older version.",
        ) from error
    except DBAPIError as error:
        raise DatabaseUnusable(
            f"无法写入数据库 {db.url.render_as_string()}：{error.orig}。"
            "请检查地址、权限，以及是否有其他程序占用。",
            f"Cannot write the database {db.url.render_as_string()}: {error.orig}. Check the "
            "address, the permissions, and whether another program holds it.",
        ) from error


def take_turn(connection: Connection) -> None:
    """On PostgreSQL: be the only one that changes the tables, until the transaction's end."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


@contextlib.contextmanager
def changing_tables(connection: Connection) -> Iterator[None]:
    """A transaction in which tables may be changed that others refer to.

    SQLite changes most of a table by copying it and dropping the old one
    (sqlite.org/lang_altertable.html, section 7), which foreign keys forbid where there are rows:
    there they are checked at the end instead. Raises `DatabaseUnusable` when one would be broken.
    """
    if connection.dialect.name != "sqlite":
        with connection.begin():
            yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")  # has no effect within a transaction
    try:
        with connection.begin():
            yield
            broken = connection.execute(text("PRAGMA foreign_key_check")).first()
            if broken is not None:
                raise DatabaseUnusable(
                    f"表 {broken[0]} 中有指向不存在的数据的行，未作任何改动。",
                    f"Table {broken[0]} refers to rows that do not exist; nothing was changed.",
                )
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def migrate(connection: Connection, revision: str = "head") -> None:
    """Create or migrate the tables within the connection's transaction."""
    command.upgrade(_config(connection), revision)


def head() -> str | None:
    """The newest revision that this program knows."""
    return _scripts().get_current_head()


def knows(revision: str) -> bool:
    """Whether this program can bring tables to `revision`, and from there to its own."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def revision_of(connection: Connection) -> str | None:
    """The revision of a database's tables; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def tables_at(revision: str) -> list[Table]:
    """The tables as they were at `revision`, each after those that it refers to.

    What is derived from them is not among them.
    """
    tables = MetaData()
    with create_engine("sqlite://").begin() as connection:
        migrate(connection, revision)
        tables.reflect(connection, only=lambda name, _: not name.startswith(DERIVED))
    return [table for table in tables.sorted_tables if table.name != VERSION_TABLE]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _next() -> str:
    return f"{int(head() or 0) + 1:04d}"


def _on_empty_database(action: str, *message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/check.db")
        upgrade(db)
        with db.engine.begin() as connection:
            if action == "check":
                command.check(_config(connection))
            else:
                command.revision(
                    _config(connection), " ".join(message), autogenerate=True, rev_id=_next()
                )
        db.close()


if __name__ == "__main__":
    _on_empty_database(*(sys.argv[1:] or ["check"]))
