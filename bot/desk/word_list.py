"""Reads all that the bot says from its files, for those who look after the words.

The files are read as they are now, which may be later than what the service says: it keeps the last
good FAQ, and the other texts until it is started anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import yaml
from jinja2 import TemplateError

from bot.answering.check import Finding, check
from bot.answering.drafts import FILE as DRAFTS
from bot.answering.load import Entry, FaqProblem
from bot.core.yaml_loader import LOADER
from bot.desk import journey_list
from bot.words.phrases import Voice
from bot.words.sandbox import ANSWER, Words

FAQ = "faq"
DRAFT = "drafts"
CARE = "care"
ROOMS = ("replies", "orders", "telegram", "wechat", "community")
"""The folders of `templates` that customers read."""
KINDS = (FAQ, DRAFT, CARE, *ROOMS)
_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Version:
    """Something the bot says, in one language: as it reads, as it stands in the file and where.

    `is_news`: the service was started before it stood there.
    """

    title: str
    text: str
    source: str
    place: str
    questions: tuple[str, ...] = ()
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """Something the bot says, by language. `marks` are what else its file says of it."""

    kind: str
    key: str
    versions: Mapping[str, Version]
    topic: str = ""
    marks: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """What it is called; empty for texts without a title."""
        one = self.versions.get(language) or next(iter(self.versions.values()))
        return one.title

    def holds(self, words: Sequence[str]) -> bool:
        """Whether all of `words`, in lower case, occur in it."""
        versions = self.versions.values()
        parts = [part for one in versions for part in (one.title, one.text, *one.questions)]
        everything = "\n".join((self.key, *parts)).casefold()
        return all(word in everything for word in words)


@dataclass(frozen=True, slots=True)
class WordList:
    """All that the bot says, and what is wrong or weak with the files."""

    items: tuple[Item, ...]
    findings: tuple[Finding, ...]


def read_all(faq: Path, templates: Path, voice: Voice) -> WordList:
    """Read the files, which takes a while: not on the event loop. Files, and a shop, that have not
    changed are not read again."""
    return _read(faq, templates, voice, id(voice.words.shop), (*_stamp(faq), *_stamp(templates)))


def _stamp(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Names, times and sizes of a folder's files."""
    for path in sorted([*folder.glob("*/*.yaml"), *folder.glob("*/*.toml")]):
        with suppress(FileNotFoundError):  # gone since it was listed
            yield str(path), path.stat().st_mtime_ns, path.stat().st_size


@lru_cache(maxsize=1)
def _read(faq: Path, templates: Path, voice: Voice, _shop: int, _stamp: object) -> WordList:
    items, findings = _faq(faq, voice.words)
    for room in ROOMS:
        if (templates / room).is_dir():
            reader = _Room(templates, room, voice)
            items += reader.items()
            findings += reader.findings
    care, wrong = _care(templates, voice.words)
    items += care
    findings += wrong
    order = {"error": 0, "warning": 1}
    findings.sort(key=lambda one: (order[one.severity], one.problem.file, one.problem.line))
    return WordList(tuple(items), tuple(findings))


def find(words: WordList, kind: str, topic: str, asked: str) -> list[Item]:
    """What is of this kind and topic, any where they are empty, and holds all that was asked."""
    wanted = asked.casefold().split()
    return [
        one
        for one in words.items
        if kind in ("", one.kind) and topic in ("", one.topic) and one.holds(wanted)
    ]


def _faq(folder: Path, words: Words) -> tuple[list[Item], list[Finding]]:
    def render(template: str, language: str) -> str:
        return words.render(template, language, **ANSWER)

    entries, findings = check(folder, words.shop.languages, words.check, render)
    by_id: dict[str, list[Entry]] = {}
    for entry in entries:
        by_id.setdefault(entry.id, []).append(entry)
    items = [_entry_item(folder.name, several, words) for several in by_id.values()]
    return items, [_placed(folder.name, one) for one in findings]


def _care(templates: Path, words: Words) -> tuple[list[Item], list[Finding]]:
    def preview(source: str, language: str) -> str:
        return _preview(words, source, language)

    found, problems = journey_list.texts(templates, words, preview)
    items = [
        Item(CARE, key, {one: Version("", *said) for one, said in versions.items()}, CARE, marks)
        for key, marks, versions in found
    ]
    named = [FaqProblem(one.file, one.line, None, one.zh, one.en) for one in problems]
    return items, [Finding("error", "text", one) for one in named]


def _placed(folder: str, finding: Finding) -> Finding:
    """With the FAQ's folder before the file's name, unless it is the folder that is wrong."""
    file = finding.problem.file
    is_inside = not Path(file).is_absolute()
    named = replace(finding.problem, file=f"{folder}/{file}" if is_inside else file)
    return replace(finding, problem=named)


def _entry_item(folder: str, several: list[Entry], words: Words) -> Item:
    first = several[0]
    needs = f"needs: {first.needs}" if first.needs else ""
    person = f"person: {first.person}" if first.person else ""
    related = f"related: {', '.join(first.related)}" if first.related else ""
    versions = {
        str(one.language): Version(
            one.title,
            _preview(words, one.answer, one.language),
            one.answer,
            f"{folder}/{one.source.file}:{one.source.line}",
            one.questions,
        )
        for one in several
    }
    is_draft = any(Path(one.source.file).name == DRAFTS for one in several)
    marks = tuple(one for one in (needs, person, related) if one)
    return Item(DRAFT if is_draft else FAQ, first.id, versions, first.topic, marks)


def _preview(words: Words, source: str, language: str) -> str:
    """How it reads; as it stands where that cannot be told."""
    try:
        return words.preview(source, language)
    except (TemplateError, TypeError, ValueError):
        return source


@dataclass
class _Room:
    """Reads the texts of one folder; collects what is wrong."""

    templates: Path
    room: str
    voice: Voice
    findings: list[Finding] = field(default_factory=list)

    def items(self) -> list[Item]:
        """Its texts, in the order of the file."""
        languages = self.voice.words.shop.languages
        read = {one: dict(self._read(one)) for one in languages}
        keys = dict.fromkeys(key for texts in read.values() for key in texts)
        found = []
        for key in keys:
            versions = {str(one): read[one][key] for one in languages if key in read[one]}
            found.append(Item(self.room, key, versions, self.room))
            for one in languages:
                if one not in versions:
                    self._wrong(one, 1, key, "缺少这条文本", "this text is missing")
        return found

    def _read(self, language: str) -> Iterator[tuple[str, Version]]:
        root = self._compose(language)
        if root is None:
            return
        if not isinstance(root, yaml.MappingNode):
            self._wrong(
                language, 1, None, "应为“键: 文本”的列表", "should be a list of `key: text`"
            )
            return
        for key_node, node in root.value:
            key, line = str(key_node.value), int(key_node.start_mark.line) + 1
            if node.tag != _TEXT:
                self._wrong(language, line, key, "不是文本", "is not a text")
                continue
            source = str(node.value)
            wrong = self.voice.words.check(source, facts=None)
            if wrong:
                self._wrong(language, line, key, f"模板有误：{wrong}", f"the template: {wrong}")
            text = source if wrong else _preview(self.voice.words, source, language)
            is_news = self.voice.source(f"{self.room}.{key}", language) != source
            place = f"{self._file(language)}:{line}"
            yield key, Version("", text, source, place, is_news=is_news)

    def _compose(self, language: str) -> yaml.Node | None:
        try:
            text = (self.templates / self.room / f"{language}.yaml").read_text(encoding="utf-8")
            return yaml.compose(text, Loader=LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            detail = error.problem or error.context or "invalid"
            line = mark.line + 1 if mark else 1
            self._wrong(language, line, None, f"YAML 语法错误：{detail}", f"YAML error: {detail}")
        except (OSError, ValueError, yaml.YAMLError) as error:
            self._wrong(language, 1, None, f"无法读取：{error}", f"cannot be read: {error}")
        return None

    def _file(self, language: str) -> str:
        return f"{self.templates.name}/{self.room}/{language}.yaml"

    def _wrong(self, language: str, line: int, key: str | None, zh: str, en: str) -> None:
        problem = FaqProblem(self._file(language), line, key, zh, en)
        self.findings.append(Finding("error", "text", problem))
