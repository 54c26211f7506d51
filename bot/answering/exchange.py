"""The FAQ as a table for people who would rather use a spreadsheet: one row per entry."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from bot.answering.load import LANGUAGES, Entry, FaqProblem, Language, Needs, Person, Source
from bot.answering.tables import Row
from bot.core.errors import XiaoerError

COLUMNS = (
    "id", "language", "topic", "title", "questions", "answer", "needs", "person", "related",
)  # fmt: skip
_CHINESE = ("编号", "语言", "主题", "标题", "问法", "回答", "需要", "人工", "相关")
_REQUIRED = ("id", "language", "topic", "title", "questions", "answer")
_NAMES = {**dict(zip(_CHINESE, COLUMNS, strict=True)), **{name: name for name in COLUMNS}}
_SPOKEN = {"zh": "zh", "中文": "zh", "chinese": "zh", "en": "en", "英文": "en", "english": "en"}
_TOPIC = re.compile(r"[\w-]{1,64}")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_ESCAPED = re.compile(r"\\([\\nr])")


class RowsInvalid(XiaoerError):
    """The table cannot be imported; every line names a row and says what is wrong."""

    def __init__(self, problems: Iterable["RowProblem"]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "没有导入任何内容：\n" + "\n".join(p.text("zh") for p in self.problems),
            "Nothing was imported:\n" + "\n".join(p.text("en") for p in self.problems),
        )


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with a row, counted as spreadsheets do; 0 stands for the whole table."""

    row: int
    zh: str
    en: str

    def text(self, language: str) -> str:
        """One line for a reader of `language`."""
        if language == "zh":
            return f"第 {self.row} 行：{self.zh}" if self.row else self.zh
        return f"row {self.row}: {self.en}" if self.row else self.en


def to_rows(entries: Iterable[Entry], language: str) -> Iterator[list[str]]:
    """A heading for a reader of `language` and a row per entry, in the order given.

    The cell of the questions has one per line. A question that has lines of its own shows them
    as \\n, and a backslash as \\\\.
    """
    yield list(_CHINESE if language == "zh" else COLUMNS)
    for entry in entries:
        questions = (_one_line(question) for question in entry.questions)
        yield [
            entry.id,
            entry.language,
            entry.topic,
            entry.title,
            "\n".join(questions),
            entry.answer,
            entry.needs or "",
            entry.person or "",
            " ".join(entry.related),
        ]


def from_rows(rows: Sequence[Row]) -> dict[int, Entry]:
    """The entries by their rows' numbers. Raises RowsInvalid with every problem found.

    What an entry may hold is for the FAQ's own check to say, see `row_problems`.
    """
    if not rows:
        raise RowsInvalid([RowProblem(0, "表格是空的", "the table is empty")])
    (heading, names), *filled = rows
    columns = _columns(heading, names)
    entries: dict[int, Entry] = {}
    problems: list[RowProblem] = []
    seen: dict[tuple[str, str], int] = {}
    for number, cells in filled:
        padded = [*cells, *[""] * (max(columns.values()) + 1 - len(cells))]
        fields = {name: _lines(padded[place]) for name, place in columns.items()}
        wrong = list(_row_faults(number, fields, seen))
        problems += wrong
        if not wrong:
            entries[number] = _entry(fields)
    if problems:
        raise RowsInvalid(problems)
    return entries


def clashes(
    imported: dict[int, Entry], existing: Sequence[Entry]
) -> tuple[dict[int, Entry], list[RowProblem]]:
    """The rows that bring something new or changed, and a problem for each changed entry."""
    there = {(entry.language, entry.id): entry for entry in existing}
    news: dict[int, Entry] = {}
    problems = []
    for number, entry in imported.items():
        old = there.get((entry.language, entry.id))
        if (
            old is not None
            and replace(entry, source=old.source) == old
            and (old.source.file == entry.source.file)
        ):
            continue
        news[number] = entry
        if old is not None:
            place = f"{old.source.file}:{old.source.line}"
            problems.append(
                RowProblem(
                    number,
                    f"{entry.id} 已在 {place}，内容不同；加 --replace 可以替换",
                    f"{entry.id} is already at {place} and differs; --replace replaces it",
                )
            )
    return news, problems


def row_problems(
    imported: dict[int, Entry], problems: Iterable[FaqProblem]
) -> Iterator[RowProblem]:
    """What the FAQ's check says, by row where it concerns one."""
    rows = {(str(entry.language), entry.id): number for number, entry in imported.items()}
    for problem in problems:
        number = rows.get((problem.file.partition("/")[0], problem.entry or ""), 0)
        if number:
            name = f"[{problem.entry}] "
            yield RowProblem(number, name + problem.message_zh, name + problem.message_en)
        else:
            yield RowProblem(0, problem.text("zh"), problem.text("en"))


def _columns(heading: int, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        known = _NAMES.get(name.strip().lower())
        if known is None and name.strip():
            raise RowsInvalid(
                [
                    RowProblem(
                        heading,
                        f"不认识的列“{name}”（可用：{'、'.join(_CHINESE)}）",
                        f'unknown column "{name}" (known: {", ".join(COLUMNS)})',
                    )
                ]
            )
        if known:
            found.setdefault(known, place)
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        zh = [_CHINESE[COLUMNS.index(name)] for name in missing]
        raise RowsInvalid(
            [
                RowProblem(
                    heading, f"缺少列：{'、'.join(zh)}", f"missing columns: {', '.join(missing)}"
                )
            ]
        )
    return found


def _row_faults(
    number: int, fields: dict[str, str], seen: dict[tuple[str, str], int]
) -> Iterator[RowProblem]:
    for name in _REQUIRED:
        if not fields[name]:
            zh = _CHINESE[COLUMNS.index(name)]
            yield RowProblem(number, f"“{zh}”是空的", f'"{name}" is empty')
    spoken = _SPOKEN.get(fields["language"].lower())
    if fields["language"] and spoken is None:
        allowed = " / ".join(LANGUAGES)
        yield RowProblem(
            number,
            f"语言只能是 {allowed}，不能是“{fields['language']}”",
            f'"language" must be {allowed}, not "{fields["language"]}"',
        )
    if fields["topic"] and not _TOPIC.fullmatch(fields["topic"]):
        yield RowProblem(
            number,
            f"主题“{fields['topic']}”会成为文件名：只能用字母、汉字、数字、- 和 _",
            f'the topic "{fields["topic"]}" becomes a file\'s name: letters, digits, - and _ only',
        )
    first = seen.setdefault((spoken or "", fields["id"]), number)
    if fields["id"] and first != number:
        yield RowProblem(
            number,
            f"{fields['id']} 的这种语言在第 {first} 行已经写过",
            f"{fields['id']} stands in this language already in row {first}",
        )


def _entry(fields: dict[str, str]) -> Entry:
    language = cast(Language, _SPOKEN[fields["language"].lower()])
    questions = (_many_lines(line.strip()) for line in fields["questions"].split("\n"))
    return Entry(
        fields["id"],
        language,
        fields["title"],
        tuple(question for question in questions if question),
        fields["answer"],
        cast(Needs | None, fields.get("needs") or None),
        cast(Person | None, fields.get("person") or None),
        tuple(re.split(r"[\s,，、;；]+", fields["related"])) if fields.get("related") else (),
        Source(f"{language}/{fields['topic']}.yaml", 0),
    )


def _lines(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()


def _one_line(question: str) -> str:
    return re.sub(r"[\\\n\r]", lambda found: _ESCAPES[found[0]], question)


def _many_lines(line: str) -> str:
    back = {"\\": "\\", "n": "\n", "r": "\r"}
    return _ESCAPED.sub(lambda found: back[found[1]], line)
