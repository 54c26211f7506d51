"""What agents keep about customers and conversations: things to remember, tags, follow-ups."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, Session, SQLModel, col, func, select, update

from bot.core.clock import now
from storage.models.base import moment
from storage.models.conversations import Conversation
from storage.models.customers import Customer, Identity


class CustomerNote(SQLModel, table=True):
    """Something to remember about a customer; `message_id` is what they said, if it was that."""

    __tablename__ = "customer_note"

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    agent_id: int = Field(foreign_key="agent.id")
    message_id: int | None = Field(default=None, foreign_key="message.id")
    text: str
    created_at: datetime = moment(default_factory=now)


class ConversationTag(SQLModel, table=True):
    """A word that agents put on a conversation."""

    __tablename__ = "conversation_tag"

    conversation_id: int = Field(foreign_key="conversation.id", primary_key=True)
    tag: str = Field(primary_key=True, index=True)
    created_at: datetime = moment(default_factory=now)


class FollowUp(SQLModel, table=True):
    """Something that an agent has to do about a conversation by `due_at`. `kind` says why.

    About a parcel it ends by itself when the parcel moves: then nobody is in `done_by`.
    """

    __tablename__ = "follow_up"
    __table_args__ = (Index("ix_follow_up_open", "done_at", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id", index=True)
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    kind: str
    parcel_id: int | None = Field(default=None, foreign_key="parcel.id", index=True)
    due_at: datetime = moment()
    created_at: datetime = moment(default_factory=now)
    done_at: datetime | None = moment(nullable=True, default=None)
    done_by: int | None = Field(default=None, foreign_key="agent.id")


def notes_about(session: Session, customer_id: int) -> list[CustomerNote]:
    """What is to be remembered about a customer, the oldest first."""
    query = select(CustomerNote).where(CustomerNote.customer_id == customer_id)
    return list(session.exec(query.order_by(col(CustomerNote.id))))


def move_notes(session: Session, before: int, after: int) -> None:
    """What is to be remembered about one customer is now about another, who they turned out to
    be."""
    mine = col(CustomerNote.customer_id) == before
    session.exec(update(CustomerNote).where(mine).values(customer_id=after))


def tags_of(session: Session, conversation_ids: Collection[int]) -> dict[int, list[str]]:
    """The tags of each conversation that has any, in the order in which they were put there."""
    query = (
        select(ConversationTag)
        .where(col(ConversationTag.conversation_id).in_(conversation_ids))
        .order_by(col(ConversationTag.created_at), col(ConversationTag.tag))
    )
    found = defaultdict(list)
    for one in session.exec(query):
        found[one.conversation_id].append(one.tag)
    return found


def usual_tags(session: Session, most: int) -> list[str]:
    """The tags that are used most."""
    count = func.count(col(ConversationTag.conversation_id))
    query = select(ConversationTag.tag).group_by(ConversationTag.tag)
    return list(session.exec(query.order_by(count.desc(), ConversationTag.tag).limit(most)))


def newest_follow_up(session: Session) -> tuple[int, int]:
    """How many are still to be done, and the number of the newest: other than before, once one
    was added or done."""
    query = select(func.count(), func.max(FollowUp.id)).where(col(FollowUp.done_at).is_(None))
    count, newest = session.exec(query).one()
    return count, newest or 0


def open_follow_ups(
    session: Session, most: int, conversation_id: int | None = None
) -> list[tuple[FollowUp, Conversation, Identity, Customer]]:
    """What is still to be done, of one conversation or of all, the most urgent first."""
    query = (
        select(FollowUp, Conversation, Identity, Customer)
        .join(Conversation, col(Conversation.id) == FollowUp.conversation_id)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .join(Customer, col(Customer.id) == Identity.customer_id)
        .where(col(FollowUp.done_at).is_(None))
        .order_by(col(FollowUp.due_at), col(FollowUp.id))
        .limit(most)
    )
    if conversation_id is not None:
        query = query.where(FollowUp.conversation_id == conversation_id)
    return list(session.exec(query))


def open_about_parcel(session: Session, parcel_id: int) -> list[FollowUp]:
    """What is still to be done about a parcel."""
    query = select(FollowUp).where(FollowUp.parcel_id == parcel_id, col(FollowUp.done_at).is_(None))
    return list(session.exec(query))
