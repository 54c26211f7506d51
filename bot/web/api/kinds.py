"""What callers of the agents' API send: numbers, words and moments, as tables can hold them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from bot.core.messages import MAX_TEXT
from bot.core.text import storable

PAGE = 200
"""Most conversations, messages or follow-ups in one answer."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]")


def _filled(value: str) -> str:
    words = storable(value)
    if not words:
        raise ValueError("there is nothing in it")
    return words


def _written(value: Any) -> Any:
    """Refuse what is no moment as people write it, such as a number of seconds."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("give a moment such as 2026-03-05T09:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is in no year from 1 to 9999") from None


_NUMBER = {"ge": 1, "lt": 1 << 62}
Id = Annotated[int, Path(**_NUMBER)]
"""A number in an address."""
Number = Annotated[int, Field(**_NUMBER)]
"""The same in a body."""
After = Annotated[int, Query(ge=0, lt=1 << 62)]
Moment = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_written), AfterValidator(_in_utc)
]
"""A moment with its time zone."""
Plain = AfterValidator(storable)
"""Text without what no database holds, and without white space around."""
Line = Annotated[str, StringConstraints(max_length=80), Plain]
"""What something is looked for by."""
Filled = AfterValidator(_filled)
"""The same, of which something has to be left."""
Said = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), Filled]
"""Something to say."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=80), Filled]
"""What somebody or something is called."""


class Body(BaseModel):
    """What is sent is taken as it is, and nothing besides."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Words(Body):
    """Something to say."""

    text: Said
