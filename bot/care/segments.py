"""Reads who is meant by a sending, and says what is wrong with it."""

from typing import Any

from pydantic import Field, ValidationError

from bot.care.misreading import path_of, sentence
from bot.config import Shop
from bot.core.errors import XiaoerError
from bot.settings import Channel
from storage.models.segments import Segment


class SegmentRefused(XiaoerError):
    """A segment that cannot be asked for, and why."""


class Asked(Segment):
    """A segment as somebody asks for it: the channels exist."""

    channels: list[Channel] = Field(default_factory=list)


def segment(values: dict[str, Any], shop: Shop, kind: type[Segment] = Segment) -> Segment:
    """The segment that `values` describe. Raises `SegmentRefused`."""
    try:
        found = kind.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where, why = path_of(problem), sentence(problem, Segment.model_fields)
        raise SegmentRefused(f"segment.{where}：{why.zh}", f"segment.{where}: {why.en}") from error
    if unknown := set(found.languages) - set(shop.languages):
        names = ", ".join(sorted(unknown))
        raise SegmentRefused(f"店铺没有这种语言：{names}", f"The shop does not speak {names}.")
    has_sum = found.spent_min is not None or found.spent_max is not None
    currency = found.currency or shop.currency
    return found.model_copy(update={"currency": currency}) if has_sum else found


def plain(one: Segment) -> dict[str, Any]:
    """What is kept of a segment: what is set."""
    return one.model_dump(mode="json", exclude_defaults=True)
