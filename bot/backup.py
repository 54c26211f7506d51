"""`xiaoer backup` and `xiaoer restore`: what they refuse, and how far they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import make_url

from bot import __version__
from bot.bars import progress
from bot.config import Config
from storage import backup
from storage.archive import CannotWrite, Manifest, Meter
from storage.db import Database, DatabaseUnusable, hold


def save(config: Config, file: Path, console: Console, *, replace: bool) -> None:
    """Write everything that the database holds to `file`; the service may go on meanwhile."""
    _refuse_source(config, file)
    with _database(config) as db, progress(console) as bars:
        manifest = backup.save(db, file, __version__, _bar(bars, "backup 备份"), replace=replace)
    size = file.stat().st_size / 1e6
    _tell(console, f"{file}: written 已写入, {size:.1f} MB", manifest)


def restore(config: Config, file: Path, console: Console, *, replace: bool) -> None:
    """Put back what `xiaoer backup` wrote. On SQLite no service may run meanwhile."""
    lock = hold(config.database.url)
    try:
        with _database(config) as db, progress(console) as bars:
            checked, loaded = _bar(bars, "check 检查"), _bar(bars, "restore 恢复")
            manifest = backup.restore(db, file, loaded, checked, replace=replace)
    finally:
        if lock is not None:
            lock.release()
    _tell(console, f"{file}: restored 已恢复", manifest)


@contextmanager
def _database(config: Config) -> Iterator[Database]:
    """The database as it is: neither command may migrate it."""
    db = Database(config.database.url)
    try:
        yield db
    finally:
        db.close()


def _refuse_source(config: Config, file: Path) -> None:
    """A SQLite file that is not there would be made, one that is the target would be lost."""
    url = make_url(config.database.url)
    if url.get_backend_name() != "sqlite":
        return
    source = Path(str(url.database))
    if not source.exists():
        raise DatabaseUnusable(
            f"没有数据库 {source}。请检查 [database] url。",
            f"There is no database {source}. Check [database] url.",
        )
    if file.exists() and file.samefile(source):
        raise CannotWrite(
            f"{file} 就是数据库本身。请换一个文件名。",
            f"{file} is the database itself. Choose another name.",
        )


def _bar(bars: Progress, description: str) -> Meter:
    task = bars.add_task(description, total=None, visible=False)
    return lambda done, total: bars.update(task, completed=done, total=total, visible=True)


def _tell(console: Console, done: str, manifest: Manifest) -> None:
    console.print(
        f"{done}, {manifest.rows} rows 行, {manifest.made_at:%Y-%m-%d %H:%M} UTC", markup=False
    )
