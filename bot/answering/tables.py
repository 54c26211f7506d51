"""Reads and writes CSV and Excel files as rows of texts, safely for whoever opens them."""

import csv
import datetime
import io
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bot.core.errors import XiaoerError

Row = tuple[int, list[str]]
"""The row's number as a spreadsheet shows it, and its cells."""

MAX_CELL = 32_767
"""Characters that a cell of Excel holds."""
_WIDTHS = (20, 10, 14, 28, 48, 64, 10, 10, 24)
_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_DANGEROUS = re.compile(rf"'*{_FORMULA}")
_NEUTRAL = re.compile(rf"'+{_FORMULA}")
_PLAIN_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


class TableUnusable(XiaoerError):
    """The file is no table that can be read or written; the message says why."""


def neutral(cell: str) -> str:
    """`cell` so that a spreadsheet takes it for text: what could be a formula gets an apostrophe.

    Plain negative numbers stay. `plain` undoes it exactly.
    """
    if _DANGEROUS.match(cell) and not _PLAIN_NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def plain(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if _NEUTRAL.match(cell) else cell


def read_table(path: Path) -> list[Row]:
    """The rows of a .csv or .xlsx file that are not empty. Raises TableUnusable."""
    try:
        rows = _READERS[_kind(path)](path)
    except FileNotFoundError as error:
        raise TableUnusable(f"找不到文件 {path}", f"there is no file {path}") from error
    return [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write `rows` to a .csv or .xlsx file, whole or not at all. Raises TableUnusable."""
    write = _WRITERS[_kind(path)]
    safe = [[neutral(cell) for cell in row] for row in rows]
    handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.resolve().parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(write(safe))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise TableUnusable(f"{path}：请用 .csv 或 .xlsx 文件", f"{path}: use .csv or .xlsx")
    return kind


def _read_csv(path: Path) -> list[Row]:
    text = _decoded(path)
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)  # European Excel writes ";"
    csv.field_size_limit(10_000_000)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise TableUnusable(f"{path} 不是有效的 CSV：{error}", f"{path}: {error}") from error
    return [(number, [plain(cell) for cell in cells]) for number, cells in enumerate(rows, 1)]


def _decoded(path: Path) -> str:
    """UTF-8, with or without a mark; UTF-16 with one; else GB18030, as Chinese Excel saves."""
    data = path.read_bytes()
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableUnusable(f"{path}：无法识别文字编码，请存为 UTF-8", f"{path}: save it as UTF-8")


def _read_xlsx(path: Path) -> list[Row]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        sheet = load_workbook(path, read_only=True).worksheets[0]
        return [
            (number, [plain(_cell_text(path, cell)) for cell in cells])
            for number, cells in enumerate(sheet.iter_rows(), 1)
        ]
    except (BadZipFile, KeyError, ValueError, IndexError) as error:
        raise TableUnusable(
            f"{path} 不是有效的 Excel 文件（{error}）", f"{path} is no Excel file ({error})"
        ) from error


def _cell_text(path: Path, cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type in ("f", "e"):
        what = "公式或错误值", "holds a formula or an error"
    elif isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        what = "日期", "holds a date"
    else:
        whole = isinstance(value, float) and value.is_integer()
        return str(int(value)) if whole else str(value)
    raise TableUnusable(
        f"{path} 的单元格 {cell.coordinate} 是{what[0]}：请设为文本后重新输入",
        f"{path}, cell {cell.coordinate} {what[1]}: make it text and type it again",
    )


def _write_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig")  # without the mark Excel garbles Chinese


def _write_xlsx(rows: list[list[str]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook()
    sheet = book.active
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            if len(text) > MAX_CELL:
                raise TableUnusable(
                    f"第 {number} 行超过 Excel 单元格的 {MAX_CELL} 字上限，请导出为 .csv",
                    f"row {number} is longer than a cell of Excel may be: export to .csv",
                )
            cell = sheet.cell(number, column)
            try:
                cell.value = text
            except IllegalCharacterError as error:
                raise TableUnusable(
                    f"第 {number} 行含有 Excel 不能保存的控制字符",
                    f"row {number} has control characters, which Excel cannot keep",
                ) from error
            cell.data_type = "s"  # text, whatever it looks like
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=number == 1)
    for letter, width in zip("ABCDEFGHI", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "B2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_READERS = {".csv": _read_csv, ".xlsx": _read_xlsx}
_WRITERS = {".csv": _write_csv, ".xlsx": _write_xlsx}
