"""Who serves whom: agents' teams, how much they have to do, and what waits for one of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import and_, false, or_
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, delete, func, select

from bot.core.messages import State
from bot.core.roles import Presence
from storage.models.agents import Agent
from storage.models.conversations import PLACES, Conversation, Teams, of_teams
from storage.models.customers import Identity


class AgentTeam(SQLModel, table=True):
    """An agent belongs to a team of the configuration; who belongs to none serves all."""

    __tablename__ = "agent_team"

    agent_id: int = Field(primary_key=True, foreign_key="agent.id")
    team: str = Field(primary_key=True)


def set_teams(session: Session, agent_id: int, teams: Iterable[str]) -> None:
    """Make the agent belong to these teams and no others."""
    session.exec(delete(AgentTeam).where(col(AgentTeam.agent_id) == agent_id))
    session.add_all(AgentTeam(agent_id=agent_id, team=team) for team in sorted(set(teams)))


def teams_by_agent(session: Session) -> dict[int, frozenset[str]]:
    """The teams of every agent who belongs to any, by agent id."""
    found: dict[int, set[str]] = defaultdict(set)
    for row in session.exec(select(AgentTeam)):
        found[row.agent_id].add(row.team)
    return {agent: frozenset(teams) for agent, teams in found.items()}


def teams_of(session: Session, agent_id: int) -> frozenset[str]:
    """The teams that the agent belongs to."""
    return frozenset(
        session.exec(select(AgentTeam.team).where(AgentTeam.agent_id == agent_id)).all()
    )


def held_agent(session: Session, agent_id: int) -> Agent:
    """The agent as they are now, their row held until the commit, for what counts what they have.

    Whoever holds a chat too takes the chat first, and of several agents the lowest id first. What
    merely refers to the agent is not kept waiting.
    """
    query = select(Agent).where(Agent.id == agent_id).with_for_update(key_share=True)
    return session.exec(query.execution_options(populate_existing=True)).one()


def present_agents(session: Session, since: datetime, *, lock: bool = False) -> list[Agent]:
    """The agents who are online and were seen after `since`, by id; with `lock` they are held."""
    query = (
        select(Agent)
        .where(
            col(Agent.active).is_(True),
            Agent.presence == Presence.ONLINE,
            col(Agent.seen_at) > since,
        )
        .order_by(col(Agent.id))
    )
    if lock:
        query = query.with_for_update(key_share=True)
    return list(session.exec(query.execution_options(populate_existing=True)))


def open_counts(session: Session, agent_ids: Collection[int]) -> dict[int, int]:
    """How many conversations each of these agents has open, by id."""
    query = (
        select_columns(col(Conversation.agent_id), func.count(col(Conversation.id)))
        .where(col(Conversation.state) == State.OPEN, col(Conversation.agent_id).in_(agent_ids))
        .group_by(col(Conversation.agent_id))
    )
    counts = dict.fromkeys(agent_ids, 0)
    return counts | {row[0]: row[1] for row in session.execute(query)}


def next_waiting(session: Session, teams: Teams, *, skip_held: bool) -> int | None:
    """The id of the conversation of `teams` that is first in the queue, its chat held.

    With `skip_held` those that somebody else holds just now are passed over (PostgreSQL).
    """
    query = (
        select_columns(col(Conversation.id))
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .where(col(Conversation.state) == State.WAITING, *of_teams(teams))
        .order_by(*PLACES)
        .limit(1)
        .with_for_update(of=Identity, skip_locked=skip_held)
    )
    return session.execute(query).scalar_one_or_none()


def last_agents(session: Session, customer_ids: Collection[int], since: datetime) -> dict[int, int]:
    """Who served each of these customers last, in conversations resolved after `since`."""
    query = (
        select_columns(col(Identity.customer_id), col(Conversation.agent_id))
        .join(Conversation, col(Conversation.identity_id) == Identity.id)
        .where(
            col(Identity.customer_id).in_(customer_ids),
            col(Conversation.resolved_at) > since,
            col(Conversation.agent_id).is_not(None),
        )
        .order_by(col(Conversation.resolved_at))
    )
    return {row[0]: row[1] for row in session.execute(query)}


@dataclass(frozen=True, slots=True)
class Owed:
    """An open conversation in which an agent owes an answer since `since`; `has_left` when they are
    offline."""

    id: int
    team: str
    since: datetime
    has_left: bool


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def owed_answers(session: Session, gone_before: datetime) -> list[Owed]:
    """The answers that agents owe, the longest owed first. Somebody has left who chose to be
    offline or was not seen since `gone_before`; who never had a page open has not."""
    has_left = or_(
        and_(col(Agent.presence) == Presence.OFFLINE, col(Agent.seen_at).is_not(None)),
        func.coalesce(col(Agent.seen_at) < gone_before, false()),
    )
    since = col(Conversation.owed_since)
    query = (
        select_columns(col(Conversation.id), col(Conversation.team), since, has_left)
        .join(Agent, col(Agent.id) == Conversation.agent_id)
        .where(col(Conversation.state) == State.OPEN, since > _LONG_AGO)  # so that the index serves
        .order_by(since)
    )
    return [Owed(one, team, at, bool(left)) for one, team, at, left in session.execute(query)]
