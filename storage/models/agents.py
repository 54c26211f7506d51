"""Agents: the people who take over conversations."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import moment


class Agent(SQLModel, table=True):
    """Somebody who may log in to the desk. `session_version` grows to end all their logins."""

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str
    password_hash: str
    active: bool = True
    session_version: int = 1
    failed_logins: int = 0
    locked_until: datetime | None = moment(nullable=True, default=None)
    created_at: datetime = moment(default_factory=now)


def agent_by_login(session: Session, login: str) -> Agent | None:
    """The agent with this login, active or not."""
    return session.exec(select(Agent).where(Agent.login == login)).one_or_none()


def all_agents(session: Session) -> list[Agent]:
    """Every agent, by login."""
    return list(session.exec(select(Agent).order_by(col(Agent.login))))
