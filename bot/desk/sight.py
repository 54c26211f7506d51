"""What an agent sees, as plain values: lists, conversation, customer's card."""

from dataclasses import dataclass


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
    """The lists on the left, and how many wait or are open beyond what is listed.

    `news` grows whenever one of the agent's own customers writes.
    """

    mine: tuple[Row, ...]
    waiting: tuple[Row, ...]
    others: tuple[Row, ...]
    resolved: tuple[Row, ...]
    waiting_count: int
    open_count: int
    news: int

    @property
    def to_do(self) -> int:
        """How many customers wait for a person or for this agent's answer."""
        return self.waiting_count + sum(row.unanswered for row in self.mine)


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
    has not, or perhaps not, reached the customer.
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
class Card:
    """Who the customer is. `elsewhere` are the customer's other chats."""

    name: str
    channel: str
    language: str
    linked: bool
    elsewhere: tuple[str, ...]
    orders: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation in the middle. `owner` is the colleague in charge, if one is.

    `replied` when an agent has answered the customer.
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


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything on one agent's screen."""

    agent_id: int
    agent_name: str
    board: Board
    thread: Thread | None
