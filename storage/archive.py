"""The backup file: one zip with a manifest and the rows of each table as lines of JSON."""

import contextlib
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from pydantic import BaseModel, ValidationError

from bot.core.errors import XiaoerError

FORMAT = 1
"""Number of the file's format; a program reads its own and all before."""
CHUNK = 1 << 20
MANIFEST = "manifest.json"
BROKEN = (BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError)
"""What reading a damaged zip raises, by where it is damaged."""

Meter = Callable[[int, int], None]
"""Is told how many rows are done, and of how many."""
Row = list[Any]


class CannotWrite(XiaoerError):
    """The backup cannot be written there."""


class Unreadable(XiaoerError):
    """The file is no backup, is damaged, or cannot be opened."""


class TooNew(XiaoerError):
    """A newer Xiaoer made the file or the database."""


class Contents(BaseModel):
    """One table in the file: `rows` lines, each a JSON array in the order of `columns`."""

    name: str
    columns: list[str]
    rows: int
    sha256: str

    @property
    def member(self) -> str:
        return f"{self.name}.jsonl"


class Manifest(BaseModel):
    """What the file holds. `revision` is the schema's; referring tables stand last."""

    format: Literal["xiaoer-backup"] = "xiaoer-backup"
    version: int = FORMAT
    product: str
    made_at: datetime
    source: str
    revision: str
    tables: list[Contents]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


@contextmanager
def create(path: Path, *, replace: bool) -> Iterator[ZipFile]:
    """A new file for its owner's eyes only, which appears at `path` when it is complete.

    Raises `CannotWrite`: `path` exists and is not to be replaced, the disk is full, …
    """
    _refuse_existing(path, replace)
    try:
        with _complete_or_gone(path) as part:
            with part, ZipFile(part, "w", ZIP_DEFLATED) as archive:
                yield archive
                archive.close()
                part.flush()
                os.fsync(part.fileno())
            _refuse_existing(path, replace)
            os.replace(part.name, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(
            f"无法写入备份 {path}：{error.strerror}。请检查路径、权限和磁盘空间。",
            f"Cannot write the backup {path}: {error.strerror}. Check the path, the permissions "
            "and the space on the disk.",
        ) from error


def add_table(
    archive: ZipFile, name: str, columns: list[str], batches: Iterable[list[Row]]
) -> Contents:
    """Write the rows of one table; returns what was written."""
    added = Contents(name=name, columns=columns, rows=0, sha256="")
    digest = hashlib.sha256()
    with archive.open(added.member, "w", force_zip64=True) as file:
        for batch in batches:
            lines = "".join([f"{_encode(row)}\n" for row in batch]).encode()
            digest.update(lines)
            file.write(lines)
            added.rows += len(batch)
    added.sha256 = digest.hexdigest()
    return added


def add_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Write what the file holds: the last thing that goes into it."""
    archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))


@contextmanager
def opened(path: Path) -> Iterator[tuple[ZipFile, Manifest]]:
    """The file and its manifest.

    Raises `Unreadable` when it is no backup, `TooNew` when a newer Xiaoer wrote it.
    """
    try:
        archive = ZipFile(path)
    except OSError as error:
        raise Unreadable(
            f"无法打开备份 {path}：{error.strerror}。",
            f"Cannot open the backup {path}: {error.strerror}.",
        ) from error
    except BROKEN as error:
        raise _damaged(path) from error
    with archive:
        yield archive, _manifest(path, archive)


def check(path: Path, archive: ZipFile, manifest: Manifest, meter: Meter) -> None:
    """Read the whole file once. Raises `Unreadable` unless each table is as it was written."""
    done = 0
    for table in manifest.tables:
        digest, rows = hashlib.sha256(), 0
        with _undamaged(path), archive.open(table.member) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                rows += chunk.count(b"\n")
                meter(done + rows, manifest.rows)
        if (digest.hexdigest(), rows) != (table.sha256, table.rows):
            raise _damaged(path)
        done += rows


def batches(archive: ZipFile, table: Contents, size: int) -> Iterator[list[Row]]:
    """The rows of one table as they were written, `size` at a time; see `check` first."""
    with archive.open(table.member) as file:
        while batch := _some(file, size):
            yield batch


def _some(file: IO[bytes], size: int) -> list[Row]:
    rows: list[Row] = json.loads(b"[" + b",".join(islice(file, size)) + b"]")
    return rows


def _manifest(path: Path, archive: ZipFile) -> Manifest:
    with _undamaged(path):
        content = json.loads(archive.read(MANIFEST))
        if content["format"] == "xiaoer-backup" and int(content["version"]) > FORMAT:
            raise too_new(path, str(content.get("product")))
        return Manifest.model_validate(content)


def too_new(path: Path, product: str) -> TooNew:
    """The error of a file that this program cannot know how to read."""
    return TooNew(
        f"备份 {path} 由更新版本的 Xiaoer（{product}）创建。请先升级程序，再恢复。",
        f"The backup {path} was made by a newer Xiaoer ({product}). Upgrade the program, then "
        "restore.",
    )


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    try:
        yield
    except (*BROKEN, TypeError, ValidationError, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> Unreadable:
    return Unreadable(
        f"{path} 不是完整的 Xiaoer 备份：文件被截断、损坏，或来自其他程序。数据库没有改动。",
        f"{path} is no complete Xiaoer backup: it is cut off, damaged, or another program's. The "
        "database was left alone.",
    )


def _refuse_existing(path: Path, replace: bool) -> None:
    if path.exists() and (path.is_dir() or not replace):
        raise CannotWrite(
            f"{path} 已存在，没有改动它。请换一个文件名，或用 --force 覆盖。",
            f"{path} exists and was left alone. Choose another name, or replace it with --force.",
        )


@contextmanager
def _complete_or_gone(path: Path) -> Iterator[Any]:
    """A temporary file beside `path`, which does not outlive a failure."""
    part = tempfile.NamedTemporaryFile(  # noqa: SIM115  (closed before it is renamed)
        dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False
    )
    try:
        yield part
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part.name)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(value: Any) -> str:
    """Moments, days and amounts, as text that says them exactly."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no way to write {value!r} into a backup yet")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
