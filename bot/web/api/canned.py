"""The agents' API: ready answers, as they are kept and as they read to one customer."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from sqlmodel import Session

from bot.escalation import canned
from bot.web.api.api import Api, agent_seen_as, as_key, known, router_of
from bot.web.api.kinds import Body, Id, Name, Plain, Said
from bot.words.phrases import Voice
from storage.models.canned import CannedReply, canned_replies


class Reply(Body):
    """A ready answer. `text` may show `{{ customer.name }}`, `{{ order.number }}` and the like."""

    name: Name
    language: Annotated[
        str, StringConstraints(max_length=8), Plain, Field(description="Empty: for any customer.")
    ] = ""
    text: Said
    tags: Annotated[list[Name], Field(max_length=20)] = Field(default_factory=list)
    resolves: bool = Field(default=False, description="Sending it resolves the conversation.")


class ReplyView(BaseModel):
    """A ready answer as it is kept."""

    id: int
    name: str
    language: str
    text: str
    tags: list[str]
    resolves: bool
    updated_at: datetime


class Replies(BaseModel):
    """The ready answers that agents wrote, by name."""

    replies: list[ReplyView]


class ReadyView(BaseModel):
    """A ready answer filled in for one customer. `id` is 0 where it stands in the shop's files."""

    id: int
    name: str
    text: str
    tags: list[str]
    resolves: bool


class ReadyReplies(BaseModel):
    """What can be answered here, by name."""

    replies: list[ReadyView]


def routes(api: Api, read: Any, settings: Any) -> APIRouter:
    """`/api/v1/canned…`, and `/api/v1/conversations/{id}/canned`"""
    router = router_of("canned")
    _kept(router, api, read, settings)
    filled = router_of("conversations/{conversation_id}/canned")

    @filled.get("", summary="List canned replies, filled in for a customer")
    async def list_ready(caller: read, conversation_id: Id) -> ReadyReplies:
        """Those that show an order only where the customer has one. Send the `text`, and the `id`
        as `canned`, to `…/messages`."""
        found = await api.db.read(_ready, caller, conversation_id, api.voice)
        api.saw(caller, conversation_id)
        return found

    whole = APIRouter()
    whole.include_router(router)
    whole.include_router(filled)
    return whole


def _kept(router: APIRouter, api: Api, read: Any, settings: Any) -> None:
    @router.get("", summary="List canned replies")
    async def list_replies(_caller: read) -> Replies:
        return await api.db.read(_replies)

    @router.post("", status_code=201, summary="Write a canned reply")
    async def write(caller: settings, reply: Reply) -> ReplyView:
        """One with the same name and language is replaced. 409 says what is wrong with it."""
        return await api.db.transact(_write, caller, api.voice, reply)

    @router.put("/{canned_id}", summary="Change a canned reply")
    async def change(caller: settings, canned_id: Id, reply: Reply) -> ReplyView:
        """Under another name or language it gets another `id`."""
        return await api.db.transact(_change, caller, api.voice, canned_id, reply)

    @router.delete("/{canned_id}", status_code=204, summary="Delete a canned reply")
    async def delete(caller: settings, canned_id: Id) -> None:
        await api.db.transact(_delete, caller, canned_id)


def _replies(session: Session) -> Replies:
    return Replies(replies=[_view(one) for one in canned_replies(session)])


def _ready(session: Session, key: str, conversation_id: int, voice: Voice) -> ReadyReplies:
    conversation = known(session, conversation_id)
    found = canned.ready(session, voice, conversation, agent_seen_as(session, key))
    return ReadyReplies(
        replies=[
            ReadyView(
                id=one.id,
                name=one.name,
                text=one.text,
                tags=list(one.tags),
                resolves=one.resolves,
            )
            for one in found
        ]
    )


def _write(session: Session, key: str, voice: Voice, reply: Reply) -> ReplyView:
    return _view(canned.write(session, as_key(session, key), voice, **reply.model_dump()))


def _change(session: Session, key: str, voice: Voice, number: int, reply: Reply) -> ReplyView:
    agent, wanted = as_key(session, key), reply.model_dump()
    before = canned.kept(session, number)
    return _view(canned.write(session, agent, voice, instead_of=before.id, **wanted))


def _delete(session: Session, key: str, canned_id: int) -> None:
    canned.delete(session, as_key(session, key), canned_id)


def _view(row: CannedReply) -> ReplyView:
    return ReplyView(**row.model_dump(include=set(ReplyView.model_fields)))
