"""The desk's pages besides the conversations, one file each, found by themselves.

A page is a module with three names: `PLACE`, its `Place`; `ORDER`, a number by which pages are
listed; and `build(visit)`, a coroutine function that draws it into the page's main part. The
text `desk.<PLACE.name>` is what it is called. Who opens it has the place's right; what it reads
and does later goes through `visit.read` and `visit.do`, which ask again.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.desk.visit import Place, Visit


@dataclass(frozen=True, slots=True)
class Page:
    """A page as its module declares it."""

    place: Place
    order: int
    build: Callable[[Visit], Awaitable[None]]


def discover() -> tuple[Page, ...]:
    """All pages, in the order in which they are listed."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [Page(module.PLACE, module.ORDER, module.build) for module in modules]
    return tuple(sorted(found, key=lambda page: page.order))
