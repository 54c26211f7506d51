"""What has been told to customers by ourselves, so that nothing is told twice."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, SQLModel

from bot.core.clock import now
from storage.models.base import moment
from storage.models.upsert import insert_or_ignore


class CareSent(SQLModel, table=True):
    """One piece of news that was told. `kind` is `order.paid`, `subject` is `order:17`."""

    __tablename__ = "care_sent"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject: str
    at: datetime = moment(default_factory=now)


def first_time(session: Session, kind: str, subject: str) -> bool:
    """Note that `kind` is being told about `subject`. False when it was told before."""
    return insert_or_ignore(session, CareSent(kind=kind, subject=subject))
