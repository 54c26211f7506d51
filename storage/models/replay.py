"""Logged questions and what became of them, to try another FAQ on; and the marked conversations."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.messages import Author
from storage.models.base import moment
from storage.models.conversations import Message


class ReplayMark(SQLModel, table=True):
    """A conversation whose outcomes must stay as they were."""

    __tablename__ = "replay_mark"

    conversation_id: int = Field(primary_key=True, foreign_key="conversation.id")
    created_at: datetime = moment(default_factory=now)


def mark(session: Session, conversation_id: int) -> None:
    """Mark a conversation; marking it again changes nothing."""
    if session.get(ReplayMark, conversation_id) is None:
        session.add(ReplayMark(conversation_id=conversation_id))


def unmark(session: Session, conversation_id: int) -> None:
    """Take the mark away, if there is one."""
    found = session.get(ReplayMark, conversation_id)
    if found is not None:
        session.delete(found)


def marked(session: Session) -> set[int]:
    """The ids of the marked conversations."""
    return set(session.exec(select(ReplayMark.conversation_id)))


def logged_messages(session: Session, since: datetime | None = None) -> Iterator[Message]:
    """What customers wrote and the bot said, conversation by conversation, oldest first.

    Marked conversations come whole, however long ago they were.
    """
    query = (
        select(Message)
        .where(col(Message.author).in_([Author.CUSTOMER, Author.BOT]))
        .order_by(col(Message.conversation_id), col(Message.id))
    )
    if since is not None:
        keep = col(Message.conversation_id).in_(select(ReplayMark.conversation_id))
        query = query.where((col(Message.created_at) >= since) | keep)
    return iter(session.exec(query.execution_options(yield_per=1000)))
