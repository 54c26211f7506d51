"""What was done in groups, by whom and why, and where admins read of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, update
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import json_field, moment, rows_changed


class LogEntry(SQLModel, table=True):
    """One message in the admins' chat that tells of one action or several."""

    __tablename__ = "log_entry"

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id", index=True)
    chat: str
    message: int | None = Field(default=None, index=True)
    created_at: datetime = moment(default_factory=now)


class ModerationAction(SQLModel, table=True):
    """One thing done, or with `dry_run` only told. `by` is `bot` or an admin's user id.

    `text` is what the member wrote, kept for the log; `failed` is why the platform refused.
    """

    __tablename__ = "moderation_action"

    __table_args__ = (Index("ix_moderation_action_latest", "group_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id")
    user_id: str = Field(index=True)
    name: str
    action: str
    check: str
    details: dict[str, Any] = json_field(default_factory=dict)
    message: int | None = None
    text: str = ""
    by: str
    by_name: str = ""
    dry_run: bool = False
    token: str = Field(unique=True)
    log_id: int | None = Field(default=None, foreign_key="log_entry.id", index=True)
    failed: str = ""
    created_at: datetime = moment(default_factory=now, index=True)
    undone_at: datetime | None = moment(nullable=True, default=None)
    undone_by: str = ""


def latest_action(session: Session, group_id: int, kinds: Sequence[str]) -> ModerationAction | None:
    """The last action of these kinds that was really done and not undone."""
    query = (
        select(ModerationAction)
        .filter_by(group_id=group_id, undone_at=None, dry_run=False)
        .where(col(ModerationAction.action).in_(kinds))
        .order_by(col(ModerationAction.id).desc())
    )
    return session.exec(query).first()


def action_by_token(session: Session, token: str) -> ModerationAction | None:
    """The action whose button carries this token."""
    return session.exec(select(ModerationAction).filter_by(token=token)).first()


def actions_of(session: Session, log_id: int) -> list[ModerationAction]:
    """What one message of the log tells, in order."""
    query = select(ModerationAction).filter_by(log_id=log_id).order_by(col(ModerationAction.id))
    return list(session.exec(query))


def was_reported(session: Session, group_id: int, message: int) -> bool:
    """Whether somebody told the admins of this message before."""
    query = select(ModerationAction.id).filter_by(
        group_id=group_id, message=message, action="report"
    )
    return session.exec(query).first() is not None


def mark_undone(session: Session, action: ModerationAction, by: str) -> bool:
    """The action is undone by somebody. False when it was before."""
    statement = update(ModerationAction).where(
        col(ModerationAction.id) == action.id, col(ModerationAction.undone_at).is_(None)
    )
    return rows_changed(session, statement.values(undone_at=now(), undone_by=by)) == 1


def latest_entry(session: Session, group_id: int) -> LogEntry | None:
    """The group's last message of the log."""
    query = select(LogEntry).filter_by(group_id=group_id).order_by(col(LogEntry.id).desc())
    return session.exec(query).first()


def entry_by_message(session: Session, chat: str, message: int) -> LogEntry | None:
    """The log's message with this number in the admins' chat."""
    return session.exec(select(LogEntry).filter_by(chat=chat, message=message)).first()


def forget_texts(session: Session, before: datetime, most: int) -> int:
    """Blank what members wrote in at most `most` actions older than a moment."""
    old = (
        select(col(ModerationAction.id))
        .where(col(ModerationAction.created_at) < before, col(ModerationAction.text) != "")
        .limit(most)
    )
    statement = update(ModerationAction).where(col(ModerationAction.id).in_(old))
    return rows_changed(session, statement.values(text=""))
