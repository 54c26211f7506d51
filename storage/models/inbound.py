"""Receipts: which deliveries from outside have already taken effect."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, SQLModel, select

from bot.core.clock import now
from storage.models.base import moment
from storage.models.upsert import insert_or_ignore


class Receipt(SQLModel, table=True):
    """One delivery that was taken. `source` is a channel account or an API key's events."""

    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    external_id: str
    message_id: int | None = Field(default=None, foreign_key="message.id")
    received_at: datetime = moment(default_factory=now, index=True)


def take(session: Session, source: str, external_id: str) -> Receipt | None:
    """A new receipt, or None when this delivery was taken before.

    Two processes that take the same delivery at once wait for each other's commit.
    """
    if not insert_or_ignore(session, Receipt(source=source, external_id=external_id)):
        return None
    return find_receipt(session, source, external_id)


def find_receipt(session: Session, source: str, external_id: str) -> Receipt | None:
    """The receipt of a delivery that was taken."""
    query = select(Receipt).where(Receipt.source == source, Receipt.external_id == external_id)
    return session.exec(query).one_or_none()
