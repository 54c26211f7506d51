"""One group while something happens in it: its settings, its row, and how the bot speaks there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.answering.reading import Entries
from bot.channels.telegram.client import CHANNEL
from bot.config import Group, Telegram
from bot.core.groups import Person, Role
from bot.core.messages import Address, Purpose
from bot.delivery import errands
from bot.words.dates import span_text
from bot.words.phrases import Voice
from storage.models.community import GroupState, group_state

Buttons = Sequence[Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for all groups. `groups` are found by account and chat."""

    voice: Voice
    entries: Entries
    groups: Mapping[tuple[str, str], Group]

    @classmethod
    def of(cls, bots: Sequence[Telegram], voice: Voice, entries: Entries) -> "House":
        """The groups of all bots of the configuration."""
        found = {(bot.name, str(group.id)): group for bot in bots for group in bot.groups}
        return cls(voice, entries, found)

    @property
    def places(self) -> list[Address]:
        """All groups."""
        return [Address(CHANNEL, account, chat) for account, chat in self.groups]

    def is_group(self, place: Address) -> bool:
        """Whether the bot looks after this group."""
        return (place.account, place.chat) in self.groups

    def watched_from(self, place: Address) -> list[Address]:
        """The groups whose admins read of them in this chat."""
        return [
            Address(CHANNEL, account, chat)
            for (account, chat), group in self.groups.items()
            if account == place.account and str(group.admin_chat_id) == place.chat
        ]

    def enter(self, session: Session, place: Address) -> "Room":
        """The group at `place`, held until the commit."""
        group = self.groups[place.account, place.chat]
        return Room(session, place, group, group_state(session, place), self)


@dataclass(frozen=True, slots=True)
class Room:
    """A group in a transaction. What is ordered leaves after the commit."""

    session: Session
    place: Address
    group: Group
    state: GroupState
    house: House

    @property
    def id(self) -> int:
        """The row's id."""
        assert self.state.id is not None
        return self.state.id

    @property
    def language(self) -> str:
        """The group's language."""
        return self.group.language or self.house.voice.default_language

    @property
    def admin_place(self) -> Address | None:
        """Where the admins read what was done."""
        chat = self.group.admin_chat_id
        return None if chat is None else Address(CHANNEL, self.place.account, str(chat))

    @property
    def knows_admins(self) -> bool:
        """Whether it is known who is an admin; before that, nobody is touched or obeyed."""
        return self.state.admins_at is not None

    def known(self, who: Person) -> Person:
        """`who` with their role in this group."""
        is_admin = who.role is Role.MEMBER and who.id in self.state.admins
        return replace(who, role=Role.ADMIN) if is_admin else who

    def words(self, key: str, language: str | None = None, **values: Any) -> str:
        """A text of `templates/community`."""
        return self.house.voice.say(f"community.{key}", language or self.language, **values)

    def order(self, kind: str, details: Mapping[str, Any], line: str, **options: Any) -> None:
        """Have something done that is no message; what is done twice does no harm."""
        errands.order(
            self.session, self.place, kind, details, line=line, repeatable=True, **options
        )

    def say(
        self,
        text: str,
        *,
        to: int | None = None,
        thread: int | None = None,
        buttons: Buttons = (),
        merge: str = "",
        delay: timedelta = timedelta(0),
        **more: Any,
    ) -> None:
        """Write into the group, which counts towards the platform's limit."""
        details = shown(text, buttons, **more)
        if to is not None:
            details["to"] = to
        if thread is not None:
            details["thread"] = thread
        rank = Purpose.ANSWER.rank
        errands.order(self.session, self.place, "say", details, rank=rank, merge=merge, delay=delay)

    def edit(
        self, message: int, text: str, buttons: Buttons, *, merge: str, delay: timedelta
    ) -> None:
        """Change what the bot wrote, which counts like writing."""
        details = shown(text, buttons, message=message)
        errands.order(
            self.session, self.place, "edit", details, merge=merge, delay=delay, repeatable=True
        )

    def waiting(self, merge: str) -> Mapping[str, Any] | None:
        """The details of what was ordered under this key and has not begun."""
        return errands.waiting(self.session, self.place, merge)

    def is_under_way(self, merge: str) -> bool:
        """Whether what was ordered under this key has begun, or is done."""
        is_known = errands.was_ordered(self.session, self.place, merge)
        return is_known and self.waiting(merge) is None

    def span(self, seconds: int) -> str:
        """A length of time in the group's language: 2分钟, 2 minutes."""
        return span_text(seconds, self.language)

    def private_link(self, payload: str) -> str:
        """Where a private chat with the bot begins; empty until its name is known."""
        return f"https://t.me/{self.state.bot}?start={payload}" if self.state.bot else ""

    def private_button(self, payload: str, language: str | None = None) -> Buttons:
        """The button that leads there."""
        link = self.private_link(payload)
        return [[(self.words("private_button", language), link)]] if link else []


def shown(text: str, buttons: Buttons, **more: Any) -> dict[str, Any]:
    """The details of an errand that shows `text` with rows of `buttons`."""
    return {"text": text, "buttons": [list(row) for row in buttons], **more}


def line_of(user_id: str) -> str:
    """What is done to one person comes one after the other."""
    return f"user {user_id}"
