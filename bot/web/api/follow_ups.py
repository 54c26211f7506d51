"""The agents' API: what agents still have to do about conversations."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlmodel import Session

from bot.escalation import follow_ups
from bot.web.api.api import Api, as_key, router_of
from bot.web.api.kinds import PAGE, Id
from bot.web.api.views import ConversationView, Views
from storage.models.remarks import open_follow_ups


class FollowUpView(BaseModel):
    """Something to be done about a conversation."""

    id: int
    kind: str = Field(examples=["low_rating"])
    agent: str | None = Field(description="Whose it is; null: anybody's.")
    due_at: datetime
    created_at: datetime
    conversation: ConversationView


class FollowUps(BaseModel):
    """What is still to be done, the most urgent first."""

    follow_ups: list[FollowUpView]


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/follow-ups…`"""
    router = router_of("follow-ups")

    @router.get("", summary="List what is still to be done")
    async def list_follow_ups(_caller: read) -> FollowUps:
        """At most 200."""
        return await api.db.read(_open)

    @router.post("/{follow_up_id}/done", status_code=204, summary="It has been done")
    async def done(caller: write, follow_up_id: Id) -> None:
        """Doing it twice changes nothing."""
        await api.db.transact(_done, caller, follow_up_id)

    return router


def _open(session: Session) -> FollowUps:
    found = open_follow_ups(session, PAGE)
    views = Views(session, {one.id or 0 for _, one, _, _ in found})
    return FollowUps(
        follow_ups=[
            FollowUpView(
                agent=views.names.get(one.agent_id or 0),
                conversation=views.conversation(conversation, identity, customer),
                **one.model_dump(include={"id", "kind", "due_at", "created_at"}),
            )
            for one, conversation, identity, customer in found
        ]
    )


def _done(session: Session, key: str, follow_up_id: int) -> None:
    follow_ups.done(session, follow_up_id, as_key(session, key))
