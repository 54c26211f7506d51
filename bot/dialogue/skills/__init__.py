"""Skills, one file each, found by themselves: whoever has something to say first, answers.

A skill is a module with two names: `AFTER`, the skills that must be asked before it (`"*"`:
all others), and `reply(turn) -> Verdict | None`, None when it has nothing to say.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from bot.dialogue.turn import Turn, Verdict

LAST = "*"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill as its module declares it."""

    name: str
    after: tuple[str, ...]
    reply: Callable[[Turn], Verdict | None]


def discover(path: Iterable[str] = tuple(__path__), package: str = __name__) -> tuple[Skill, ...]:
    """All skills in the folders `path`, in the order in which they are asked."""
    skills = {}
    for info in sorted(pkgutil.iter_modules(path), key=lambda module: module.name):
        module = importlib.import_module(f"{package}.{info.name}")
        skills[info.name] = Skill(info.name, tuple(module.AFTER), module.reply)
    return tuple(skills[name] for name in _order(skills))


def _order(skills: dict[str, Skill]) -> Iterable[str]:
    early = {name for name, skill in skills.items() if LAST not in skill.after}
    graph: dict[str, set[str]] = {}
    for name, skill in skills.items():
        before = early if LAST in skill.after else set(skill.after)
        if unknown := before - skills.keys():
            raise LookupError(f"skill {name} comes after {sorted(unknown)}, which do not exist")
        graph[name] = before - {name}
    return TopologicalSorter(graph).static_order()
