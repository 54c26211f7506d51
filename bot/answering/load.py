"""Reads the shop's FAQ files and says precisely what is wrong with them."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import yaml

from bot.core.errors import XiaoerError
from bot.core.text import normalise
from bot.core.yaml_loader import LOADER

Language = Literal["zh", "en"]
Needs = Literal["order", "parcel"]
Person = Literal["offer", "bring"]
CheckTemplate = Callable[[str], str | None]
"""Takes a template's text; gives what is wrong with it, or None."""

LANGUAGES: tuple[Language, ...] = ("zh", "en")
MAX_FILE_BYTES = 2_000_000
MAX_TITLE, MAX_QUESTION, MAX_ANSWER, MAX_QUESTIONS, MAX_RELATED = 60, 300, 3000, 500, 3
_KEYS = ("id", "title", "questions", "answer", "needs", "person", "related")
_REQUIRED = ("id", "title", "questions", "answer")
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an entry stands: file (relative to the FAQ folder) and line, counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One FAQ entry in one language; `answer` is a template."""

    id: str
    language: Language
    title: str
    questions: tuple[str, ...]
    answer: str
    needs: Needs | None = None
    person: Person | None = None
    related: tuple[str, ...] = ()
    source: Source = Source("", 0)

    @property
    def topic(self) -> str:
        """The file that the entry stands in, such as "shipping" or "smalltalk"."""
        return Path(self.source.file).stem

    @property
    def is_smalltalk(self) -> bool:
        """Whether the entry is a pleasantry, which answers no question about the shop."""
        return self.topic == "smalltalk"


@dataclass(frozen=True, slots=True)
class FaqProblem:
    """One thing wrong with the FAQ files; `entry` is None where no entry can be named."""

    file: str
    line: int
    entry: str | None
    message_zh: str
    message_en: str

    def text(self, language: str) -> str:
        """One line for a reader of `language`: file, line, entry and what is wrong."""
        where = f"{self.file}:{self.line}" + (f" [{self.entry}]" if self.entry else "")
        return f"{where}: {self.message_zh if language == 'zh' else self.message_en}"


class FaqInvalid(XiaoerError):
    """The FAQ files cannot be used; `problems` says why, each with its place."""

    def __init__(self, problems: Iterable[FaqProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "FAQ 文件有误：\n" + "\n".join(p.text("zh") for p in self.problems),
            "The FAQ files have errors:\n" + "\n".join(p.text("en") for p in self.problems),
        )


def load(folder: Path, check_template: CheckTemplate | None = None) -> list[Entry]:
    """All entries under `folder`/zh and `folder`/en, in file order.

    Raises FaqInvalid with every problem found, not only the first.
    """
    entries, problems = read(folder, check_template)
    if problems:
        raise FaqInvalid(problems)
    return entries


def read(
    folder: Path, check_template: CheckTemplate | None = None
) -> tuple[list[Entry], list[FaqProblem]]:
    """The entries of `folder` that are sound by themselves, and all that is wrong."""
    problems: list[FaqProblem] = []
    entries: list[Entry] = []
    for language in LANGUAGES:
        for path in sorted((folder / language).glob("*.yaml")):
            reader = _Reader(path.relative_to(folder).as_posix(), language, check_template)
            entries += reader.read(path)
            problems += reader.problems
    if not entries and not problems:
        problems.append(
            FaqProblem(
                str(folder),
                1,
                None,
                "没有找到任何条目：请在 zh/ 或 en/ 下放 .yaml 文件",
                "no entries found: put .yaml files under zh/ or en/",
            )
        )
    problems += _across(entries)
    return entries, problems


@dataclass
class _Reader:
    """Reads one file; collects what is wrong with it."""

    file: str
    language: Language
    check_template: CheckTemplate | None
    problems: list[FaqProblem] = field(default_factory=list)

    def read(self, path: Path) -> list[Entry]:
        root = self._compose(path)
        if root is None:
            return []
        if not isinstance(root, yaml.SequenceNode):
            self._wrong(
                root,
                None,
                "文件应是条目的列表（每条以“- id:”开头）",
                'the file must be a list of entries, each starting with "- id:"',
            )
            return []
        return [entry for node in root.value if (entry := self._entry(node))]

    def _compose(self, path: Path) -> yaml.Node | None:
        try:
            data = path.read_bytes()
            if len(data) > MAX_FILE_BYTES:
                self._at(
                    1,
                    None,
                    f"文件过大（超过 {MAX_FILE_BYTES} 字节）",
                    f"the file is too large (over {MAX_FILE_BYTES} bytes)",
                )
                return None
            node = yaml.compose(data.decode("utf-8-sig"), Loader=LOADER)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            self._at(line, None, "不是 UTF-8 编码", "not UTF-8 text")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            detail = error.problem or error.context or "invalid"
            self._at(
                mark.line + 1 if mark else 1,
                None,
                f"YAML 语法错误：{detail}",
                f"YAML syntax error: {detail}",
            )
        except (yaml.YAMLError, OSError, RecursionError) as error:
            self._at(1, None, f"无法读取：{error}", f"cannot be read: {error}")
        else:
            return node
        return None

    def _entry(self, node: yaml.Node) -> Entry | None:
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, None, "条目应由“键: 值”组成", 'an entry must consist of "key: value"')
            return None
        fields = self._fields(node)
        before = len(self.problems)
        name = self._id(fields)
        for key in _REQUIRED:
            if key not in fields:
                self._wrong(node, name, f"缺少“{key}”", f'"{key}" is missing')
        title = self._text(fields.get("title"), name, "title", MAX_TITLE)
        questions = self._texts(
            fields.get("questions"), name, "questions", MAX_QUESTION, MAX_QUESTIONS
        )
        answer = self._answer(fields.get("answer"), name)
        needs = self._one_of(fields.get("needs"), name, "needs", ("order", "parcel"))
        person = self._one_of(fields.get("person"), name, "person", ("offer", "bring"))
        related = self._texts(fields.get("related"), name, "related", 64, MAX_RELATED)
        if len(self.problems) > before or name is None:
            return None
        return Entry(
            name,
            self.language,
            title,
            questions,
            answer,
            cast(Needs | None, needs),
            cast(Person | None, person),
            related,
            Source(self.file, _line(node)),
        )

    def _fields(self, node: yaml.MappingNode) -> dict[str, yaml.Node]:
        fields: dict[str, yaml.Node] = {}
        pairs = [(str(key.value), key, value) for key, value in node.value]
        name = next((str(v.value) for k, _, v in pairs if k == "id"), None)
        for key, key_node, value in pairs:
            if key not in _KEYS:
                self._wrong(
                    key_node,
                    name,
                    f"不认识的键“{key}”（可用：{'、'.join(_KEYS)}）",
                    f'unknown key "{key}" (known: {", ".join(_KEYS)})',
                )
            elif key in fields:
                self._wrong(key_node, name, f"“{key}”写了两次", f'"{key}" is given twice')
            fields.setdefault(key, value)
        return fields

    def _id(self, fields: dict[str, yaml.Node]) -> str | None:
        node = fields.get("id")
        if node is None:
            return None
        value = self._text(node, None, "id", 64)
        if value and not _ID.fullmatch(value):
            self._wrong(
                node,
                value,
                "id 只能用小写字母、数字和下划线，并以字母开头",
                "an id has lower-case letters, digits and underscores, and starts with a letter",
            )
        return value or None

    def _answer(self, node: yaml.Node | None, name: str | None) -> str:
        text = self._text(node, name, "answer", MAX_ANSWER)
        fault = self.check_template(text) if text and self.check_template else None
        if fault and node is not None:
            self._wrong(node, name, f"回答模板有误：{fault}", f"the answer's template: {fault}")
        return text

    def _text(self, node: yaml.Node | None, name: str | None, key: str, limit: int) -> str:
        """The text of a scalar; numbers and yes/no count as they were written."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self._wrong(node, name, f"“{key}”应是一段文字", f'"{key}" must be text')
            return ""
        value = "" if node.tag.endswith(":null") else str(node.value).strip()
        if not value:
            self._wrong(node, name, f"“{key}”是空的", f'"{key}" is empty')
        elif len(value) > limit:
            self._wrong(
                node,
                name,
                f"“{key}”太长（{len(value)} 字，最多 {limit}）",
                f'"{key}" is too long ({len(value)} characters, at most {limit})',
            )
        return value

    def _texts(
        self, node: yaml.Node | None, name: str | None, key: str, limit: int, count: int
    ) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self._wrong(node, name, f"“{key}”应是列表", f'"{key}" must be a list')
            return ()
        if not node.value and key == "questions":
            self._wrong(node, name, "至少要有一种问法", "at least one phrasing is needed")
        if len(node.value) > count:
            self._wrong(node, name, f"“{key}”太多（最多 {count}）", f'"{key}": at most {count}')
        texts = tuple(self._text(item, name, key, limit) for item in node.value)
        if key == "questions":
            for item, text in zip(node.value, texts, strict=True):
                if text and not normalise(text):
                    self._wrong(item, name, "这句问法没有可读的字", "this phrasing has no text")
        return texts

    def _one_of(
        self, node: yaml.Node | None, name: str | None, key: str, allowed: tuple[str, ...]
    ) -> str | None:
        if node is None:
            return None
        value = self._text(node, name, key, 64)
        if value and value not in allowed:
            self._wrong(
                node,
                name,
                f"“{key}”只能是 {' / '.join(allowed)}，不能是“{value}”",
                f'"{key}" must be {" or ".join(allowed)}, not "{value}"',
            )
        return value or None

    def _wrong(self, node: yaml.Node, name: str | None, zh: str, en: str) -> None:
        self._at(_line(node), name, zh, en)

    def _at(self, line: int, name: str | None, zh: str, en: str) -> None:
        self.problems.append(FaqProblem(self.file, line, name, zh, en))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _across(entries: list[Entry]) -> Iterator[FaqProblem]:
    """What is wrong between entries: ids given twice, phrasings shared, unknown relations."""
    seen: dict[tuple[str, str], Entry] = {}
    owners: dict[str, Entry] = {}
    ids = {entry.id for entry in entries}
    for entry in entries:
        first = seen.setdefault((entry.language, entry.id), entry)
        if first is not entry:
            yield _problem(
                entry,
                f"id 重复，已用于 {_place(first)}",
                f"the id is already used at {_place(first)}",
            )
        for question in entry.questions:
            owner = owners.setdefault(normalise(question), entry)
            if owner.id != entry.id:
                yield _problem(
                    entry,
                    f"问法“{question}”也属于 {owner.id}（{_place(owner)}）",
                    f'the phrasing "{question}" also belongs to {owner.id} ({_place(owner)})',
                )
        for other in entry.related:
            if other not in ids:
                yield _problem(
                    entry, f"related 里的“{other}”不存在", f'related: there is no entry "{other}"'
                )


def _problem(entry: Entry, zh: str, en: str) -> FaqProblem:
    return FaqProblem(entry.source.file, entry.source.line, entry.id, zh, en)


def _place(entry: Entry) -> str:
    return f"{entry.source.file}:{entry.source.line}"
