"""Orders what other systems are told, in the transaction of the change that it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import (
    Bus,
    ConversationEnded,
    ConversationOpened,
    ConversationReleased,
    ConversationResolved,
    ConversationTaken,
    ConversationTransferred,
    Event,
    HandoffRequested,
    HandoffWithdrawn,
    MessageWritten,
    Rated,
    TakenElsewhere,
)
from bot.core.ids import token
from bot.web.api.views import conversation_view
from bot.webhook_settings import Webhook
from storage.models import errands
from storage.models.agents import Agent
from storage.models.conversations import Conversation, conversation_before
from storage.models.customers import Identity
from storage.models.remarks import tags_of

USEFUL = timedelta(days=7)
"""How long it is tried, where a system asked for rest again and again."""

More = Callable[[Session, Conversation, Any], dict[str, Any]]
"""What is told beside the conversation."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what.

    A row holds the conversation as it was then, and of a message only its number: what customers
    write is read when it is sent (`bot.webhooks.body`), so that what was masked meanwhile is.
    """

    webhooks: tuple[Webhook, ...]

    def register(self, bus: Bus) -> None:
        """Hear of what somebody wants to know; before others, who add to what happened."""
        for event, (kind, more) in _TOLD.items():
            names = [one.name for one in self.webhooks if one.wants(kind)]
            if names:
                bus.on(event, partial(_tell, names, kind, more))


def _tell(names: list[str], kind: str, more: More, session: Session, event: Any) -> None:
    conversation = session.get_one(Conversation, event.conversation_id)
    details = {
        "id": f"msg_{token(16)}",
        "timestamp": now().isoformat(),
        "conversation": _as_it_is(session, conversation),
        **more(session, conversation, event),
    }
    assert conversation.id is not None
    errands.tell(session, names, kind, conversation.id, details, USEFUL)


def _as_it_is(session: Session, conversation: Conversation) -> dict[str, Any]:
    """The conversation in the words of the agents' API; every message asks for it, so no more is
    looked up than is told."""
    identity = session.get_one(Identity, conversation.identity_id)
    agent = name_of(session, conversation.agent_id).get(conversation.agent_id or 0)
    number = conversation.id or 0
    tags = tags_of(session, [number]).get(number, [])
    view = conversation_view(conversation, identity, identity.customer(session), agent, "", tags)
    return view.model_dump(mode="json", exclude={"target"})


def name_of(session: Session, agent_id: int | None) -> dict[int, str]:
    """The agent's name by id; empty without one."""
    agent = session.get(Agent, agent_id) if agent_id is not None else None
    return {agent.id: agent.name} if agent is not None and agent.id is not None else {}


def _nothing(_session: Session, _conversation: Conversation, _event: Event) -> dict[str, Any]:
    return {}


def _opened(
    session: Session, conversation: Conversation, _event: ConversationOpened
) -> dict[str, Any]:
    """Which one it follows: a resolved conversation is not opened again."""
    return {"previous": conversation_before(session, conversation)}


def _written(
    _session: Session, _conversation: Conversation, event: MessageWritten
) -> dict[str, Any]:
    return {"message": event.message_id}


def _rated(_session: Session, _conversation: Conversation, event: Rated) -> dict[str, Any]:
    return {"rating": event.rating}


_TOLD: Mapping[type[Event], tuple[str, More]] = {
    ConversationOpened: ("conversation.created", _opened),
    HandoffRequested: ("conversation.waiting", _nothing),
    ConversationReleased: ("conversation.waiting", _nothing),
    HandoffWithdrawn: ("conversation.withdrawn", _nothing),
    ConversationTaken: ("conversation.taken", _nothing),
    TakenElsewhere: ("conversation.taken", _nothing),
    ConversationTransferred: ("conversation.transferred", _nothing),
    ConversationResolved: ("conversation.resolved", _nothing),
    ConversationEnded: ("conversation.resolved", _nothing),
    MessageWritten: ("message.created", _written),
    Rated: ("rating.created", _rated),
}
