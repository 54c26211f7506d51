"""A migration that is killed midway leaves the old data whole, and its rerun succeeds."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.service import ROOT

ROWS = 1000

MIGRATION = '''"""A later schema: every table is copied and a column added."""

import os
import time

import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", {head!r}


def upgrade():
    for name in ("customer", "identity", "message"):
        with op.batch_alter_table(name, recreate="always") as table:
            table.add_column(sa.Column("extra", sa.String, server_default="new"))
        if os.environ.get("STOP_AFTER") == name:
            print("midway", flush=True)
            time.sleep(60)
'''

UPGRADE = """
import sys
from storage import migrate
from storage.db import Database
from alembic.script import ScriptDirectory

def config(connection):
    from alembic.config import Config
    made = Config()
    made.set_main_option("script_location", str(migrate.SCRIPTS))
    made.set_main_option("version_locations", f"{migrate.SCRIPTS}/versions:{sys.argv[2]}")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made

migrate._config = config
db = Database(sys.argv[1])
with db.engine.connect() as pooled:  # so that pages go to the disk long before the commit
    pooled.exec_driver_sql("PRAGMA cache_size = 1")
migrate.upgrade(db)
db.close()
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A folder with a migration that this program does not ship."""
    from storage.migrate import head

    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "9999_later.py").write_text(MIGRATION.format(head=head()), encoding="utf-8")
    return folder


@pytest.fixture
def database(sqlite_url: str) -> Path:
    """A full shop."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        at = "2026-01-01 00:00:00.000000"
        for name in ("customer", "identity", "conversation", "message"):
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            marks = ", ".join("?" for _ in columns)
            rows = ([value(c, n, at) for c in columns] for n in range(1, ROWS + 1))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return path


def value(column: tuple[object, ...], number: int, at: str) -> object:
    """A value for row `number`; ids refer to the row of the same number, but agents are none."""
    name, kind, required = str(column[1]), str(column[2]), column[3]
    if name == "id" or (name.endswith("_id") and name != "agent_id"):
        return number
    if not required:
        return None
    if name in ("choices", "fragments"):
        return "[]"
    if "DATE" in kind:
        return at
    return number if kind in ("INTEGER", "BOOLEAN") and kind != "BOOLEAN" else f"text {number}"


def upgrade(database: Path, versions: Path, stop_after: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", UPGRADE, f"sqlite:///{database}", str(versions)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"STOP_AFTER": stop_after},
    )  # fmt: skip


def counted(database: Path) -> dict[str, object]:
    """How many rows each table has, and the revision."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found: dict[str, object] = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
        }
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return {**found, "revision": revision}


def test_a_migration_killed_midway_runs_again(database: Path, newer: Path) -> None:
    before = counted(database)
    assert before["message"] == ROWS
    running = upgrade(database, newer, stop_after="identity")
    assert running.stdout is not None
    assert running.stdout.readline() == "midway\n"
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert counted(database) == before
    assert upgrade(database, newer).wait(60) == 0
    assert counted(database) == before | {"revision": "9999"}
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT DISTINCT extra FROM message").fetchall() == [("new",)]
