"""Says who works at the desk, and as what: what owners and admins do, and commands."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.roles import Role
from bot.desk import second
from bot.desk.accounts import MAX_NAME, keep_an_owner, new_agent, shut_out
from storage.models.agents import Agent, all_agents, running_logins
from storage.models.audit import record
from storage.models.second_factors import with_factor


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody on the list of people."""

    id: int
    login: str
    name: str
    role: str
    active: bool
    has_factor: bool
    logins: int
    seen_at: datetime | None
    locked: bool


def workers(session: Session) -> list[Worker]:
    """Everybody who may or might log in, those who may first."""
    factors = with_factor(session)
    at = now()
    found = [
        Worker(
            id=one.id,
            login=one.login,
            name=one.name,
            role=one.role,
            active=one.active,
            has_factor=one.id in factors,
            logins=len(running_logins(session, one.id)),
            seen_at=one.seen_at,
            locked=one.locked_until is not None and at < one.locked_until,
        )
        for one in all_agents(session)
        if one.id is not None and not one.is_program
    ]
    return sorted(found, key=lambda one: not one.active)


def add(
    session: Session, by: int | None, login: str, name: str, role: Role, password_hash: str
) -> Agent:
    """A new agent, whose password is good for choosing their own alone.

    `by` is who does it, here and below; None for a command, which may do everything. Raises
    `NotAllowed`.
    """
    _only_owners(session, by, role)
    agent = new_agent(session, login, name, password_hash, role)
    agent.must_renew = True
    return agent


def change(session: Session, by: int | None, agent_id: int, name: str, role: Role) -> Agent:
    """Give an agent another name or role; with another role, their logins end.

    Raises `NotFound` and `NotAllowed`.
    """
    agent = _changeable(session, by, agent_id)
    _only_owners(session, by, role)
    wanted = name.strip()[:MAX_NAME] or agent.login
    if wanted != agent.name:
        agent.name = wanted
        _record(session, "agent.name", agent)
    if role != agent.role:
        if agent.role == Role.OWNER:
            keep_an_owner(session, agent)
        agent.role = role
        shut_out(session, agent)
        _record(session, f"agent.role.{role}", agent)
    session.add(agent)
    return agent


def set_active(session: Session, by: int | None, agent_id: int, *, active: bool) -> Agent:
    """Let an agent log in again, or shut them out at once. Raises `NotFound` and `NotAllowed`."""
    agent = _changeable(session, by, agent_id)
    if agent.active == active:
        return agent
    if not active and agent.role == Role.OWNER:
        keep_an_owner(session, agent)
    agent.active = active
    shut_out(session, agent)
    _record(session, "agent.enable" if active else "agent.disable", agent)
    return agent


def renew(session: Session, by: int | None, agent_id: int, password_hash: str) -> Agent:
    """Give an agent a password that is good for choosing their own alone; their logins end, and so
    does a lock. Raises `NotFound` and `NotAllowed`."""
    agent = _changeable(session, by, agent_id)
    agent.password_hash = password_hash
    agent.must_renew = True
    agent.failed_logins, agent.locked_until = 0, None
    shut_out(session, agent)
    _record(session, "agent.password", agent)
    return agent


def end_everywhere(session: Session, by: int | None, agent_id: int) -> Agent:
    """End an agent's logins; they may log in again. Raises `NotFound` and `NotAllowed`."""
    agent = _changeable(session, by, agent_id)
    shut_out(session, agent)
    _record(session, "agent.log_out", agent)
    return agent


def drop_factor(session: Session, by: int | None, agent_id: int) -> Agent:
    """Let an agent who has lost phone and recovery codes log in by the password alone.

    Raises `NotFound` and `NotAllowed`.
    """
    agent = _changeable(session, by, agent_id)
    second.drop(session, agent_id, by)
    return agent


def _changeable(session: Session, by: int | None, agent_id: int) -> Agent:
    agent = session.get(Agent, agent_id, with_for_update=True)
    if agent is None or agent.is_program:
        raise NotFound("没有这位同事。", "There is no such person.")
    _only_owners(session, by, agent.role)
    return agent


def _only_owners(session: Session, by: int | None, role: str) -> None:
    """Only owners make, change or disable owners."""
    if role != Role.OWNER or by is None:
        return
    if session.get_one(Agent, by).role != Role.OWNER:
        raise NotAllowed(
            "只有店主能添加或更改店主的账号。", "Only owners add owners, or change their accounts."
        )


def _record(session: Session, action: str, agent: Agent) -> None:
    """By whom is in the session (see `acting`); else it is a command."""
    record(session, "command", action, f"agent:{agent.id}")
