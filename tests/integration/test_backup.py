"""`xiaoer backup` and `xiaoer restore`: nothing is lost, nothing is half done, on both databases."""

import json
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Date, Integer, Numeric, Table, insert, select, text
from sqlalchemy.types import Boolean

from storage import backup, migrate
from storage.archive import CannotWrite, TooNew, Unreadable
from storage.backup import InUse, NotEmpty, NotRestored
from storage.db import Database, DatabaseUnusable, hold
from storage.migrate import head
from storage.models.base import UtcDateTime
from tests.support.command import xiaoer

TEXTS = ["", "您好😀 “引号” 'quotes'", 'back\\slash, "x",\n\ttab\r\n', "\u2028\x85龘𠀀é null"]
JSONS = ["[]", '{"b": [1, 2.50, "退货", null], "a": {"😀": true}}', "null", '"\\u9000 1e400"']
MOMENT = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", {head!r}, None, None


def upgrade():
    op.add_column("customer", sa.Column("nickname", sa.String(), server_default="friend"))
"""

Rows = dict[str, list[dict[str, Any]]]


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at `url`; nobody is connected afterwards."""
    db = Database(url)
    try:
        yield db
    finally:
        db.close()


def silent(_done: int, _total: int) -> None:
    """A meter that nobody reads."""


def save(url: str, file: Path) -> None:
    with opened(url) as db:
        backup.save(db, file, "0.1", silent, replace=False)


def restore(url: str, file: Path, *, replace: bool = False) -> None:
    with opened(url) as db:
        backup.restore(db, file, silent, silent, replace=replace)


def value(column: Column[Any], number: int) -> Any:
    """What stands in the column in the row with this number: awkward, different in each row."""
    kind = column.type
    if isinstance(kind, Integer):
        return number + 1
    if column.nullable and number == 0:
        return None
    if isinstance(kind, backup.JsonText):
        return JSONS[number]
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, UtcDateTime):
        return MOMENT + timedelta(days=number, microseconds=number * 123456)
    if isinstance(kind, Numeric):
        return Decimal("999999999999.99") - number
    if isinstance(kind, Date):
        return date(2024, 2, 29) - timedelta(days=number)
    return TEXTS[number]


def tables() -> list[Table]:
    return backup.portable(str(head()))


def fill(url: str) -> Rows:
    """Four rows in every table, those of others referred to; returns them all."""
    with opened(url) as db, db.engine.begin() as connection:
        for table in tables():
            rows = [{c.name: value(c, number) for c in table.columns} for number in range(4)]
            connection.execute(insert(table), rows)
        return contents(connection)


def contents(connection: Connection) -> Rows:
    """All rows of all tables; JSON as what it means, and NULL told from JSON's null."""
    return {
        table.name: [
            {
                column.name: ("json", json.loads(found))
                if found is not None and isinstance(column.type, backup.JsonText)
                else found
                for column, found in zip(table.columns, row, strict=True)
            }
            for row in connection.execute(select(table).order_by(*table.primary_key))
        ]
        for table in tables()
    }


def rows(url: str) -> Rows:
    with opened(url) as db, db.engine.begin() as connection:
        return contents(connection)


def run(url: str, *statements: str) -> None:
    with opened(url) as db, db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.backup"


@pytest.fixture(scope="module")
def shop(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """A shop with rows in all tables, and its backup beside it."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copyfile(migrated_sqlite, folder / "xiaoer.db")
    url = f"sqlite:///{folder}/xiaoer.db"
    before = fill(url)
    save(url, folder / "shop.backup")
    return folder, before


@pytest.fixture
def filled(shop: tuple[Path, Rows], sqlite_url: str, file: Path) -> tuple[str, Rows]:
    """A copy of that shop, and of its backup at `file`."""
    folder, before = shop
    shutil.copyfile(folder / "xiaoer.db", sqlite_url.removeprefix("sqlite:///"))
    shutil.copyfile(folder / "shop.backup", file)
    return sqlite_url, before


@pytest.fixture
def newer(tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The program as it will be when the schema has changed once more."""
    scripts = shutil.copytree(migrate.SCRIPTS, tmp_path / "migrations")
    (scripts / "versions" / "9999_next.py").write_text(MIGRATION.format(head=head()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "SCRIPTS", scripts)
        yield patch


def test_what_is_lost_later_comes_back_wholly_or_not_at_all(database_url: str, file: Path) -> None:
    before = fill(database_url)
    assert all(len(found) == 4 for found in before.values())
    save(database_url, file)
    run(database_url, "DELETE FROM audit", "UPDATE customer SET name = 'x', blocked = (1 = 1)")
    lost = rows(database_url)

    def broken(done: int, total: int) -> None:
        if done > total / 2:
            raise OSError("the disk is gone")

    with opened(database_url) as db, pytest.raises(OSError, match="disk is gone"):
        backup.restore(db, file, broken, silent, replace=True)
    with pytest.raises(NotEmpty, match="--force") as refused:
        restore(database_url, file)
    assert "--force" in refused.value.zh
    assert rows(database_url) == lost != before
    restore(database_url, file, replace=True)
    assert rows(database_url) == before
    run(
        database_url,
        "INSERT INTO audit (at, actor, action, subject) "
        "VALUES ('2024-01-01 00:00:00', 'a', 'b', 'c')",
    )
    assert [row["id"] for row in rows(database_url)["audit"]] == [1, 2, 3, 4, 5]


def test_a_shop_moves_to_postgresql_and_back(
    filled: tuple[str, Rows], file: Path, postgres_url: str, tmp_path: Path
) -> None:
    _, before = filled
    restore(postgres_url, file)
    assert rows(postgres_url) == before
    save(postgres_url, tmp_path / "back")
    new = f"sqlite:///{tmp_path}/new/xiaoer.db"
    restore(new, tmp_path / "back")
    assert rows(new) == before
    with opened(new) as db, db.engine.begin() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        amount = "SELECT typeof(amount), amount FROM orders ORDER BY id LIMIT 1 OFFSET 1"
        assert connection.execute(text(amount)).one() == ("real", 999999999998.99)


def test_a_backup_is_one_moment_of_a_service_that_goes_on(
    database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fill(database_url)
    growing = [t for t in tables() if t.name in ("customer", "identity", "conversation", "message")]
    monkeypatch.setattr(backup, "BATCH", 2)
    with opened(database_url) as db, opened(database_url) as service:

        def meanwhile(done: int, total: int) -> None:
            assert done <= total == sum(len(found) for found in before.values())
            with service.engine.begin() as connection:
                connection.execute(text("DELETE FROM replay_mark"))
                for table in growing:
                    row = {c.name: value(c, 3) for c in table.columns}
                    new = {"id": 4 + done, "shop_ref": str(done), "chat": str(done)}
                    row |= {name: changed for name, changed in new.items() if name in row}
                    connection.execute(insert(table), row)

        backup.save(db, file, "0.1", meanwhile, replace=False)
    after = rows(database_url)
    assert len(after["message"]) > 30
    assert after["replay_mark"] == []
    restore(database_url, file, replace=True)
    assert rows(database_url) == before


def test_what_a_kill_leaves_in_the_middle_is_the_old_data(
    filled: tuple[str, Rows], file: Path, tmp_path: Path
) -> None:
    sqlite_url, _ = filled
    run(sqlite_url, "UPDATE customer SET name = 'newer'")
    before = rows(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    def copied(done: int, total: int) -> None:
        if done > total / 2 and not (tmp_path / path.name).exists():
            for part in (path, path.with_name(f"{path.name}-wal")):
                shutil.copyfile(part, tmp_path / part.name)

    with opened(sqlite_url) as db:
        with db.engine.connect() as pooled:  # so that the pages go to the disk before the commit
            pooled.execute(text("PRAGMA cache_size = 1"))
        backup.restore(db, file, copied, silent, replace=True)
    assert rows(sqlite_url) != before
    assert (tmp_path / f"{path.name}-wal").stat().st_size > 50_000
    assert rows(f"sqlite:///{tmp_path}/{path.name}") == before


def test_an_older_backup_is_restored_and_migrated_a_newer_one_is_refused(
    filled: tuple[str, Rows], file: Path, tmp_path: Path, newer: pytest.MonkeyPatch
) -> None:
    sqlite_url, before = filled
    restore(sqlite_url, file, replace=True)
    now = rows(sqlite_url)["customer"]
    assert now == [{**row, "nickname": "friend"} for row in before["customer"]]
    save(sqlite_url, tmp_path / "newer")
    newer.undo()
    with pytest.raises(TooNew, match="newer Xiaoer"):
        restore(f"sqlite:///{tmp_path}/new.db", tmp_path / "newer")
    with pytest.raises(TooNew, match=r"9999.*restore into an empty database"):
        restore(sqlite_url, file, replace=True)
    with pytest.raises(TooNew, match="9999"):
        save(sqlite_url, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_postgresql_in_use_is_not_replaced(
    filled: tuple[str, Rows], file: Path, postgres_url: str
) -> None:
    with opened(postgres_url) as service, service.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(InUse, match="1 other connections"):
            restore(postgres_url, file)
    assert rows(postgres_url)["customer"] == []


def test_a_file_appears_whole_and_is_private(
    filled: tuple[str, Rows], file: Path, tmp_path: Path
) -> None:
    sqlite_url, _ = filled
    file.unlink()
    save(sqlite_url, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    with pytest.raises(CannotWrite, match="--force"):
        save(sqlite_url, file)
    with opened(sqlite_url) as db, pytest.raises(CannotWrite, match="Choose another name"):
        backup.save(db, file.parent, "0.1", silent, replace=True)

    def full(_done: int, _total: int) -> None:
        raise OSError(28, "No space left on device")

    with opened(sqlite_url) as db, pytest.raises(CannotWrite, match="No space left"):
        backup.save(db, file, "0.1", full, replace=True)
    assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_damaged_and_foreign_files_change_nothing(filled: tuple[str, Rows], file: Path) -> None:
    sqlite_url, before = filled
    good = file.read_bytes()
    spoilt = [b"", b"hello", good[:100], good[: len(good) // 2], good[:-1], good[1:]]
    spoilt += [good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :] for at in (80, 90)]
    for number, content in enumerate(spoilt):
        file.write_bytes(content)
        with pytest.raises(Unreadable) as refused:
            restore(sqlite_url, file, replace=True)
        assert "no complete Xiaoer backup" in refused.value.en, number
        assert "不是完整的 Xiaoer 备份" in refused.value.zh, number
    with pytest.raises(Unreadable, match="No such file"):
        restore(sqlite_url, file.with_name("none"), replace=True)
    assert rows(sqlite_url) == before


def test_changed_contents_are_refused(filled: tuple[str, Rows], file: Path) -> None:
    sqlite_url, before = filled
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    assert manifest["tables"][0]["columns"]

    def refused(error: type[Exception], **changed: Any) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in {**members, **changed}.items():
                if content is not None:
                    archive.writestr(name, content)
        with pytest.raises(error):
            restore(sqlite_url, file, replace=True)

    def described(**more: Any) -> dict[str, Any]:
        return {"manifest.json": json.dumps(manifest | more)}

    refused(Unreadable, **{"message.jsonl": members["message.jsonl"][:-5]})
    refused(Unreadable, **{"message.jsonl": members["message.jsonl"].replace(b"1", b"2")})
    refused(Unreadable, **{"message.jsonl": None})
    refused(Unreadable, **{"manifest.json": None})
    refused(Unreadable, **{"manifest.json": "[]"})
    refused(Unreadable, **described(format="another"))
    refused(Unreadable, **described(tables=[manifest["tables"][0] | {"rows": 3}]))
    refused(TooNew, **described(version=2, tables="new ways"))
    refused(TooNew, **described(revision="9999"))
    agents = manifest["tables"][0]
    refused(NotRestored, **described(tables=[agents | {"columns": ["no", "such"]}]))
    refused(NotRestored, **described(tables=[agents | {"columns": agents["columns"][::-1]}]))
    refused(NotRestored, **described(tables=[agents | {"columns": agents["columns"][1:]}]))
    assert rows(sqlite_url) == before


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, file: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="nothing to back up"):
        save(f"sqlite:///{tmp_path}/new.db", file)
    config = configured(tmp_path, f"sqlite:///{tmp_path}/none/xiaoer.db")
    done = xiaoer("backup", str(file), "--config", config)
    assert (done.returncode, done.stderr[:25]) == (1, "There is no database " + str(tmp_path)[:4])
    assert not (tmp_path / "none").exists()


def configured(folder: Path, url: str) -> str:
    config = folder / "config.toml"
    config.write_text(f'[shop]\nname = "x"\n[database]\nurl = "{url}"\n', encoding="utf-8")
    return str(config)


def test_the_commands_keep_and_bring_back_a_shop(
    sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    before = fill(sqlite_url)
    words = (str(file), "--config", configured(tmp_path, sqlite_url))
    made = xiaoer("backup", *words)
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert made.stderr.startswith(f"{file}: written 已写入, 0.0 MB, ")
    assert len(made.stderr.splitlines()) == 1
    again = xiaoer("backup", *words, language="zh_CN.UTF-8")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(f"{file} 已存在")
    assert xiaoer("backup", *words, "--force").returncode == 0
    refused = xiaoer("restore", *words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds data already" in refused.stderr
    run(sqlite_url, "DELETE FROM audit")
    restored = xiaoer("restore", *words, "--force")
    assert (restored.returncode, restored.stdout) == (0, ""), restored.stderr
    assert restored.stderr.startswith(f"{file}: restored 已恢复, {sum(map(len, before.values()))} ")
    assert rows(sqlite_url) == before


def test_a_running_service_is_backed_up_and_not_restored(
    sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    config = configured(tmp_path, sqlite_url)
    lock = hold(sqlite_url)
    assert lock is not None
    with lock:
        lock.release()
        assert lock.is_locked, "the service goes on"
        assert xiaoer("backup", str(file), "--config", config).returncode == 0
        refused = xiaoer("restore", str(file), "--force", "--config", config)
    assert refused.returncode == 1
    assert "Another Xiaoer service is using" in refused.stderr
    assert xiaoer("restore", str(file), "--config", config).returncode == 0


def test_the_database_itself_is_not_overwritten(sqlite_url: str, tmp_path: Path) -> None:
    database = sqlite_url.removeprefix("sqlite:///")
    config = configured(tmp_path, sqlite_url)
    refused = xiaoer("backup", database, "--force", "--config", config)
    assert refused.returncode == 1
    assert "is the database itself" in refused.stderr
    assert rows(sqlite_url)["audit"] == []
