"""What customers thought of a conversation."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import moment

LOW = 2
"""Up to which rating somebody is unhappy, and a person should see to it."""


class Feedback(SQLModel, table=True):
    """One rating request, sent after a resolve. `rating` is 1 (bad) to 5 (excellent).

    `of_purchase`: it is about what was bought, asked some days after the delivery.
    """

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id", index=True)
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    rating: int | None = None
    comment: str = ""
    of_purchase: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    asked_at: datetime = moment(default_factory=now, index=True)
    answered_at: datetime | None = moment(nullable=True, default=None)


def latest_feedback(session: Session, conversation_id: int) -> Feedback | None:
    """The newest rating request of a conversation."""
    query = (
        select(Feedback)
        .where(Feedback.conversation_id == conversation_id)
        .order_by(col(Feedback.id).desc())
        .limit(1)
    )
    return session.exec(query).first()
