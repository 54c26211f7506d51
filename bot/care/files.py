"""Finds the journeys' files and reads them, or says in which line of which file what is wrong."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.care.journeys import Journey, Part, Variant, When
from bot.care.misreading import path_of, sentence
from bot.care.texts import fault
from bot.care.triggers import facts_of
from bot.care_settings import Care
from bot.core.errors import Misread, XiaoerError
from bot.words.sandbox import Words

FOLDER = "care"
"""The folder of the templates in which journeys are."""
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w\"'.-]+)\s*=")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
Where = tuple[str | int, ...]
_PARTS: Mapping[str | int, type[Part]] = {"when": When, "variants": Variant}
"""What there is in the tables of a journey's file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a journey's file, in which line (from 1), in both languages."""

    file: str
    line: int
    zh: str
    en: str

    def text(self, language: str) -> str:
        """For a reader of `language`."""
        return f"{self.file}:{self.line}: {self.zh if language == 'zh' else self.en}"


class JourneysInvalid(XiaoerError):
    """Journeys cannot be used; the text has file and line of everything that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "关怀旅程有误：\n" + "\n".join(one.text("zh") for one in problems),
            "Care journeys are not valid:\n" + "\n".join(one.text("en") for one in problems),
        )
        self.problems = problems


def load(templates: Path, words: Words, care: Care) -> dict[str, Journey]:
    """The journeys by name, those that are off among them. Raises `JourneysInvalid`."""
    journeys, problems = check(templates, words)
    problems += [
        Problem("[care]", 0, f"没有 {name!r} 这个旅程", f"there is no journey {name!r}")
        for name in (*care.enabled, *care.disabled)
        if name not in journeys
    ]
    if problems:
        raise JourneysInvalid(problems)
    return {name: _switched(journey, care) for name, journey in journeys.items()}


def check(templates: Path, words: Words) -> tuple[dict[str, Journey], list[Problem]]:
    """The journeys that can be used, and what is wrong with the others."""
    journeys: dict[str, Journey] = {}
    problems: list[Problem] = []
    for path in sorted((templates / FOLDER).glob("*.toml")):
        found = read(path, f"{templates.name}/{FOLDER}/{path.name}", words)
        if isinstance(found, Journey):
            journeys[found.name] = found
        else:
            problems += found
    return journeys, problems


def read(path: Path, shown: str, words: Words) -> Journey | list[Problem]:
    """One file; `shown` is what it is called in what is said of it."""
    try:
        source = path.read_text(encoding="utf-8")
        raw = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        return [_syntax(shown, str(error))]
    except (OSError, UnicodeDecodeError) as error:
        return [Problem(shown, 1, f"无法读取：{error}", f"cannot be read: {error}")]
    lines = lines_of(source)
    try:
        journey = Journey.model_validate({**raw, "name": path.stem})
    except ValidationError as error:
        found = (_explained(shown, one, lines) for one in error.errors(include_url=False))
        return sorted(found, key=lambda one: one.line)
    wrong = [
        Problem(shown, line_at(lines, where), why.zh, why.en)
        for where, why in _faults(journey, words)
    ]
    return wrong or journey


def lines_of(source: str) -> dict[Where, int]:
    """The line (from 1) of every table and key of a TOML file, by their path; of a table that only
    others are in, the first one's."""
    found: dict[Where, int] = {}
    parents: dict[Where, int] = {}
    table: Where = ()
    counts: dict[str, int] = {}
    inside = ""
    for number, line in enumerate(source.splitlines(), 1):
        if not inside and (header := _HEADER.match(line)):
            table = tuple(part.strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
            table = _numbered(table, counts)
            found[table] = number
            for size in range(1, len(table)):
                parents.setdefault(table[:size], number)
        elif not inside and (key := _KEY.match(line)):
            found[(*table, *(part.strip("\"'") for part in key[1].split(".")))] = number
        inside = _still_inside(line, inside)
    return parents | found


def line_at(lines: Mapping[Where, int], where: Where) -> int:
    """The line of what is at a path, or of the nearest thing that it is in."""
    whole = (where[:size] for size in range(len(where), 0, -1))
    return next((lines[part] for part in whole if part in lines), 1)


def _numbered(table: Where, counts: Mapping[str, int]) -> Where:
    """`variants` is the path of a list: it goes on with the number of the entry."""
    first = str(table[0])
    return (first, counts[first], *table[1:]) if first in counts else table


def _still_inside(line: str, inside: str) -> str:
    """The quotes of the long text that goes on after this line, if one does."""
    for quotes in ('"""', "'''"):
        if inside in ("", quotes) and line.count(quotes) % 2:
            return "" if inside else quotes
    return inside


def _syntax(file: str, message: str) -> Problem:
    found = _AT_LINE.search(message)
    plain = _AT_LINE.sub("", message)
    line = int(found[1]) if found else 1
    return Problem(
        file, line, f"TOML 语法错误，请看引号、括号和等号：{plain}", f"not valid TOML: {plain}"
    )


def _explained(file: str, problem: Any, lines: Mapping[Where, int]) -> Problem:
    where: Where = problem["loc"]
    name, why = path_of(problem), sentence(problem, _known_in(where))
    prefix = (f"{name}：", f"{name}: ") if name else ("", "")
    return Problem(file, line_at(lines, where), prefix[0] + why.zh, prefix[1] + why.en)


def _known_in(where: Where) -> list[str]:
    """The keys that there are where this one stands."""
    if len(where) > 1 and where[0] in _PARTS:
        return list(_PARTS[where[0]].model_fields)
    return [name for name in Journey.model_fields if name != "name"]


def _switched(journey: Journey, care: Care) -> Journey:
    """On or off as the configuration has it."""
    is_on = journey.name not in care.disabled and (journey.enabled or journey.name in care.enabled)
    return journey.model_copy(update={"enabled": is_on})


def _faults(journey: Journey, words: Words) -> Iterator[tuple[Where, Misread]]:
    """Where a text cannot be used or is missing, and why."""
    known, has_pool = facts_of(journey.trigger), bool(journey.pool)
    for where, text in texts_of(journey):
        if wrong := fault(words, text, known, has_pool=has_pool):
            yield where, Misread(f"文本不能使用：{wrong.zh}", f"the text: {wrong.en}")
    for language in words.shop.languages:
        if not journey.text(language, "warm"):
            yield ("texts",), Misread(f"缺少 {language} 文本", f"there is no text in {language}")


def texts_of(journey: Journey) -> Iterator[tuple[Where, str]]:
    """All templates of a journey, each with its path in the file."""
    for language, voices in journey.texts.items():
        for voice, text in voices.items():
            yield ("texts", language, voice), text
    for channel, texts in journey.channel_texts.items():
        for language, voices in texts.items():
            for voice, text in voices.items():
                yield ("channel_texts", channel, language, voice), text
    for number, variant in enumerate(journey.variants):
        for language, text in variant.texts.items():
            yield ("variants", number, "texts", language), text
