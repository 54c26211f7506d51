"""A FAQ that goes through a table comes back as it was; what is wrong is named by row."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering import edit
from bot.answering.exchange import COLUMNS, RowsInvalid, clashes, from_rows, to_rows
from bot.answering.load import Entry, Source, load
from bot.answering.tables import Row, neutral, plain, read_table, write_table
from tests.unit.answering.conftest import write_faq

TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co"], include_characters="\n"),
    min_size=1,
    max_size=40,
).map(str.strip).filter(bool)  # fmt: skip


def rows(*filled: dict[str, str]) -> list[Row]:
    good = {
        "id": "a", "language": "zh", "topic": "shop", "title": "t", "questions": "q", "answer": "x",
    }  # fmt: skip
    lines = [list(COLUMNS), *([({**good, **row}).get(c, "") for c in COLUMNS] for row in filled)]
    return list(enumerate(lines, 1))


def problems(table: list[Row]) -> list[str]:
    with pytest.raises(RowsInvalid) as caught:
        from_rows(table)
    return [one.text("en") for one in caught.value.problems]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_shipped_faq_survives_a_table(kind: str, language: str, tmp_path: Path) -> None:
    from bot.config import ROOT

    entries = load(ROOT / "faq")
    table = tmp_path / f"faq.{kind}"
    write_table(table, to_rows(entries, language))
    back = list(from_rows(read_table(table)).values())
    edit.commit(tmp_path / "faq", edit.plan(tmp_path / "faq", back, []))
    again = load(tmp_path / "faq")
    assert [_bare(one) for one in again] == [_bare(one) for one in entries]
    assert [one.source.file for one in again] == [one.source.file for one in entries]


@given(title=TEXT, questions=st.lists(TEXT, min_size=1, max_size=3), answer=TEXT)
def test_any_text_survives_a_row(title: str, questions: list[str], answer: str) -> None:
    title = " ".join(title.split("\n"))
    source = Source("en/shop.yaml", 0)
    entry = Entry("a", "en", title, tuple(questions), answer, "order", "offer", ("b", "c"), source)
    table = [[plain(neutral(cell)) for cell in row] for row in to_rows([entry], "en")]
    assert from_rows(list(enumerate(table, 1))) == {2: entry}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"language": "fr"}, 'row 2: "language" must be zh / en, not "fr"'),
        ({"id": ""}, 'row 2: "id" is empty'),
        ({"questions": " \n "}, 'row 2: "questions" is empty'),
        (
            {"topic": "../x"},
            'row 2: the topic "../x" becomes a file\'s name: letters, digits, - and _ only',
        ),
    ],
)
def test_a_wrong_cell_is_named(row: dict[str, str], said: str) -> None:
    assert problems(rows(row)) == [said]


def test_all_problems_are_told_at_once() -> None:
    assert problems(rows({}, {}, {"title": "", "answer": ""})) == [
        "row 3: a stands in this language already in row 2",
        'row 4: "title" is empty',
        'row 4: "answer" is empty',
        "row 4: a stands in this language already in row 2",
    ]


def test_columns_may_be_chinese_in_any_order_and_must_be_known() -> None:
    chinese = [
        (1, ["语言", "编号", "标题", "问法", "回答", "主题"]),
        (2, ["中文", "a", "t", "q", "x", "s"]),
    ]
    (entry,) = from_rows(chinese).values()
    assert (entry.id, entry.language, entry.source.file) == ("a", "zh", "zh/s.yaml")
    assert problems([(1, ["id", "colour"])])[0].startswith('row 1: unknown column "colour"')
    assert problems([(1, ["id", "title"])]) == [
        "row 1: missing columns: language, topic, questions, answer"
    ]
    assert problems([]) == ["the table is empty"]


def test_only_what_differs_clashes(tmp_path: Path) -> None:
    there = load(write_faq(tmp_path))
    table = [*to_rows(there, "en")]
    imported = from_rows(list(enumerate(table, 1)))
    assert clashes(imported, there) == ({}, [])
    imported[3] = replace(imported[3], title="anders")
    news, found = clashes(imported, there)
    assert list(news) == [3]
    assert [one.text("en") for one in found] == [
        "row 3: shipping_time is already at zh/shop.yaml:8 and differs; --replace replaces it"
    ]


def _bare(entry: Entry) -> Entry:
    return replace(entry, source=Source("", 0))
