"""Ready answers that agents wrote at the desk."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import json_field, moment


class CannedReply(SQLModel, table=True):
    """A text by name, for customers of `language` or, where that is empty, of any.

    With `tags` the conversation gets them, with `resolves` it is resolved, when it is sent.
    """

    __tablename__ = "canned_reply"
    __table_args__ = (UniqueConstraint("name", "language"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    language: str = ""
    text: str
    tags: list[str] = json_field(default_factory=list)
    resolves: bool = False
    agent_id: int = Field(foreign_key="agent.id")
    updated_at: datetime = moment(default_factory=now)


def canned_replies(session: Session) -> list[CannedReply]:
    """All of them, by name."""
    query = select(CannedReply).order_by(col(CannedReply.name), col(CannedReply.language))
    return list(session.exec(query))


def canned_reply(session: Session, name: str, language: str) -> CannedReply | None:
    """The one with this name for this language exactly."""
    query = select(CannedReply).where(CannedReply.name == name, CannedReply.language == language)
    return session.exec(query).one_or_none()
