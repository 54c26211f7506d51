"""How rooms tell each other what happened, inside the same transaction."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Event:
    """Base of everything that can be emitted."""


@dataclass(frozen=True, slots=True)
class ConversationOpened(Event):
    """A new conversation began."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class MessageWritten(Event):
    """A message was stored, whoever wrote it. Its text may still be masked in this transaction."""

    conversation_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class HandoffRequested(Event):
    """A conversation began to wait for a person. `reason` is a short key such as `asked`."""

    conversation_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class HandoffWithdrawn(Event):
    """A customer who waited for a person went back to the bot."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class CustomerAsked(Event):
    """A customer wrote something that wants an answer, and a person is to give it."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class AgentAnswered(Event):
    """An agent, not the bot, wrote to the customer."""

    conversation_id: int
    agent_id: int


@dataclass(frozen=True, slots=True)
class SlaWarning(Event):
    """Most of a promised time is used up, and the customer still waits. Told once.

    `kind` is `first`, `next` or `resolution`; `due_at` is when the time runs out.
    """

    conversation_id: int
    kind: str
    team: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SlaBreached(Event):
    """A promised time has run out. Told once, and instead of a warning that was not told before."""

    conversation_id: int
    kind: str
    team: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationTaken(Event):
    """An agent took charge of a conversation that nobody, or somebody else, had."""

    conversation_id: int
    agent_id: int


@dataclass(frozen=True, slots=True)
class ConversationReleased(Event):
    """The agent in charge of a conversation put it back into the queue."""

    conversation_id: int
    agent_id: int


@dataclass(frozen=True, slots=True)
class ConversationTransferred(Event):
    """An agent handed a conversation on, to a colleague or a team."""

    conversation_id: int
    agent_id: int


@dataclass(frozen=True, slots=True)
class TakenElsewhere(Event):
    """Somebody has the conversation in the company's own client."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class ConversationEnded(Event):
    """Whoever had the conversation in the company's own client has ended it."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class ConversationResolved(Event):
    """An agent closed a conversation."""

    conversation_id: int
    agent_id: int | None


@dataclass(frozen=True, slots=True)
class Rated(Event):
    """A customer rated a resolved conversation: `rating` is 1 (bad) to 5 (excellent)."""

    conversation_id: int
    rating: int


@dataclass(frozen=True, slots=True)
class ConversationChanged(Event):
    """Something was said or noted in a conversation, or somebody else is in charge of it."""

    conversation_id: int


@dataclass(frozen=True, slots=True)
class OrderChanged(Event):
    """An order came in or changed. `kind` is the event's type, such as `order.paid`."""

    order_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class ParcelMoved(Event):
    """A parcel reached a new status (one of `logistics.status.Status`)."""

    parcel_id: int
    status: str


@dataclass(frozen=True, slots=True)
class ProductBackInStock(Event):
    """A product that was sold out can be bought again."""

    product_id: int


@dataclass(frozen=True, slots=True)
class ParcelStuck(Event):
    """Nothing was heard of a parcel for longer than usual. Told once for each standstill.

    `status` is the one it stands still in, `since` the moment of its newest step.
    """

    parcel_id: int
    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ParcelMovedOn(Event):
    """A parcel that had stood still has a newer step, of whichever status."""

    parcel_id: int


class HasInfo(Protocol):
    """Anything with SQLAlchemy's `info` dictionary: a database session."""

    @property
    def info(self) -> dict[Any, Any]: ...


Handler = Callable[[Any, Any], None]


class Bus:
    """Which handlers listen to which events. Filled once, by the composition root."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)

    def on(self, kind: type[Event], handler: Handler) -> None:
        """Call `handler(session, event)` for every event of exactly this kind."""
        self._handlers[kind].append(handler)

    def run(self, session: HasInfo, event: Event) -> None:
        """Run the handlers now; an exception fails the transaction that emitted the event."""
        for handler in self._handlers[type(event)]:
            handler(session, event)


def emit(session: HasInfo, event: Event) -> None:
    """Tell the other rooms, within the caller's transaction. Without a bus nobody listens."""
    bus: Bus | None = session.info.get("bus")
    if bus is not None:
        bus.run(session, event)
