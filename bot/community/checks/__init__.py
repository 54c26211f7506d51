"""What a member's post is looked at for, one file each, found by themselves.

A check is a module with `judge(case) -> Verdict | None`, None when it has nothing to object to.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from bot.config import Group
from bot.core.groups import Post
from bot.core.text import normalise
from storage.models import community
from storage.models.community import GroupMember, GroupPost

MUTE_SECONDS = 600
LONGEST = 4096
"""Characters of a message (core.telegram.org/bots/api#message)."""


class Action(StrEnum):
    """What is done about a post: each also takes it away."""

    DELETE = "delete"
    WARN = "warn"
    MUTE = "mute"
    BAN = "ban"

    @property
    def rank(self) -> int:
        """How severe it is."""
        return list(Action).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. `messages` are those to take away besides; `seconds` how long to mute."""

    name: str
    action: Action
    details: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[int, ...] = ()
    seconds: int = MUTE_SECONDS


@dataclass(frozen=True, slots=True)
class Case:
    """A member's post, with what is known of them. `is_waiting`: their button is not pressed."""

    session: Session
    group: Group
    group_id: int
    post: Post
    member: GroupMember
    is_waiting: bool
    is_silenced: bool

    def own_posts(self, seconds: float) -> list[GroupPost]:
        """What the member wrote in the last `seconds`, this post included."""
        return self._since(seconds, user_id=self.post.author.id)

    def alike(self, seconds: float) -> list[GroupPost]:
        """Where anybody wrote the same in the last `seconds`, this post included."""
        return self._since(seconds, fingerprint=fingerprint(self.post.text))

    def _since(self, seconds: float, **like: str) -> list[GroupPost]:
        since = self.post.at - timedelta(seconds=seconds)
        return community.posts_since(self.session, self.group_id, since, **like)


Judge = Callable[[Case], Verdict | None]


def discover(path: Iterable[str] = tuple(__path__), package: str = __name__) -> tuple[Judge, ...]:
    """The `judge` of every check in the folders `path`."""
    names = sorted(info.name for info in pkgutil.iter_modules(path))
    return tuple(importlib.import_module(f"{package}.{name}").judge for name in names)


def squashed(text: str) -> str:
    """`text` as it is compared: one script, width and case, and nothing between the characters."""
    return "".join(normalise(text, LONGEST).split())


def fingerprint(text: str) -> str:
    """The same for texts that are the same to a reader; empty for none."""
    plain = squashed(text)
    return sha256(plain.encode()).hexdigest()[:32] if plain else ""
