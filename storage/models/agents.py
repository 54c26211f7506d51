"""Agents: the people who take over conversations, and where they are logged in."""

from datetime import datetime
from hashlib import sha256

from sqlmodel import Field, Session, SQLModel, col, delete, select, update

from bot.core.clock import now
from storage.models.base import moment


class Agent(SQLModel, table=True):
    """Somebody who may log in to the desk. `telegram_id` is who they are in its forum, `wecom_id`
    who they are in WeCom."""

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str
    password_hash: str
    active: bool = True
    failed_logins: int = 0
    locked_until: datetime | None = moment(nullable=True, default=None)
    telegram_id: str | None = Field(default=None, index=True, unique=True)
    wecom_id: str | None = Field(default=None, index=True, unique=True)
    created_at: datetime = moment(default_factory=now)


class AgentLogin(SQLModel, table=True):
    """One login in one browser, until it is ended. Its token itself is nowhere stored."""

    __tablename__ = "agent_login"

    id: int | None = Field(default=None, primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", index=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = moment(default_factory=now)
    ended_at: datetime | None = moment(nullable=True, default=None)


def agent_by_login(session: Session, login: str) -> Agent | None:
    """The agent with this login, active or not."""
    return session.exec(select(Agent).where(Agent.login == login)).one_or_none()


def agent_by_telegram(session: Session, telegram_id: str) -> Agent | None:
    """The agent with this Telegram account, active or not."""
    return session.exec(select(Agent).where(Agent.telegram_id == telegram_id)).one_or_none()


def agent_by_wecom(session: Session, wecom_id: str) -> Agent | None:
    """The agent with this WeCom user id, active or not."""
    return session.exec(select(Agent).where(Agent.wecom_id == wecom_id)).one_or_none()


def wecom_ids(session: Session) -> list[str]:
    """The WeCom user ids of all agents at work, in the order of their logins."""
    query = select(Agent).where(col(Agent.wecom_id).is_not(None), col(Agent.active).is_(True))
    return [one.wecom_id for one in session.exec(query.order_by(col(Agent.login))) if one.wecom_id]


def all_agents(session: Session) -> list[Agent]:
    """Every agent, by login."""
    return list(session.exec(select(Agent).order_by(col(Agent.login))))


def begin_login(session: Session, agent_id: int, token: str, outlived: datetime) -> None:
    """Keep a new login; the agent's logins from before `outlived` are forgotten."""
    session.exec(
        delete(AgentLogin).where(
            col(AgentLogin.agent_id) == agent_id, col(AgentLogin.created_at) < outlived
        )
    )
    session.add(AgentLogin(agent_id=agent_id, token_hash=_hash(token)))


def running_login(session: Session, token: str) -> AgentLogin | None:
    """The login with this token, unless it was ended."""
    query = select(AgentLogin).where(
        AgentLogin.token_hash == _hash(token), col(AgentLogin.ended_at).is_(None)
    )
    return session.exec(query).one_or_none()


def end_logins(session: Session, agent_id: int) -> None:
    """End all of the agent's logins."""
    mine = col(AgentLogin.agent_id) == agent_id, col(AgentLogin.ended_at).is_(None)
    session.exec(update(AgentLogin).where(*mine).values(ended_at=now()))


def _hash(token: str) -> str:
    """A random token of 256 bits needs neither salt nor a slow hash."""
    return sha256(token.encode()).hexdigest()
