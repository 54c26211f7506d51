"""Agents: the people who take over conversations, and where they are logged in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, false, func
from sqlmodel import Field, Session, SQLModel, col, delete, select, update

from bot.core.clock import now
from bot.core.roles import Presence, Role
from storage import live
from storage.models.base import json_field, moment

GONE_AFTER = timedelta(minutes=3)
"""From when on somebody without an open page is offline."""
UNUSED_FOR = timedelta(hours=2)
"""A login ends when no page of the desk was open for so long."""


PROGRAM = "key:"
"""What the login of an agent begins with that is a program with an API key."""


class Agent(SQLModel, table=True):
    """Somebody who may log in to the desk. `role` is a `Role`; `telegram_id` is who they are in
    its forum, `wecom_id` who they are in WeCom.

    `must_renew`: somebody else gave them the password, which is good for choosing their own alone.
    `presence` is what they chose, a `Presence`; it holds while `seen_at`, when a page of theirs was
    open last, is recent. `capacity` is how many conversations they have open at once, None for as
    many as come. Without `languages` they answer in all. `assigned_at` is when they were last put
    in charge of one.
    """

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str
    password_hash: str
    active: bool = True
    role: str = Field(default=Role.AGENT, sa_column_kwargs={"server_default": Role.AGENT})
    failed_logins: int = 0
    locked_until: datetime | None = moment(nullable=True, default=None)
    telegram_id: str | None = Field(default=None, index=True, unique=True)
    wecom_id: str | None = Field(default=None, index=True, unique=True)
    must_renew: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = moment(default_factory=now)
    presence: str = Field(
        default=Presence.ONLINE, sa_column_kwargs={"server_default": Presence.ONLINE}
    )
    seen_at: datetime | None = moment(nullable=True, default=None)
    capacity: int | None = None
    languages: list[str] = json_field(
        default_factory=list, sa_column_kwargs={"server_default": "[]"}
    )
    skills: list[str] = json_field(default_factory=list, sa_column_kwargs={"server_default": "[]"})
    assigned_at: datetime | None = moment(nullable=True, default=None)

    @property
    def is_program(self) -> bool:
        """Whether it stands for an API key, which has no password and never logs in."""
        return self.login.startswith(PROGRAM)


class AgentLogin(SQLModel, table=True):
    """One login in one browser, until it is ended. Its token itself is nowhere stored.

    `device` is what the browser calls itself; `seen_at` when it was last here, to the minute.
    """

    __tablename__ = "agent_login"

    id: int | None = Field(default=None, primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", index=True)
    token_hash: str = Field(unique=True)
    device: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = moment(default_factory=now)
    seen_at: datetime | None = moment(nullable=True, default=None)
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


def has_owner(session: Session) -> bool:
    """Whether an owner may log in."""
    query = select(Agent.id).where(Agent.role == Role.OWNER, col(Agent.active).is_(True)).limit(1)
    return session.exec(query).first() is not None


def active_owners(session: Session) -> list[Agent]:
    """The owners who may log in, held until the transaction ends: of two who leave at once, one
    is seen by the other."""
    query = select(Agent).where(Agent.role == Role.OWNER, col(Agent.active).is_(True))
    return list(session.exec(query.order_by(col(Agent.id)).with_for_update()))


def begin_login(
    session: Session, agent_id: int, token: str, outlived: datetime, device: str = ""
) -> None:
    """Keep a new login; the agent's logins from before `outlived` are forgotten."""
    session.exec(
        delete(AgentLogin).where(
            col(AgentLogin.agent_id) == agent_id, col(AgentLogin.created_at) < outlived
        )
    )
    session.add(
        AgentLogin(agent_id=agent_id, token_hash=_hash(token), device=device, seen_at=now())
    )


def running_login(session: Session, token: str) -> AgentLogin | None:
    """The login with this token, unless it was ended or not used for too long."""
    query = select(AgentLogin).where(AgentLogin.token_hash == _hash(token), *_running())
    return session.exec(query).one_or_none()


def running_logins(session: Session, agent_id: int) -> list[AgentLogin]:
    """Where the agent is logged in, the newest login first."""
    query = select(AgentLogin).where(AgentLogin.agent_id == agent_id, *_running())
    return list(session.exec(query.order_by(col(AgentLogin.id).desc())))


def _running() -> tuple[ColumnElement[bool], ...]:
    used = func.coalesce(AgentLogin.seen_at, AgentLogin.created_at)
    return col(AgentLogin.ended_at).is_(None), used > now() - UNUSED_FOR


def end_logins(session: Session, agent_id: int, but: int | None = None) -> None:
    """End all of the agent's logins, but for the one with the id `but`."""
    mine = col(AgentLogin.agent_id) == agent_id, col(AgentLogin.ended_at).is_(None)
    others = () if but is None else (col(AgentLogin.id) != but,)
    session.exec(update(AgentLogin).where(*mine, *others).values(ended_at=now()))


def end_login(session: Session, agent_id: int, login_id: int) -> None:
    """End one of the agent's own logins; nothing happens where it is none of them."""
    mine = col(AgentLogin.agent_id) == agent_id, col(AgentLogin.ended_at).is_(None)
    one = col(AgentLogin.id) == login_id
    session.exec(update(AgentLogin).where(*mine, one).values(ended_at=now()))


def keep_seen(session: Session, seen: Mapping[str, datetime]) -> None:
    """Keep when logins, named by their tokens, were last used, and so when their agents were.

    One that has ended stays ended.
    """
    for token, at in seen.items():
        login = running_login(session, token)
        if login is None:
            continue
        login.seen_at = at
        saw(session, login.agent_id, at)


def saw(session: Session, agent_id: int, at: datetime) -> None:
    """The agent is at the desk at `at`; who was gone and is back may be given customers."""
    agent = session.get_one(Agent, agent_id)
    if agent.seen_at is None or agent.seen_at <= at - GONE_AFTER:
        live.touch(session, live.QUEUE)
    agent.seen_at = at
    session.add(agent)


def _hash(token: str) -> str:
    """A random token of 256 bits needs neither salt nor a slow hash."""
    return sha256(token.encode()).hexdigest()
