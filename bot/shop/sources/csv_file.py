"""Reads a table as shops export it: whatever its encoding, its delimiter and its column names."""

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.core.errors import XiaoerError
from bot.shop.sources.columns import REQUIRED, Kind, fields_of
from bot.shop.sources.rows import clean

_BLOCK = 1 << 20
_DELIMITERS = (",", ";", "\t")
BARE = ("code", "value", "expires_at")
"""The columns of a list of coupons that has no header."""
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class FileRefused(XiaoerError):
    """A file of which nothing can be imported."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read, and how. `lines` is about how many it has.

    `fields` are those of the columns, empty for unknown ones; `digest` names content and kind, and
    the `pool` of coupons. Without a header the columns are those of `BARE`.
    """

    path: Path
    kind: Kind
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    fields: tuple[str, ...]
    digest: str
    lines: int
    made_at: datetime
    pool: str = ""
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, its cells, and the texts of its fields.

    `broken` is why it could not be read.
    """

    number: int
    cells: list[str]
    row: dict[str, str]
    broken: str = ""


def examine(path: Path, kind: Kind, pool: str = "") -> Table:
    """How the file at `path` is to be read. Raises `FileRefused`."""
    try:
        digest, lines, encoding = _content(path)
        delimiter, header, fields = _header(path, kind, encoding)
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise FileRefused(
            f"打不开 {path}：{error.strerror}", f"{path} cannot be opened: {error.strerror}"
        ) from error
    has_header = kind != "coupons" or any(fields)
    if not has_header:  # a list of codes, as shops print them
        fields = [*BARE[: len(header)], *[""] * (len(header) - len(BARE))]
        header = fields
    if REQUIRED[kind] not in fields:
        names = ", ".join(header)[:200]
        raise FileRefused(
            f"第一行没有“{_NEEDED[kind][0]}”这一列。读到的列：{names}",
            f"The first line has no column {_NEEDED[kind][1]!r}. Its columns are: {names}",
        )
    unknown = [f"+{name}" if kind == "products" and name else "" for name in header]
    named = [field or other for field, other in zip(fields, unknown, strict=True)]
    name = f"{kind}/{pool}" if pool else kind
    return Table(
        path, kind, encoding, delimiter, tuple(header), tuple(named), f"{name}:{digest}", lines,
        made_at, pool, has_header,
    )  # fmt: skip


_NEEDED: dict[Kind, tuple[str, str]] = {
    "orders": ("订单号", "order_id"),
    "products": ("货号", "sku"),
    "coupons": ("券码", "code"),
}


def lines_of(table: Table) -> Iterator[Line]:
    """The file's lines after its header, empty ones left out, read one by one."""
    with table.path.open(encoding=table.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=table.delimiter)
        is_header = table.has_header
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(reader.line_num, [], {}, str(error))
                continue
            if any(cell.strip() for cell in cells):
                if not is_header:
                    yield _line(table, reader.line_num, cells)
                is_header = False


def _line(table: Table, number: int, cells: list[str]) -> Line:
    pairs = zip(table.fields, cells, strict=False)
    row = {field: text for field, cell in pairs if field and (text := clean(cell))}
    return Line(number, cells, row)


def _content(path: Path) -> tuple[str, int, str]:
    """The file's digest, how many lines it has, and its encoding; read block by block."""
    digest, lines, first = hashlib.sha256(), 0, b""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            first = first or block
            digest.update(block)
            lines += block.count(b"\n")
            is_utf8 = is_utf8 and _decodes(utf8, block)
    is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    marked = next((name for mark, name in _MARKS.items() if first.startswith(mark)), "")
    encoding = marked or ("utf-8" if is_utf8 else _legacy(path))
    return digest.hexdigest(), lines, encoding


def _legacy(path: Path) -> str:
    """GB18030, in which Chinese spreadsheets are exported, if the whole file is."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not _decodes(decoder, block):
                break
        else:
            if _decodes(decoder, b"", final=True):
                return "gb18030"
    raise FileRefused(
        f"{path} 既不是 UTF-8 也不是 GB18030 编码。请在表格软件里另存为“CSV UTF-8”。",
        f"{path} is neither UTF-8 nor GB18030. Save it as “CSV UTF-8” in your spreadsheet.",
    )


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _header(path: Path, kind: Kind, encoding: str) -> tuple[str, list[str], list[str]]:
    """The delimiter, the header and the fields: what makes the most columns known."""
    with path.open(encoding=encoding, newline="") as file:
        first = next((line for line in file if line.strip()), "")[:_BLOCK]
    tries = []
    for delimiter in _DELIMITERS:
        header = [clean(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
        fields = fields_of(kind, header)
        known = len(fields) - fields.count("")
        tries.append((known, len(header), delimiter, header, fields))
    _, _, delimiter, header, fields = max(tries, key=lambda one: one[:2])
    return delimiter, header, fields
