"""One customer message and all that a skill needs to answer it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from bot.answering.load import Entry
from bot.answering.understanding import Understanding
from bot.core.messages import Choice, Inbound, Purpose
from bot.delivery import outbox
from bot.escalation import handoff
from bot.words.phrases import Voice
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity


class Entries(Protocol):
    """Where skills look FAQ entries up."""

    def entry(self, entry_id: str, language: str) -> Entry | None:
        """The entry in `language`, else in the other one; None when it is gone."""


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for every turn: the shop's voice and its FAQ."""

    voice: Voice
    entries: Entries


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the bot said what it said: the skill's `outcome`, with details for agents."""

    outcome: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """The message being answered. Skills speak through it; nothing leaves before the commit.

    `joined` are the earlier messages that are understood together with this one;
    `is_complete` says that no more is to be waited for.
    """

    session: Session
    house: House
    inbound: Inbound
    understanding: Understanding
    identity: Identity
    customer: Customer
    conversation: Conversation
    message: Message
    joined: tuple[int, ...] = ()
    is_complete: bool = False

    @property
    def text(self) -> str:
        """What the customer wrote."""
        return self.inbound.text

    @property
    def choice(self) -> str | None:
        """The value of the button that was pressed, if one was."""
        return self.inbound.choice

    @property
    def now(self) -> datetime:
        """When the message arrived."""
        return self.inbound.at

    @property
    def language(self) -> str:
        """The language to answer in: the message's, else the conversation's, else the shop's."""
        return (
            self.understanding.language
            or self.conversation.language
            or self.house.voice.default_language
        )

    def prompt(self, skill: str) -> dict[str, Any] | None:
        """The open question of `skill`, when the last question asked was this skill's."""
        prompt = self.conversation.prompt
        return prompt if prompt and prompt.get("skill") == skill else None

    def ask(self, skill: str, **details: Any) -> None:
        """Remember that `skill` asked something and expects the next message to answer it."""
        self.conversation.prompt = {"skill": skill, **details}

    def asked_nothing(self) -> None:
        """No question is open any more."""
        self.conversation.prompt = None

    def say(self, key: str, choices: Sequence[Choice] = (), **values: Any) -> Message:
        """Say the phrase `key` (such as `replies.miss`) in the customer's language."""
        return self.tell(self.house.voice.say(key, self.language, **values), choices)

    def tell(self, text: str, choices: Sequence[Choice] = ()) -> Message:
        """Say a finished text."""
        return outbox.post(
            self.session, self.conversation, text, purpose=Purpose.ANSWER, choices=choices
        )

    def person_choice(self) -> Choice:
        """The button that brings a person."""
        return Choice(self.house.voice.say("replies.person_button", self.language), "person")

    def bring_person(self, reason: str, before: str = "") -> None:
        """Hand over, and tell the customer what happens next, after the words `before`."""
        ahead = handoff.hand_over(self.session, self.conversation, reason) - 1
        queued = self.house.voice.say("replies.handoff_queued", self.language, ahead=ahead)
        back = Choice(self.house.voice.say("replies.back_button", self.language), "bot")
        self.tell(f"{before}\n\n{queued}" if before else queued, [back])
