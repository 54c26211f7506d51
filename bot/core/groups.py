"""What happens in a group, as plain values: posts, who comes and goes, and presses of buttons."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.messages import Address


class Role(StrEnum):
    """What somebody is in a group. Only a `member` is ever moderated."""

    MEMBER = "member"
    ADMIN = "admin"
    ANONYMOUS_ADMIN = "anonymous admin"
    CHANNEL = "channel"
    LINKED_CHANNEL = "linked channel"
    BOT = "bot"

    @property
    def is_protected(self) -> bool:
        """Whether nothing may be done to them, by whomever."""
        return self is not Role.MEMBER

    @property
    def is_in_charge(self) -> bool:
        """Whether they may give the bot orders."""
        return self in (Role.ADMIN, Role.ANONYMOUS_ADMIN)


LINKED_CHANNEL, ANONYMOUS_ADMIN, AS_CHANNEL = "777000", "1087968824", "136817688"
SPECIAL: Mapping[str, Role] = {
    LINKED_CHANNEL: Role.LINKED_CHANNEL,
    ANONYMOUS_ADMIN: Role.ANONYMOUS_ADMIN,
    AS_CHANNEL: Role.CHANNEL,
}
"""Telegram's accounts that many people write as (core.telegram.org/bots/api#message, `from`):
itself for a channel in its discussion group, admins in the group's name, and channels."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who did something. As the platform tells it, nobody is an `ADMIN` yet."""

    id: str
    name: str
    username: str = ""
    role: Role = Role.MEMBER
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that a post replies to; `is_ours` when the bot wrote it."""

    message: int
    author: Person
    text: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One message in a group.

    `question` is what it asks the bot, None where it does not address it. `command` is one for
    this bot, without its slash; `target` is whom its argument names without a user name, and that
    name is then left out of the argument. `joined` are those who came with it; then it says
    nothing itself, like every post that `is_service`.
    """

    place: Address
    external_id: str
    message: int
    author: Person
    at: datetime
    text: str = ""
    links: tuple[str, ...] = ()
    is_forwarded: bool = False
    is_edit: bool = False
    is_service: bool = False
    album: str = ""
    thread: int | None = None
    reply: Quoted | None = None
    question: str | None = None
    command: str = ""
    argument: str = ""
    target: Person | None = None
    joined: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody's standing in a group changed, by `by`."""

    place: Address
    external_id: str
    who: Person
    by: Person
    at: datetime
    has_joined: bool = False
    has_left: bool = False
    is_admin: bool = False
    may_write: bool = True
    is_us: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button in a group or in its admins' chat."""

    place: Address
    external_id: str
    who: Person
    token: str
    message: int
