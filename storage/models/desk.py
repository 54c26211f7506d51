"""What the agents' desk asks of the tables: previews, counts, and the newest of a long list."""

from collections.abc import Iterable

from sqlmodel import Session, col, func, select

from bot.core.messages import State
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity


def newest_messages(session: Session, conversation_id: int, limit: int) -> list[Message]:
    """The last `limit` messages of a conversation, oldest first."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return list(reversed(session.exec(query).all()))


def last_messages(session: Session, conversation_ids: Iterable[int]) -> dict[int, Message]:
    """The newest message of each conversation, by conversation id."""
    newest = (
        select(func.max(col(Message.id)))
        .where(col(Message.conversation_id).in_(list(conversation_ids)))
        .group_by(col(Message.conversation_id))
    )
    found = session.exec(select(Message).where(col(Message.id).in_(newest)))
    return {message.conversation_id: message for message in found}


def count_in(session: Session, state: str) -> int:
    """How many conversations are in `state`."""
    query = select(func.count(col(Conversation.id))).where(Conversation.state == state)
    return session.exec(query).one()


def recently_resolved(
    session: Session, limit: int = 200
) -> list[tuple[Conversation, Identity, Customer]]:
    """Resolved conversations, the latest resolve first."""
    query = (
        select(Conversation, Identity, Customer)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .join(Customer, col(Customer.id) == Identity.customer_id)
        .where(Conversation.state == State.RESOLVED)
        .order_by(col(Conversation.resolved_at).desc(), col(Conversation.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def agent_names(session: Session) -> dict[int, str]:
    """What every agent is called, by id."""
    return {agent.id: agent.name for agent in session.exec(select(Agent)) if agent.id is not None}
