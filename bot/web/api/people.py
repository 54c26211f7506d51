"""The agents' API: to whom conversations can go, and who is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlmodel import Session

from bot.core.clock import now
from bot.core.roles import Presence
from bot.escalation import presence
from bot.escalation.agents import named
from bot.escalation.transfers import Transfers
from bot.web.api.api import Api, agent_seen_as, as_key, router_of
from bot.web.api.kinds import Body, Plain
from storage.models.agents import Agent
from storage.models.routing import open_counts

Login = Annotated[str, Path(min_length=1, max_length=80), Plain]


class AgentView(BaseModel):
    """Somebody at the desk."""

    login: str
    name: str
    presence: Presence = Field(description="What colleagues see: offline without an open page.")
    chosen: Presence = Field(description="What they chose.")
    seen_at: datetime | None = Field(description="When they were last there.")
    open: int = Field(description="How many conversations they have.")
    capacity: int | None = Field(description="How many they are to have; null: as many as come.")


class Colleagues(BaseModel):
    """Where conversations can be transferred to."""

    agents: list[AgentView]
    teams: list[str]


class Wish(Body):
    """What an agent chooses."""

    presence: Annotated[Presence, Field(strict=False)]


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/agents…`"""
    router = router_of("agents")

    @router.get("", summary="List agents and teams")
    async def list_agents(caller: read) -> Colleagues:
        """Those who may log in."""
        return await api.db.read(_colleagues, caller, api.transfers)

    @router.get("/{login}/presence", summary="See whether an agent is there")
    async def show(_caller: read, login: Login) -> AgentView:
        return await api.db.read(_shown, login)

    @router.put("/{login}/presence", summary="Say whether an agent is there")
    async def choose(caller: write, login: Login, wish: Wish) -> AgentView:
        """Who has no page of the desk open is there for three minutes: say it again each minute,
        and `offline` in the end."""
        return await api.db.transact(_choose, caller, login, wish.presence)

    return router


def _colleagues(session: Session, key: str, transfers: Transfers) -> Colleagues:
    found = transfers.colleagues(session, agent_seen_as(session, key).id or 0)
    return Colleagues(
        agents=_views(session, found), teams=[one.name for one in transfers.teams.all]
    )


def _shown(session: Session, login: str) -> AgentView:
    return _views(session, [named(session, login)])[0]


def _choose(session: Session, key: str, login: str, wanted: Presence) -> AgentView:
    as_key(session, key)
    return _views(session, [presence.choose_for(session, login, wanted)])[0]


def _views(session: Session, agents: Sequence[Agent]) -> list[AgentView]:
    counts, at = open_counts(session, [one.id or 0 for one in agents]), now()
    return [
        AgentView(
            login=one.login,
            name=one.name,
            presence=presence.shown(one, at),
            chosen=Presence(one.presence),
            seen_at=one.seen_at,
            open=counts[one.id or 0],
            capacity=one.capacity,
        )
        for one in agents
    ]
