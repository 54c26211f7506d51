"""What the agents' desk asks of the tables: previews, counts, ratings, the newest of many."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, func, select

from bot.core.messages import Author
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message, Teams, of_teams
from storage.models.customers import Customer, Identity
from storage.models.feedback import Feedback


def newest_messages(session: Session, conversation_id: int, limit: int) -> list[Message]:
    """The last `limit` messages of a conversation, oldest first."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return list(reversed(session.exec(query).all()))


def messages_since(session: Session, conversation_id: int, since: datetime) -> int:
    """How many messages a conversation has from a moment on."""
    query = select(func.count(col(Message.id))).where(
        Message.conversation_id == conversation_id, col(Message.created_at) >= since
    )
    return session.exec(query).one()


def channels_in_use(session: Session) -> list[str]:
    """The channels that customers write on. Each is looked up in the index, none is counted."""
    found: list[str] = []
    while True:
        after = col(Identity.channel) > (found[-1] if found else "")
        channel = session.exec(select(func.min(Identity.channel)).where(after)).one()
        if channel is None:
            return found
        found.append(channel)


def earlier_messages(session: Session, conversation: Conversation, limit: int) -> list[Message]:
    """The last `limit` messages of the same chat before the conversation, oldest first."""
    query = (
        select(Message)
        .where(
            Message.identity_id == conversation.identity_id,
            col(Message.conversation_id) < conversation.id,
        )
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return list(reversed(session.exec(query).all()))


def last_words(
    session: Session, conversation_ids: Iterable[int], limit: int = 5
) -> dict[int, list[Message]]:
    """What customer and agents said last, newest first, by conversation id; `limit` of each."""
    place = (
        func.row_number()
        .over(partition_by=col(Message.conversation_id), order_by=col(Message.id).desc())
        .label("place")
    )
    said = (
        select(col(Message.id), place)
        .where(
            col(Message.conversation_id).in_(list(conversation_ids)),
            col(Message.author).in_([Author.CUSTOMER, Author.AGENT]),
        )
        .subquery()
    )
    query = (
        select(Message)
        .join(said, col(Message.id) == said.c.id)
        .where(said.c.place <= limit)
        .order_by(col(Message.id).desc())
    )
    found = defaultdict(list)
    for message in session.exec(query):
        found[message.conversation_id].append(message)
    return found


def count_in(session: Session, state: str, teams: Teams = None) -> int:
    """How many conversations of `teams` are in `state`."""
    query = select(func.count(col(Conversation.id))).where(
        Conversation.state == state, *of_teams(teams)
    )
    return session.exec(query).one()


def last_change_of(session: Session, state: str) -> dict[int, tuple[int, datetime]]:
    """How many conversations in `state` each agent has, and when the last of them changed."""
    agent = col(Conversation.agent_id)
    query = (
        select(agent, func.count(), func.max(Conversation.updated_at))
        .where(Conversation.state == state, agent.is_not(None))
        .group_by(agent)
    )
    return {number: (count, at) for number, count, at in session.exec(query) if number is not None}


def recently_resolved(
    session: Session, limit: int = 200, teams: Teams = None
) -> list[tuple[Conversation, Identity, Customer]]:
    """Resolved conversations of `teams`, the latest resolve first."""
    query = (
        select(Conversation, Identity, Customer)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .join(Customer, col(Customer.id) == Identity.customer_id)
        .where(col(Conversation.resolved_at).is_not(None), *of_teams(teams))  # in its index's order
        .order_by(col(Conversation.resolved_at).desc(), col(Conversation.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def conversations_with(session: Session, customer_id: int, limit: int) -> list[Conversation]:
    """The customer's conversations on all channels that a person ended, the latest first."""
    query = (
        select(Conversation)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .where(Identity.customer_id == customer_id, col(Conversation.resolved_at).is_not(None))
        .order_by(col(Conversation.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def ratings(session: Session, conversation_ids: Iterable[int]) -> dict[int, int]:
    """The rating of each conversation that has one, by conversation id."""
    query = (
        select(Feedback)
        .where(
            col(Feedback.conversation_id).in_(list(conversation_ids)),
            col(Feedback.rating).is_not(None),
        )
        .order_by(col(Feedback.id))
    )
    return {one.conversation_id: one.rating for one in session.exec(query) if one.rating}


def agent_names(session: Session) -> dict[int, str]:
    """What every agent is called, by id."""
    return {agent.id: agent.name for agent in session.exec(select(Agent)) if agent.id is not None}
