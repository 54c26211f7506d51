"""Codes by which a customer shows that two chats are theirs."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, delete, or_, select

from storage.models.base import moment


class LinkCode(SQLModel, table=True):
    """A code given to one chat, to be sent from another before `expires_at`, once."""

    __tablename__ = "link_code"

    code: str = Field(primary_key=True)
    identity_id: int = Field(foreign_key="identity.id", index=True)
    expires_at: datetime = moment()


def live_code(session: Session, code: str, at: datetime, *, lock: bool = False) -> LinkCode | None:
    """The code, while it can be used; with `lock` nobody else uses it until the commit."""
    query = select(LinkCode).where(LinkCode.code == code, col(LinkCode.expires_at) > at)
    if lock:
        query = query.with_for_update()
    return session.exec(query).one_or_none()


def forget_codes(session: Session, identity_id: int, at: datetime) -> None:
    """Delete the codes of one chat, and whatever has expired."""
    session.exec(
        delete(LinkCode).where(
            or_(col(LinkCode.identity_id) == identity_id, col(LinkCode.expires_at) <= at)
        )
    )
