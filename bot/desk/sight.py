"""What an agent sees, as plain values: lists, conversation, customer's card."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list; `unanswered` when the customer had the last word.

    `since` is how long they have waited, or how long ago the last word was.
    """

    id: int
    name: str
    preview: str
    since: str
    channel: str
    owner: str = ""
    unanswered: bool = False
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """The lists on the left, and how many wait or are open beyond what is listed."""

    waiting: tuple[Row, ...]
    mine: tuple[Row, ...]
    others: tuple[Row, ...]
    waiting_count: int
    open_count: int


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message or internal note. `kind` is an `Author` or `note`.

    `continues` when it follows another by the same author in the same minute.
    """

    key: str
    kind: str
    author: str
    text: str
    at: str
    choices: tuple[str, ...] = ()
    verdict: str = ""
    continues: bool = False


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
    """Who the customer is."""

    name: str
    channel: str
    language: str
    linked: bool
    orders: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation in the middle. `owner` is the colleague in charge, if one is."""

    id: int
    state: str
    reason: str
    mine: bool
    owner: str
    bubbles: tuple[Bubble, ...]
    shortened: bool
    card: Card


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything on one agent's screen."""

    agent_name: str
    board: Board
    thread: Thread | None
