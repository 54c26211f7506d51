"""What comes in from a channel and what goes out, as plain values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.clock import now

CHANNELS = ("telegram", "wechat", "web")
"""The channels that there are, as customers' chats are kept under them."""
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

    @property
    def is_key(self) -> bool:
        """Whether it is no answer to anything: see `SHARE_PHONE`."""
        return self.value in (SHARE_PHONE, KEY_AWAY)

    def reworded(self, convert: Callable[[str], str]) -> "Choice":
        """The same button with its label converted."""
        return Choice(convert(self.label), self.value)

    def as_dict(self) -> dict[str, str]:
        """The form that is stored and sent to the chat socket."""
        return {"label": self.label, "value": self.value}


SHARE_PHONE, KEY_AWAY = "key:share phone", "key:away"
"""Values of choices that are no answers: a key by which customers hand over their own number, and
that this key goes away again."""
VOUCHING = frozenset({"telegram"})
"""The channels with such a key: their platform vouches for the number."""


def numbers(values: Sequence[str]) -> dict[str, str]:
    """What people type for each of the choices with these values, where they see numbered lines:
    its place, or its own number where all have one (`rating:5`)."""
    own = [value.rpartition(":")[2] for value in values]
    is_own = len(set(own)) == len(own) and all(one.isascii() and one.isdigit() for one in own)
    places = own if is_own else [str(place) for place in range(1, len(values) + 1)]
    return dict(zip(places, values, strict=True))


class Kind(StrEnum):
    """What a message carries besides text; `mark` stands in for a text where there is none."""

    PHOTO = "photo"
    VIDEO = "video"
    VOICE = "voice"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"

    @property
    def mark(self) -> str:
        """One emoji, which needs no translation."""
        return _MARKS[self]

    @property
    def is_file(self) -> bool:
        """Whether there is a file to fetch that agents want to see."""
        return self not in (Kind.STICKER, Kind.LOCATION, Kind.CONTACT)


_MARKS = {
    Kind.PHOTO: "📷",
    Kind.VIDEO: "🎬",
    Kind.VOICE: "🎤",
    Kind.AUDIO: "🎵",
    Kind.DOCUMENT: "📎",
    Kind.STICKER: "🏷️",
    Kind.LOCATION: "📍",
    Kind.CONTACT: "👤",
}


def is_mark(text: str) -> bool:
    """Whether `text` is nothing but marks of what came without words."""
    words = text.split()
    return bool(words) and all(word in _MARKS.values() for word in words)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One thing that a message carries, as the platform announced it.

    `file_id` is what the platform gives the file for; `size` is in bytes, 0 when it did not say;
    `about` is what there is instead of a file: coordinates, a phone number. A file that
    `is_too_large` is not fetched. It is had from the account `source` (`channel:account`), the
    chat's own where it is empty; a file with a `path` is in our folder already.
    """

    kind: Kind
    file_id: str = ""
    name: str = ""
    mime: str = ""
    size: int = 0
    about: str = ""
    is_too_large: bool = False
    source: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """The customer did what lets us write to them: which of the account's windows, and when."""

    window: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Inbound:
    """A customer's message as a channel parsed it.

    `external_id` is the platform's own delivery id, unique within (channel, account).
    A pressed button has `choice` set, or `token` where the channel's buttons carry opaque tokens,
    and so has a command; `text` is then only what is shown.
    `origin` is the platform's id of the message itself and `reply_to` that of the message which it
    answers; with `is_edit` the message `origin` has been changed into this. Messages with the same
    `album` are one. `phone` is a number that the platform vouches for as the sender's own. With
    `likes` it is a sign under our message `reply_to`: that this helped, or did not. With `numbered`
    the customer saw choices as numbered lines. `opens` is the window that this opens.
    """

    address: Address
    external_id: str
    text: str = ""
    choice: str | None = None
    name: str = ""
    language: str | None = None
    at: datetime = field(default_factory=now)
    token: str | None = None
    origin: str = ""
    reply_to: str = ""
    is_edit: bool = False
    attachments: tuple[Attachment, ...] = ()
    album: str = ""
    phone: str = ""
    likes: bool | None = None
    numbered: bool = False
    opens: Opening | None = None

    @property
    def is_spoken(self) -> bool:
        """Whether `text` is the customer's own words, to be understood."""
        return self.choice is None and self.token is None and self.likes is None
