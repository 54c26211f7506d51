"""Reads who is meant by a sending, and says what is wrong with it."""

from typing import Any

from pydantic import ValidationError

from bot.config import Shop
from bot.core.errors import XiaoerError
from storage.models.segments import Segment


class SegmentRefused(XiaoerError):
    """A segment that cannot be asked for, and why."""


def segment(values: dict[str, Any], shop: Shop) -> Segment:
    """The segment that `values` describe. Raises `SegmentRefused`."""
    try:
        found = Segment.model_validate(values)
    except ValidationError as error:
        where, why = _first(error)
        known = ", ".join(Segment.model_fields)
        raise SegmentRefused(
            f"segment.{where}：{why}。可用：{known}", f"segment.{where}: {why}. There are: {known}"
        ) from error
    if unknown := set(found.languages) - set(shop.languages):
        names = ", ".join(sorted(unknown))
        raise SegmentRefused(f"店铺没有这种语言：{names}", f"The shop does not speak {names}.")
    has_sum = found.spent_min is not None or found.spent_max is not None
    currency = found.currency or shop.currency
    return found.model_copy(update={"currency": currency}) if has_sum else found


def plain(one: Segment) -> dict[str, Any]:
    """What is kept of a segment: what is set."""
    return one.model_dump(mode="json", exclude_defaults=True)


def _first(error: ValidationError) -> tuple[str, str]:
    one = error.errors()[0]
    return ".".join(str(part) for part in one["loc"]), str(one["msg"])
