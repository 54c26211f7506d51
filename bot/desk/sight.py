"""What an agent sees, as plain values: lists, conversation, customer's card."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.messages import Address
from storage.models.search import Cursor


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list; `unanswered` when the customer had the last word.

    `since` is how long they have waited, or how long ago the last word was; `why` is why a
    person was brought. `target` is `warned` or `breached` where a promised time is, or nearly, used
    up, and `late` says so. `channel` is empty where there is only one; `stars` are the rating.
    """

    id: int
    name: str
    preview: str
    since: str
    channel: str = ""
    why: str = ""
    target: str = ""
    late: str = ""
    owner: str = ""
    stars: str = ""
    unanswered: bool = False
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """The lists on the left, and how many wait, or others have, beyond what is listed.

    `news` grows whenever one of the agent's own customers writes. `todo` are the conversations
    about which something is to be done, `snoozed` the agent's own that are put off.
    """

    mine: tuple[Row, ...]
    waiting: tuple[Row, ...]
    others: tuple[Row, ...]
    resolved: tuple[Row, ...]
    waiting_count: int
    others_count: int
    news: int
    todo: tuple[Row, ...] = ()
    snoozed: tuple[Row, ...] = ()

    @property
    def to_do(self) -> int:
        """How many customers wait for a person or for this agent's answer."""
        return self.waiting_count + sum(row.unanswered for row in self.mine)


@dataclass(frozen=True, slots=True)
class Lists:
    """What all desks show alike, the longest waiting first; `taken` comes with whose it is.

    `stamps` are other than before, by agent, where that agent's own rows have to be read again.
    """

    waiting: tuple[Row, ...]
    taken: tuple[tuple[int | None, Row], ...]
    resolved: tuple[Row, ...]
    waiting_count: int
    open_count: int
    stamps: Mapping[int, Hashable]
    follow_ups: Hashable

    def stamp(self, agent_id: int) -> Hashable:
        """Changes whenever the agent's own rows have."""
        return self.stamps.get(agent_id), self.follow_ups


@dataclass(frozen=True, slots=True)
class Own:
    """The rows that one agent alone has. `seen` is how many of them all others of the agent's
    teams see, too; `news` as in `Board`."""

    todo: tuple[Row, ...]
    mine: tuple[Row, ...]
    snoozed: tuple[Row, ...]
    seen: int
    news: int


@dataclass(frozen=True, slots=True)
class FileLine:
    """One thing that came with a message. Without a `url` there is nothing to open (yet)."""

    label: str
    url: str = ""
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message or internal note. `kind` is an `Author`, `note` or `divider`.

    `continues` when it follows another by the same author in the same minute; `earlier` when
    it belongs to a former conversation; `quote` is the message that it answers. `fate` says why it
    has not, or perhaps not, reached the customer, `seen` that they have read it. `deeds` is what
    can be done with it.
    """

    key: str
    kind: str
    author: str
    text: str
    at: str
    choices: tuple[str, ...] = ()
    verdict: str = ""
    continues: bool = False
    earlier: bool = False
    files: tuple[FileLine, ...] = ()
    quote: str = ""
    fate: str = ""
    seen: str = ""
    deeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """A parcel on the customer's card."""

    heading: str
    status: str
    latest: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order on the customer's card."""

    number: str
    status: str
    items: str
    paid: str
    parcels: tuple[ParcelLine, ...]


@dataclass(frozen=True, slots=True)
class NoteLine:
    """Something to remember about the customer, and who wrote it down."""

    id: int
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class FormerLine:
    """Another conversation with the customer, of which `id` is the number."""

    id: int
    at: str
    why: str
    stars: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Who the customer is. `linked_by` is the agent who linked the chat, where no
    proof did. `elsewhere` are the customer's other chats, `former` the conversations
    that people had with them; `shop_tags` are the shop's own, `opted_out` is since when they want
    no advertising, `consents` what they have agreed to or not, where, when and in which words."""

    name: str
    channel: str
    language: str
    linked: bool
    linked_by: str
    elsewhere: tuple[str, ...]
    orders: tuple[OrderLine, ...]
    birthday: str = ""
    shop_tags: tuple[str, ...] = ()
    opted_out: str = ""
    consents: tuple[str, ...] = ()
    notes: tuple[NoteLine, ...] = ()
    former: tuple[FormerLine, ...] = ()


@dataclass(frozen=True, slots=True)
class HitLine:
    """What was found: a message or note in a conversation, or a customer (without `pieces`).

    `pieces` are the text in parts, and of each whether it is what was asked for. `author` is who
    said it, where it was not the customer; `key` is that of the bubble; `selected` when it was
    opened last.
    """

    key: str
    conversation: int
    name: str
    at: str
    where: str
    author: str = ""
    is_note: bool = False
    pieces: tuple[tuple[str, bool], ...] = ()
    said_at: datetime | None = None
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of what was found; `next` is where older hits are. `is_readable`: there were words."""

    people: tuple[HitLine, ...] = ()
    lines: tuple[HitLine, ...] = ()
    next: Cursor | None = None
    is_readable: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation in the middle. `owner` is the colleague in charge, if one is.

    `replied` when an agent has answered the customer. `snoozed` is until when it is put off,
    `follow_up` what is to be done about it (`todo` is its number), `asked` the customer's newest
    message, 0 once a person has answered. It is held at `address`. `newest` is the chat's newest
    conversation, where this one has ended and the customer has written again since, else 0.
    """

    id: int
    state: str
    reason: str
    mine: bool
    owner: str
    replied: bool
    bubbles: tuple[Bubble, ...]
    shortened: bool
    card: Card
    tags: tuple[str, ...] = ()
    snoozed: str = ""
    todo: int = 0
    follow_up: str = ""
    asked: int = 0
    address: Address | None = None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything on one agent's screen."""

    board: Board
    thread: Thread | None
    may_serve: bool
