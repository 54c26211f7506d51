"""Who is there: what agents chose, and whether a page of theirs is open."""

from datetime import datetime

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.core.roles import Presence, Right, may
from bot.escalation.agents import named
from storage import live
from storage.models.agents import GONE_AFTER, Agent
from storage.models.audit import record
from storage.models.routing import held_agent, set_teams

MOST = 1000
"""The largest capacity."""


def is_there(agent: Agent, at: datetime) -> bool:
    """Whether a page of theirs was open lately, whatever they chose."""
    return agent.seen_at is not None and agent.seen_at > at - GONE_AFTER


def shown(agent: Agent, at: datetime) -> Presence:
    """What colleagues see."""
    return Presence(agent.presence) if is_there(agent, at) else Presence.OFFLINE


def choose(session: Session, agent_id: int, presence: Presence) -> Presence:
    """The agent says that they are there, or not. Returns what they chose."""
    agent = held_agent(session, agent_id)
    agent.seen_at = now()
    session.add(agent)
    if agent.presence != presence:
        agent.presence = presence
        record(session, f"agent:{agent_id}", presence, f"agent:{agent_id}")
        live.touch(session, live.QUEUE)
    return presence


def choose_for(session: Session, login: str, presence: Presence) -> Agent:
    """Say of the agent with this login that they are there, or not.

    Raises `NotFound`, or `NotAllowed` for somebody who does not serve customers.
    """
    agent = named(session, login)
    if not agent.active or not may(agent.role, Right.SERVE):
        raise NotAllowed(f"{agent.name} 不接待顾客。", f"{agent.name} does not serve customers.")
    choose(session, agent.id or 0, presence)
    return agent


def equip(
    session: Session,
    login: str,
    *,
    capacity: int | None = None,
    languages: list[str] | None = None,
    skills: list[str] | None = None,
    teams: list[str] | None = None,
) -> Agent:
    """Set what the agent with this login can do; None leaves it. A capacity of 0 is none at all:
    they have as many as come.

    Raises `NotFound`, or `NotAllowed` for a capacity that is no number from 0 to `MOST`.
    """
    agent = held_agent(session, named(session, login).id or 0)
    if capacity is not None:
        if not 0 <= capacity <= MOST:
            raise NotAllowed(f"接待上限应为 0 到 {MOST}。", f"A capacity is from 0 to {MOST}.")
        agent.capacity = capacity or None
    if languages is not None:
        agent.languages = sorted(set(languages))
    if skills is not None:
        agent.skills = sorted(set(skills))
    if teams is not None:
        set_teams(session, agent.id or 0, teams)
    session.add(agent)
    live.touch(session, live.QUEUE)
    return agent
