"""Says everything that is wrong or weak with the FAQ files."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bot.answering.confusion import Confusion
from bot.answering.links import is_broken, links
from bot.answering.load import CheckTemplate, Entry, FaqProblem, Source, read

Severity = Literal["error", "warning"]
Render = Callable[[str, str], str]
"""Takes a template's text and a language; gives the finished text."""

FEW = 5
"""Fewer phrasings than this make an entry hard to find."""
WIDE_TITLE = 40
"""Columns (a Han character takes two) from which phones cut a button's text."""
_TAG = re.compile(r"\{[{%](.*?)[%}]\}", re.S)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_FACTS = re.compile(r"\b(?:order|parcel)\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend (`error`) or to think about (`warning`), and where it is.

    `kind` is a short name for scripts; `details` holds more for those who want to show it.
    """

    severity: Severity
    kind: str
    problem: FaqProblem
    details: tuple[tuple[str, Any], ...] = ()

    def text(self, language: str) -> str:
        """One line for a reader of `language`."""
        names = {"error": "错误", "warning": "提醒"} if language == "zh" else {}
        line = f"{names.get(self.severity, self.severity)}: {self.problem.text(language)}"
        return " ".join(line.split())

    def as_dict(self, language: str) -> dict[str, Any]:
        """The documented form of `xiaoer faq check --json`."""
        problem = self.problem
        return {
            "severity": self.severity,
            "kind": self.kind,
            "file": problem.file,
            "line": problem.line,
            "entry": problem.entry,
            "message": problem.message_zh if language == "zh" else problem.message_en,
            **dict(self.details),
        }


def check(
    folder: Path, languages: Sequence[str], check_template: CheckTemplate, render: Render
) -> tuple[list[Entry], list[Finding]]:
    """The sound entries of `folder` and what is wrong or weak with the files.

    `languages` are the shop's. Confusions and unreachable links take longer: see
    `confusion_findings` and `link_findings`.
    """
    entries, problems = read(folder, check_template)
    findings = [Finding("error", "invalid", problem) for problem in problems]
    for entry in entries:
        findings += _alone(entry, render)
    findings += _missing_languages(entries, languages)
    return entries, findings


def confusion_findings(entries: Sequence[Entry], found: Iterable[Confusion]) -> Iterator[Finding]:
    """A warning for each pair of entries that are taken for each other."""
    first_of = {entry.id: entry for entry in reversed(entries)}
    for pair in found:
        zh = f"与 {pair.second} 容易混淆（{pair.share:.0%} 的问法）"
        en = f"is confused with {pair.second} ({pair.share:.0%} of their phrasings)"
        if pair.first_lost:
            zh += f"；读成 {pair.second}：{_listed(pair.first_lost, 'zh')}"
            en += f"; read as {pair.second}: {_listed(pair.first_lost, 'en')}"
        if pair.second_lost:
            zh += f"；读成 {pair.first}：{_listed(pair.second_lost, 'zh')}"
            en += f"; read as {pair.first}: {_listed(pair.second_lost, 'en')}"
        details = {
            "other": pair.second,
            "share": pair.share,
            "samples": {pair.second: pair.first_lost, pair.first: pair.second_lost},
        }
        yield _finding("warning", "confused", first_of[pair.first], zh, en, **details)


def answer_links(entries: Iterable[Entry], render: Render) -> dict[str, Entry]:
    """The well-formed addresses in the entries' answers, each with the first that names it."""
    found: dict[str, Entry] = {}
    for entry in entries:
        for link in _links(entry, render):
            if not is_broken(link):
                found.setdefault(link, entry)
    return found


def link_findings(owners: dict[str, Entry], faults: dict[str, str]) -> Iterator[Finding]:
    """What trying the links brought: a page that is gone is an error, silence a warning."""
    for link, why in faults.items():
        severity: Severity = "error" if why in ("404", "410") else "warning"
        zh, en = f"链接打不开：{link}（{why}）", f"the link does not open: {link} ({why})"
        yield _finding(severity, "link", owners[link], zh, en, link=link)


def _alone(entry: Entry, render: Render) -> Iterator[Finding]:
    if not entry.needs and uses_order(entry.answer):
        yield _finding(
            "error",
            "needs",
            entry,
            "回答用到了订单或包裹，但没有写 needs: order 或 needs: parcel",
            "the answer shows an order or a parcel, but the entry has no needs: order or parcel",
        )
    else:
        yield from _broken_links(entry, render)
    if len(entry.questions) < FEW:
        number = len(entry.questions)
        yield _finding(
            "warning",
            "few",
            entry,
            f"只有 {number} 种问法，至少写 {FEW} 种更容易听懂",
            f"only {number} phrasing(s): with {FEW} or more it is understood far better",
        )
    if (width := _columns(entry.title)) > WIDE_TITLE:
        yield _finding(
            "warning",
            "title",
            entry,
            f"标题太长（{width} 列），手机按钮上会被截断（超过 {WIDE_TITLE} 列）",
            f"the title is {width} columns wide: phones cut a button's text at about {WIDE_TITLE}",
        )


def _broken_links(entry: Entry, render: Render) -> Iterator[Finding]:
    for link in _links(entry, render):
        if is_broken(link):
            zh, en = f"链接写错了：{link}", f"this is no working link: {link}"
            yield _finding("error", "link", entry, zh, en, link=link)


def _links(entry: Entry, render: Render) -> tuple[str, ...]:
    return (
        ()
        if not entry.needs and uses_order(entry.answer)
        else links(render(entry.answer, entry.language))
    )


def _missing_languages(entries: Sequence[Entry], wanted: Sequence[str]) -> Iterator[Finding]:
    has: dict[str, set[str]] = {}
    for entry in entries:
        has.setdefault(entry.id, set()).add(entry.language)
    names = {"zh": ("中文", "Chinese"), "en": ("英文", "English")}
    first_of = {entry.id: entry for entry in reversed(entries)}
    for entry_id, spoken in has.items():
        for language in (one for one in wanted if one not in spoken):
            zh, en = names[language]
            yield _finding(
                "warning",
                "language",
                first_of[entry_id],
                f"没有{zh}版",
                f"is missing in {en}",
                language=language,
            )


def uses_order(template: str) -> bool:
    """Whether a template shows or asks after an order or a parcel."""
    return any(_FACTS.search(_QUOTED.sub("", tag)) for tag in _TAG.findall(template))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _listed(texts: Sequence[str], language: str) -> str:
    if language == "zh":
        return "、".join(f"“{text}”" for text in texts)
    return ", ".join(f'"{text}"' for text in texts)


def _finding(
    severity: Severity, kind: str, entry: Entry, zh: str, en: str, **details: Any
) -> Finding:
    source: Source = entry.source
    problem = FaqProblem(source.file, source.line, entry.id, zh, en)
    return Finding(severity, kind, problem, tuple(details.items()))
