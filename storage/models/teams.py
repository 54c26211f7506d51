"""What was said at the desk of teams: it wins over the configuration's file."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Field, Session, SQLModel, col, delete, select

from bot.core.clock import now
from bot.core.messages import State
from storage import live
from storage.models.agents import Agent
from storage.models.base import json_field, moment
from storage.models.conversations import Conversation
from storage.models.routing import AgentTeam


class TeamEdit(SQLModel, table=True):
    """One team, by the name that the configuration has for it.

    `settings` are keys of `[[teams]]`, written as in the file; what is not among them is as the
    file has it. `made_here`: the team is the desk's own, and the file need not know it.
    """

    __tablename__ = "team_edit"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    settings: dict[str, Any] = json_field(default_factory=dict)
    made_here: bool = False
    agent_id: int = Field(foreign_key="agent.id")
    changed_at: datetime = moment(default_factory=now)


def team_edits(session: Session) -> list[TeamEdit]:
    """All of them, in the order in which they were begun."""
    return list(session.exec(select(TeamEdit).order_by(col(TeamEdit.id))))


def team_edit(session: Session, name: str) -> TeamEdit | None:
    """What was said of the team `name`, held until the commit."""
    return session.exec(select(TeamEdit).where(TeamEdit.name == name).with_for_update()).first()


def members_of(session: Session, team: str) -> set[int]:
    """The agents who belong to the team, by id."""
    return set(session.exec(select(AgentTeam.agent_id).where(AgentTeam.team == team)))


def set_members(session: Session, team: str, wanted: Collection[int]) -> bool:
    """Make these agents, and no others, belong to the team. Returns whether that was a change.

    The agents' rows are held, the lowest id first, as everywhere.
    """
    changed = members_of(session, team) ^ set(wanted)
    query = select(Agent).where(col(Agent.id).in_(changed)).order_by(col(Agent.id))
    session.exec(query.with_for_update(key_share=True)).all()
    before = members_of(session, team)
    gone = before - set(wanted)
    session.exec(
        delete(AgentTeam).where(col(AgentTeam.team) == team, col(AgentTeam.agent_id).in_(gone))
    )
    new = sorted(set(wanted) - before)
    session.add_all(AgentTeam(agent_id=one, team=team) for one in new)
    return bool(gone or new)


def leave_to(session: Session, team: str, other: str) -> None:
    """What is still the team's becomes another's; its members belong to it no more."""
    unsettled = col(Conversation.state).in_([State.WAITING, State.OPEN])
    session.execute(
        update(Conversation).where(col(Conversation.team) == team, unsettled).values(team=other)
    )
    set_members(session, team, ())
    live.touch(session, live.QUEUE)
