"""Reads a sending from a TOML file, or says in which line of it what is wrong."""

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.care.files import line_at, lines_of
from bot.care.misreading import path_of, sentence
from bot.care.segments import Asked
from bot.care.sendings import Draft
from bot.core.errors import XiaoerError
from bot.core.messages import Purpose


class FileRefused(XiaoerError):
    """A file that describes no sending."""


class _File(BaseModel):
    """What stands in the file. `valid_until` is a day, to its end, or a moment; without a zone it
    is the shop's."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    purpose: Literal["marketing", "transactional"] = "marketing"
    pool: str = ""
    holdout: float = Field(default=0.0, ge=0, le=0.9)
    valid_until: date | datetime | None = None
    segment: Asked = Asked()
    texts: dict[str, str]


def read(path: Path, zone: ZoneInfo) -> Draft:
    """The sending that a file describes; it is called like the file unless it says otherwise.

    Raises `FileRefused`.
    """
    try:
        source = path.read_text(encoding="utf-8")
        found = _File.model_validate(tomllib.loads(source))
    except ValidationError as error:
        raise _refused(path, source, error) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileRefused(f"{path}：{error}", f"{path}: {error}") from error
    return Draft(
        found.name or path.stem,
        found.texts,
        found.segment.model_dump(mode="json", exclude_defaults=True),
        Purpose(found.purpose),
        found.pool,
        found.holdout,
        _moment(found.valid_until, zone),
    )


def _refused(path: Path, source: str, error: ValidationError) -> FileRefused:
    problem: Any = error.errors(include_url=False)[0]
    where, why = path_of(problem), sentence(problem, _fields(problem["loc"]))
    line = line_at(lines_of(source), problem["loc"])
    return FileRefused(f"{path}:{line}: {where}：{why.zh}", f"{path}:{line}: {where}: {why.en}")


def _fields(where: Any) -> list[str]:
    """The keys that there are where this one stands."""
    return list((Asked if where[0] == "segment" else _File).model_fields)


def _moment(end: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    if end is None:
        return None
    if isinstance(end, datetime):
        return end if end.tzinfo else end.replace(tzinfo=zone)
    return datetime.combine(end + timedelta(days=1), time(), zone)
