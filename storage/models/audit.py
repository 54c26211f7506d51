"""The audit log: who did what to whom."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel

from bot.core.clock import now
from storage.models.base import moment


class Audit(SQLModel, table=True):
    """One deed. `actor` is `agent:3` or `key:shop`, `subject` is `conversation:17`."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(default_factory=now, index=True)
    actor: str
    action: str
    subject: str


def record(session: Session, actor: str, action: str, subject: str) -> None:
    """Write one line of the audit log, in the caller's transaction."""
    session.add(Audit(actor=actor, action=action, subject=subject))
