"""Looks into JSON that others made, which may be anything."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.core.errors import XiaoerError
from bot.shop.sources.rows import Row

MOST_ITEMS = 500
"""Items of an order that are kept: `events.OrderData` has no more."""
SHORT = 200
LONG = 2000
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]+")
_TAG = re.compile(r"<[^>]{0,500}>")
_HAN = re.compile(r"[\u4e00-\u9fff]")


class Unreadable(XiaoerError):
    """A payload, signed as it should be, of which nothing can be made."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a payload tells. `orders` are one order's states, the newest first; `ref` is the
    source's own id for it."""

    ref: str = ""
    orders: list[list[Row]] = field(default_factory=list)
    products: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back for the order `ref`."""

    ref: str
    at: datetime
    amount: Decimal


def text(payload: Any, *path: str, most: int = SHORT) -> str:
    """The text or number at `path`, on one line and at most so long; empty without."""
    for name in path:
        payload = payload.get(name) if isinstance(payload, dict) else None
    if isinstance(payload, bool) or not isinstance(payload, str | int | float):
        return ""
    return _UNSEEN.sub(" ", str(payload)).strip()[:most].strip()


def plain(payload: Any, *path: str) -> str:
    """The text at `path` without its HTML."""
    marked = text(payload, *path, most=10 * LONG)
    return " ".join(html.unescape(_TAG.sub(" ", marked)).split())[:LONG]


def objects(payload: Any, name: str) -> Iterator[dict[str, Any]]:
    """The objects in the list called `name`."""
    found = payload.get(name) if isinstance(payload, dict) else None
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, dict))


def full_name(payload: Any, place: str) -> str:
    """First and last name as they are written together."""
    first, last = text(payload, place, "first_name"), text(payload, place, "last_name")
    return f"{last}{first}" if _HAN.search(first + last) else f"{first} {last}".strip()


def first_text(*texts: str) -> str:
    """The first that says something."""
    return next(filter(None, texts), "")
