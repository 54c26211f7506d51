"""A team's settings as people type them, and what is wrong with what they typed."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from bot.config import WEEKDAYS, Team
from bot.core.errors import Misread
from bot.core.spans import read_day_part, read_span

MINUTES = ("first_response_minutes", "next_response_minutes", "resolution_minutes")
EDITABLE = (
    "title", *WEEKDAYS, "holidays", "timezone", "closings", "openings", *MINUTES, "warn_at_percent",
)  # fmt: skip
"""What the desk changes, in the form's order. Which conversations are a team's the file says."""
MOST_DAYS = 400
"""Most lines of closings or openings."""
_TO = re.compile(r"\s*(?:[-–—−~〜至到]|\bto\b)\s*")
_BETWEEN = re.compile(r"[\s,;、]+")
_HOURS = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(.*)")


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed: `settings` as in the file, and by field what is `wrong`."""

    settings: Mapping[str, Any]
    wrong: Mapping[str, Misread]

    def team(self, base: Team) -> Team:
        """The team with these settings; with what is wrong left as `base` has it."""
        return Team(**(dict(base) | dict(self.settings)))


def read(filled: Mapping[str, str]) -> Read:
    """The fields of a form, by the settings' names; a field that is not there is empty."""
    settings, wrong = {}, {}
    for name in EDITABLE:
        try:
            value = _READERS.get(name, str)(_plain(filled.get(name, "")))
            _check(name, value)
        except Misread as error:
            wrong[name] = error
        else:
            settings[name] = value
    return Read(settings, wrong)


def plain(team: Team) -> dict[str, Any]:
    """What the desk may change of a team, written as in the file."""
    found = {name: getattr(team, name) for name in EDITABLE}
    return {
        name: [str(one) for one in value] if isinstance(value, tuple) else value
        for name, value in found.items()
    }


def typed(team: Team) -> dict[str, str]:
    """What stands in the form's fields for a team."""
    return {name: _typed(name, value) for name, value in plain(team).items()}


def _typed(name: str, value: Any) -> str:
    if isinstance(value, list):
        return (", " if name in WEEKDAYS else "\n").join(value)
    return "" if value is None else str(value)


def _plain(text: str) -> str:
    """Full-width signs as narrow ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _parts(text: str) -> list[str]:
    """The open parts of a day: `9-12、13:30-18:00`."""
    spans = [read_span(_whole(one)) for one in _BETWEEN.split(_TO.sub("-", text)) if one]
    for first, second in pairwise(sorted(spans)):
        if second.start < first.end:
            raise Misread(f"{first} 和 {second} 重叠了", f"{first} and {second} overlap")
    return [str(one) for one in spans]


def _whole(part: str) -> str:
    """`9-12` with its minutes."""
    found = _HOURS.fullmatch(part)
    return f"{found[1]}:{found[2] or '00'}-{found[3]}:{found[4] or '00'}" if found else part


def _dated(text: str) -> list[str]:
    """Days, or parts of them, one day on a line."""
    lines = [line for line in enumerate(text.splitlines(), 1) if line[1].strip()]
    if len(lines) > MOST_DAYS:
        raise Misread(f"最多 {MOST_DAYS} 行", f"at most {MOST_DAYS} lines")
    return [part for number, line in lines for part in _on_line(number, line.strip())]


def _on_line(number: int, line: str) -> list[str]:
    found = _DATE.fullmatch(line)
    day = f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}" if found else line
    try:
        spans = _parts(found[4]) if found else []
        return [str(read_day_part(f"{day} {one}".strip())) for one in spans or [""]]
    except Misread as error:
        raise Misread(f"第 {number} 行：{error.zh}", f"line {number}: {error.en}") from error


def _number(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Misread(f"{text!r} 不是整数", f"{text!r} is no whole number")
    return int(text)


def _check(name: str, value: Any) -> None:
    """What the file would not take is wrong here too. Raises `Misread`."""
    try:
        Team(**{"name": "any", name: value})
    except ValidationError as error:
        found = error.errors()[0]
        reason = found.get("ctx", {}).get("error")
        if isinstance(reason, Misread):
            raise reason from error
        if found["type"] == "string_too_long":
            most = found["ctx"]["max_length"]
            raise Misread(f"最多 {most} 个字", f"at most {most} characters") from error
        raise Misread("不能这样写", found["msg"]) from error


_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(WEEKDAYS, _parts),
    "closings": _dated,
    "openings": _dated,
    "timezone": lambda text: text or None,
    **dict.fromkeys(MINUTES, _number),
    "warn_at_percent": lambda text: 80 if not text else _number(text),
}
