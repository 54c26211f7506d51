"""What a channel that we push to declares and does, and how it says what went wrong."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from bot.core.groups import Change, Post, Press
from bot.core.messages import Address, Attachment, Choice, Inbound, Purpose, is_mark


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages in any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform allows one account: over all chats, to one person, to one group."""

    overall: Rate | None = None
    per_chat: Rate | None = None
    per_group: Rate | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """How long and how much may be sent after the customer did something.

    `count` is None where any number may be sent; `for_agents` of them are kept for people.
    """

    lasts: timedelta
    count: int | None = None
    for_agents: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Another way to a customer, where no window is open, for some purposes.

    With `leave` each use takes one permission that the customer gave, counted under that name.
    """

    name: str
    carries: frozenset[Purpose]
    leave: str = ""


@dataclass(frozen=True, slots=True)
class Carries:
    """Files that a platform takes, as its own `kind`: of these types (none: of any) and sizes."""

    kind: str
    types: frozenset[str]
    max_bytes: int

    def is_for(self, mime: str) -> bool:
        """Whether a file of this type may go so."""
        return not self.types or mime in self.types


@dataclass(frozen=True, slots=True)
class Policy:
    """What one account may send. `windows` by what opens them; none: it may always send.

    `opaque_buttons`: a button's value passes through the customer's hands, so a single-use token
    of ours goes in its place. `pieces` is how many of the platform's messages a text with its
    choices takes. Where windows count, what waits together `joins` into one message. With
    `replies_only` nothing can be sent but in answer to the platform's own request. A file goes as
    the first of `files` that is for it; without any, no file can be sent.
    """

    limits: Limits = Limits()
    windows: Mapping[str, Window] = field(default_factory=dict)
    carries: frozenset[Purpose] = frozenset(Purpose)
    opaque_buttons: bool = False
    routes: tuple[Route, ...] = ()
    pieces: Callable[[str, Sequence[Choice]], int] = lambda _text, _choices: 1
    joins: bool = False
    replies_only: bool = False
    files: tuple[Carries, ...] = ()

    def carrier(self, mime: str, size: int) -> Carries | None:
        """As what a file goes; None when it cannot."""
        found = (one for one in self.files if one.is_for(mime) and size <= one.max_bytes)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file of ours to send; `name` is what its sender called it."""

    path: Path
    name: str
    mime: str
    size: int

    def read(self) -> bytes:
        """Its content. Raises `Refused` when it is no longer there."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise Refused("the file is no longer on the disk") from error


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send. `key` is the same at every attempt: idempotency where there is any.

    `route` names the other way that it takes. It stands for the deliveries `joined` as well.
    `part` is the first piece to send, where those before it have arrived. With `copy_of` it is the
    platform's own message `chat/id`, with its file, that is to be copied. Each of the `files` is a
    piece, before those of the text.
    """

    key: str
    address: Address
    text: str
    choices: tuple[Choice, ...]
    purpose: Purpose
    route: str = ""
    joined: tuple[str, ...] = ()
    part: int = 0
    copy_of: str = ""
    files: tuple[OutgoingFile, ...] = ()

    @property
    def words(self) -> str:
        """The text, unless it only stands for the files."""
        return "" if self.files and is_mark(self.text) else self.text


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a message has arrived, with the platform's `id`; there are more to send."""

    id: str


@dataclass(frozen=True, slots=True)
class Errand:
    """Something else to do at the platform: take a message away, give a topic a name.

    `kind` and `details` say what. Errands of one `line` come one after the other; one that
    `counts` is a message to the platform's limits. This is its `attempts`-th try.
    """

    key: str
    chat: str
    line: str
    kind: str
    details: Mapping[str, Any]
    counts: bool
    attempts: int = 1


class Channel(Protocol):
    """One account of one channel."""

    @property
    def channel(self) -> str:
        """The channel's name, such as `telegram`."""

    @property
    def account(self) -> str:
        """The account's name in the configuration."""

    @property
    def policy(self) -> Policy:
        """What may be sent."""

    def is_group(self, chat: str) -> bool:
        """Whether many people read this chat."""

    async def send(self, outgoing: Outgoing) -> str | Piece:
        """Send, and return the platform's id. Raises a `DeliveryError` that says what to do.

        Of what the platform takes only in several messages it sends the next one and returns it
        as a `Piece`; the last one's id stands for the whole.
        """

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """Do it, and return what the platform gave back. Raises a `DeliveryError`."""


class Taken(Protocol):
    """What became of an inbound message. `is_stale`: a button that is no longer ours to press."""

    @property
    def repeated(self) -> bool:
        """Whether it had been taken before."""

    @property
    def waiting(self) -> str:
        """What seemed unfinished and waits for its rest, before it is answered."""

    @property
    def is_stale(self) -> bool:
        """Whether it was a button that means nothing, or nothing any more."""


class Inlet(Protocol):
    """Where a channel hands over what comes in. Both return after the commit.

    They raise `Unavailable` when nothing could be stored: then the channel does not acknowledge.
    """

    async def take(self, inbound: Inbound) -> Taken:
        """Let a customer's message take effect, once."""

    async def note_block(self, address: Address, *, is_blocked: bool) -> None:
        """The customer has blocked the shop in this chat, or lets it in again."""


class GroupInlet(Protocol):
    """Where a channel hands over what happens in groups. All return after the commit.

    They raise `Unavailable` like an `Inlet`.
    """

    def knows(self, place: Address) -> bool:
        """Whether the group, or the admins' chat, is one of ours; others are left alone."""

    async def posted(self, post: Post) -> None:
        """Somebody wrote something."""

    async def changed(self, change: Change) -> None:
        """Somebody came, left, or has other rights."""

    async def pressed(self, press: Press) -> str | None:
        """Somebody pressed a button; returns what is shown to them alone, None for a repetition."""


@dataclass(frozen=True, slots=True)
class DeskPost:
    """What somebody wrote in a topic of the agents' forum.

    `author` is the platform's id of the writer, empty where the platform does not say who it was.
    `external_id` is the platform's own delivery id, `message` its id of what was written. With
    `has_file` there is more than the text: `attachments`, if they are of a kind that we know.
    """

    place: Address
    thread: int
    external_id: str
    author: str
    text: str
    message: int
    is_edit: bool = False
    has_file: bool = False
    attachments: tuple[Attachment, ...] = ()


class DeskInlet(Protocol):
    """Where a channel hands over what is written in the agents' forum."""

    async def take(self, post: DeskPost) -> None:
        """Let it take effect, once. Returns after the commit, and raises as `Inlet.take`."""


class MoveKeeper(Protocol):
    """Where a channel keeps that a chat of its account has got a new id."""

    async def known(self) -> Mapping[str, str]:
        """The new ids by the old ones. Raises `Unavailable`."""

    async def keep(self, chat: str, new_chat: str) -> None:
        """Remember it across restarts. Returns after the commit; raises `Unavailable`."""


class DeliveryInlet(Protocol):
    """Where a channel asks for what it can only reply with, and tells what it learns of messages.

    All return after the commit and raise as `Inlet`.
    """

    async def next_reply(
        self, address: Address, seconds: float, *, patient: bool
    ) -> Outgoing | None:
        """What is to be said in this chat now; it is waited for only when `patient`.

        What is not had within `seconds` waits for the next request.
        """

    async def reply_given(self, outgoing: Outgoing, *, has_more: bool) -> None:
        """It was said, as far as its piece `part`."""

    async def not_arrived(self, address: Address, provider_id: str, *, blocked: bool) -> None:
        """The platform says of a message that it had taken that it did not arrive."""

    async def opened(self, address: Address, window: str, at: datetime) -> None:
        """The customer did what opens a window, and said nothing."""

    async def allowed(self, address: Address, kind: str, key: str) -> None:
        """The customer allows one more message of this kind. Repeated with its `key`, it is one."""


class FileSource(Protocol):
    """Where the files come from that customers sent to one account."""

    @property
    def channel(self) -> str:
        """The channel's name."""

    @property
    def account(self) -> str:
        """The account's name in the configuration."""

    async def fetch(self, file_id: str, max_bytes: int) -> bytes:
        """The file. Raises `FileRefused` or `FileUnavailable`."""


class FileRefused(Exception):
    """The file will never come, or must not: the reason is its text."""


class FileUnavailable(Exception):
    """The file may come later."""


class Duty(Protocol):
    """Work that only one process may do at a time, such as asking a platform for news."""

    def held(self) -> AbstractAsyncContextManager[None]:
        """Wait until the work is ours."""

    async def is_ours(self) -> bool:
        """Whether it still is."""


class DeliveryError(Exception):
    """It was not sent, or perhaps not. What to do follows from its kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TryLater(DeliveryError):
    """Surely not sent, and may be tried again.

    `seconds`: what the platform asked us to wait, if it did; `everyone`: the whole account waits;
    `alone`: nothing else does, not even what comes after it. The account rests for `rest` seconds.
    """

    def __init__(
        self,
        reason: str,
        seconds: float | None = None,
        *,
        everyone: bool = False,
        alone: bool = False,
        rest: float = 0.0,
    ) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.everyone = everyone
        self.alone = alone
        self.rest = rest


class Refused(DeliveryError):
    """Surely not sent, and never will be. `blocked`: the customer wants nothing from us here."""

    def __init__(self, reason: str, *, blocked: bool = False) -> None:
        super().__init__(reason)
        self.blocked = blocked


class Closed(DeliveryError):
    """Surely not sent, for the platform lets us write only after the customer has: it is held."""


class Uncertain(DeliveryError):
    """Perhaps sent: the connection broke, or time ran out, after the request was written."""
