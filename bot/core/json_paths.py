"""Finds what stands at a path in somebody else's JSON."""

import re
from collections.abc import Iterator
from typing import Any

_LONGEST = 2000


def at(thing: Any, path: str) -> Any:
    """What is at `path`; None where the path leads nowhere.

    A path is names with dots between them; `orders[0].id` is the same as `orders.0.id`.
    """
    for name in _steps(path):
        if isinstance(thing, dict):
            thing = thing.get(name)
        elif isinstance(thing, list) and name.isdecimal() and int(name) < len(thing):
            thing = thing[int(name)]
        else:
            return None
    return thing


def text_at(thing: Any, path: str) -> str:
    """The text or number at `path`, empty without."""
    found = at(thing, path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found).strip()[:_LONGEST]


def _steps(path: str) -> Iterator[str]:
    return filter(None, re.split(r"[.\[\]]", path))
