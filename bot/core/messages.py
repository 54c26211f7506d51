"""What comes in from a channel and what goes out, as plain values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.clock import now

MAX_TEXT = 4000
"""Longest message taken from a customer, in characters."""


class Author(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class Purpose(StrEnum):
    """Why a message is sent; channels list the purposes they may carry."""

    ANSWER = "answer"
    AGENT = "agent"
    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"

    @property
    def rank(self) -> int:
        """Which goes first when many wait: 0, an answer, before 3, marketing."""
        return list(Purpose).index(self)


class Progress(StrEnum):
    """How far the sending of a message is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    HELD = "held"


class State(StrEnum):
    """Who is in charge of a conversation."""

    BOT = "bot"
    WAITING = "waiting"
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Address:
    """One chat on one account of one channel.

    `pulls` is true where the customer's side fetches messages by itself (web chat), so that
    nothing has to be pushed by a sender.
    """

    channel: str
    account: str
    chat: str
    pulls: bool = False

    @property
    def key(self) -> str:
        """The lane in which this chat's messages keep their order."""
        return f"{self.channel}:{self.account}:{self.chat}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: `label` is shown, `value` comes back when it is pressed."""

    label: str
    value: str

    def reworded(self, convert: Callable[[str], str]) -> "Choice":
        """The same button with its label converted."""
        return Choice(convert(self.label), self.value)

    def as_dict(self) -> dict[str, str]:
        """The form that is stored and sent to the chat socket."""
        return {"label": self.label, "value": self.value}


@dataclass(frozen=True, slots=True)
class Inbound:
    """A customer's message as a channel parsed it.

    `external_id` is the platform's own delivery id, unique within (channel, account).
    A pressed button has `choice` set; `text` may then be empty.
    """

    address: Address
    external_id: str
    text: str = ""
    choice: str | None = None
    name: str = ""
    language: str | None = None
    at: datetime = field(default_factory=now)
