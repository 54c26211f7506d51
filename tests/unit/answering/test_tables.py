"""Tables keep every text as it was, and spreadsheets run none of them."""

import csv
import datetime
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from bot.answering.tables import TableUnusable, neutral, plain, read_table, write_table

TRICKY = [
    "=1+1", "+86 10", "-5", "-12.5", "-x", "@sum", "\tx", "\rx", "＝1", "＋1", "－1", "＠a",
    "'=1", "''-5", "'quoted'", "3-4", "", "多行\n第二行", 'say "hi", ok', "_x0041_", "007", "TRUE",
]  # fmt: skip


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-x", "@a", "\ta", "\ra", "＝1", "＋1", "－1", "＠a"]
)
def test_what_could_be_a_formula_becomes_text(cell: str) -> None:
    assert neutral(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-5", "-12.5", "3-4", "it's", "", "'quoted'"])
def test_what_is_harmless_stays(cell: str) -> None:
    assert neutral(cell) == cell == plain(cell)


@given(st.text(alphabet="'=+-@\t\r＝＋－＠a1.", max_size=8))
def test_neutralising_is_undone_exactly(cell: str) -> None:
    assert plain(neutral(cell)) == cell


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_texts_survive_a_file(kind: str, tmp_path: Path) -> None:
    table = tmp_path / f"t.{kind}"
    cells = [cell for cell in TRICKY if "\r" not in cell]
    write_table(table, [["id", "text"], *([f"r{n}", cell] for n, cell in enumerate(cells))])
    rows = read_table(table)
    assert rows[0] == (1, ["id", "text"])
    assert [row[1][1] for row in rows[1:]] == cells
    assert list(tmp_path.iterdir()) == [table]


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    table = tmp_path / "t.xlsx"
    write_table(table, [["=1+1", "-5", "＝1"]])
    cells = load_workbook(table).active[1]
    assert [(cell.value, cell.data_type) for cell in cells] == [
        ("'=1+1", "s"),
        ("-5", "s"),
        ("'＝1", "s"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_files_of_all_spreadsheets_are_read(
    encoding: str, delimiter: str, tmp_path: Path
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(
        [["编号", "问法"], ["退货", "怎么退\n能退吗，亲"], ["", ""]]
    )
    table = tmp_path / "t.csv"
    table.write_bytes(out.getvalue().encode(encoding))
    assert read_table(table) == [(1, ["编号", "问法"]), (2, ["退货", "怎么退\n能退吗，亲"])]


def test_excel_opens_the_written_csv_as_chinese(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", [["你好"]])
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("value", "said"),
    [("=1+1", "A1 holds a formula"), (datetime.date(2026, 3, 5), "A1 holds a date")],
)
def test_cells_that_are_no_text_are_named(value: object, said: str, tmp_path: Path) -> None:
    book = Workbook()
    book.active["A1"] = value
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(TableUnusable, match=said):
        read_table(tmp_path / "t.xlsx")


def test_typed_numbers_are_taken_as_they_look(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([12315, 7.0, 7.5, None, "x"])
    book.save(tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx") == [(1, ["12315", "7", "7.5", "", "x"])]


@pytest.mark.parametrize("text", ["x" * 32_768, "a\x07b"])
def test_what_excel_cannot_hold_is_refused_and_nothing_is_written(
    text: str, tmp_path: Path
) -> None:
    with pytest.raises(TableUnusable, match="row 2"):
        write_table(tmp_path / "t.xlsx", [["id"], [text]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.txt", b"a", "use .csv or .xlsx"),
        ("t.xlsx", b"no zip", "is no Excel file"),
        ("t.csv", b'a,"b\n', "t.csv"),
        ("t.csv", b"\xff\xff\xff", "save it as UTF-8"),
        ("none.csv", None, "there is no file"),
    ],
)
def test_other_files_are_refused(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TableUnusable, match=said):
        read_table(tmp_path / name)
