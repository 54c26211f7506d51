"""The agents' API: finding what was said, in all conversations."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Session

from bot.core.messages import State
from bot.core.searching import MAX_QUERY, read_query
from bot.web.api.api import Api, router_of
from bot.web.api.kinds import Line, Moment, Plain
from bot.web.api.views import ConversationView, Views
from storage.models import search
from storage.models.conversations import Message
from storage.models.desk import agent_names
from storage.models.search import Cursor, Hit
from storage.models.search_engines import Filters


class PieceView(BaseModel):
    """A part of a text."""

    text: str
    found: bool = Field(description="Whether it is what was asked for.")


class HitView(BaseModel):
    """A message, or an internal note, which customers never see."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: Literal["message", "note"]
    id: int = Field(description="The message's `seq`, or the note's `id`.")
    author: Literal["customer", "bot", "agent", "system"] = Field(alias="from")
    agent: str | None
    pieces: list[PieceView] = Field(description="The text, in parts.")
    created_at: AwareDatetime
    conversation: ConversationView


class FoundView(BaseModel):
    """The newest hits first."""

    people: list[ConversationView] = Field(
        description="Conversations with those whose order or parcel number, name, or phone number "
        "(four last digits at least) was asked for; on the first page alone."
    )
    hits: list[HitView]
    next: str | None = Field(description="What `before` is for older hits; null: these were all.")


class Asked(BaseModel):
    """What to look for."""

    q: str
    before: str | None
    state: State | None
    channel: str | None
    agent: str | None
    since: AwareDatetime | None
    until: AwareDatetime | None


def routes(api: Api, read: Any) -> APIRouter:
    """`/api/v1/conversations/search`"""
    router = router_of("conversations")

    @router.get("/search", summary="Search messages and notes")
    async def find(_caller: read, asked: Annotated[Asked, Depends(_asked)]) -> FoundView:
        """At most 50 hits, the newest first. Words in any order, all of them in one message; Latin
        words also by their beginnings; phrases in quotes. What was just written is found a second
        later. With filters that few meet, a page may hold fewer hits although there is a `next`."""
        return await api.db.read(_found, asked)

    return router


def _asked(
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY), Plain],
    before: Annotated[str | None, Query(pattern=r"^\d{1,18}-\d{1,18}$")] = None,
    state: Literal["bot", "waiting", "open", "resolved"] | None = None,
    channel: Annotated[Line | None, Query(examples=["web"])] = None,
    agent: Annotated[Line | None, Query(description="Who is, or was, in charge.")] = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Asked:
    return Asked(
        q=q,
        before=before,
        state=State(state) if state else None,
        channel=channel,
        agent=agent,
        since=since,
        until=until,
    )


def _found(session: Session, asked: Asked) -> FoundView:
    query = read_query(asked.q)
    before = Cursor.read(asked.before) if asked.before else None
    found = search.search(session, query, _filters(session, asked), before)
    people = search.people(session, asked.q) if before is None else []
    ids = {one.conversation.id or 0 for one in found.hits} | {one.id or 0 for one, _, _ in people}
    views = Views(session, ids)
    return FoundView(
        people=[views.conversation(*entry) for entry in people],
        hits=[_hit_view(views, one, query.marked(one.said.text)) for one in found.hits],
        next=str(found.next) if found.next else None,
    )


def _filters(session: Session, asked: Asked) -> Filters:
    agent_id = None
    if asked.agent is not None:
        names = agent_names(session)
        agent_id = next((one for one, name in names.items() if name == asked.agent), 0)
    return Filters(asked.state, asked.channel, agent_id, asked.since, asked.until)


def _hit_view(views: Views, hit: Hit, pieces: list[tuple[str, bool]]) -> HitView:
    said = hit.said
    is_message = isinstance(said, Message)
    return HitView(
        kind="message" if is_message else "note",
        id=said.id,
        author=said.author if isinstance(said, Message) else "agent",
        agent=views.names.get(said.agent_id or 0),
        pieces=[PieceView(text=text, found=is_found) for text, is_found in pieces],
        created_at=said.created_at,
        conversation=views.conversation(hit.conversation, hit.identity, hit.customer),
    )
