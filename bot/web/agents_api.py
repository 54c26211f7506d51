"""The agents' API: what the desk does, for programs and for desks of one's own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Session

from bot.config import ApiKey
from bot.core.errors import NotFound
from bot.core.messages import MAX_TEXT, State
from bot.escalation import agents
from bot.inbox.kept import kept
from bot.web import problems
from bot.web.agents_views import (
    Conversations,
    ConversationView,
    Messages,
    MessageView,
    Notes,
    NoteView,
    conversation_view,
    message_view,
    note_view,
)
from bot.web.keys import Bearer, key_for
from bot.web.problem_route import ProblemRoute
from storage.db import Database
from storage.models.agents import Agent, agent_by_login
from storage.models.attachments import attachments_of
from storage.models.audit import record
from storage.models.conversations import (
    Conversation,
    conversation_messages,
    conversations_in,
    notes_of,
)
from storage.models.customers import Customer, Identity
from storage.models.desk import agent_names, count_in, recently_resolved
from storage.models.sla import alerts
from storage.models.upsert import insert_or_ignore

PAGE = 200
"""Most conversations or messages in one answer."""

P = ParamSpec("P")
T = TypeVar("T")


class Words(BaseModel):
    """Something to say."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)
    ]


def agent_for_key(session: Session, name: str) -> Agent:
    """Who acts when the API key `name` does; made on first use, and never able to log in."""
    login = f"key:{name}"
    # "!" is no password's hash.
    insert_or_ignore(session, Agent(login=login, name=name, password_hash="!", active=False))  # noqa: S106
    agent = agent_by_login(session, login)
    assert agent is not None
    return agent


def agents_router(db: Database, keys: Sequence[ApiKey], kept_in: Path) -> APIRouter:
    """`/api/v1/conversations…`, for callers with one of `keys` that has the scope `desk`.

    `kept_in` is the folder of customers' files.
    """
    check = key_for(keys, "desk")

    def caller(bearer: Bearer) -> str:
        return check(bearer).name

    router = APIRouter(
        prefix="/api/v1/conversations",
        tags=["agents"],
        route_class=ProblemRoute,
        responses=problems.documented(
            _401="No key, or an unknown one.",
            _403="The key lacks the scope `desk`.",
            _404="There is no such conversation.",
            _409="Not now: somebody else has it, it is resolved, or it is not linked.",
            _422="Not as documented; `errors` names each field.",
            _503="The database cannot serve just now: try again after `Retry-After`.",
        ),
    )
    key = Annotated[str, Depends(caller)]
    _reading(router, db, key, kept_in)
    _writing(router, db, key)
    return router


def _reading(router: APIRouter, db: Database, key: Any, kept_in: Path) -> None:
    @router.get("/attachments/{attachment_id}", summary="Open a customer's file")
    async def open_file(
        _caller: key, attachment_id: Annotated[int, InPath(ge=1, lt=1 << 62)]
    ) -> FileResponse:
        """The file; only images are meant to be shown in place."""
        found = await db.read(kept, attachment_id, kept_in)
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)

    @router.get("", summary="List conversations")
    async def list_conversations(
        _caller: key, state: Literal["waiting", "open", "resolved"] = "waiting"
    ) -> Conversations:
        """At most 200: the longest waiting first; of the resolved ones the latest first."""
        return await db.read(_list, state)

    @router.get("/{conversation_id}/messages", summary="Read messages")
    async def list_messages(
        _caller: key, conversation_id: int, after: Annotated[int, Query(ge=0)] = 0
    ) -> Messages:
        """At most 200 messages with a `seq` greater than `after`, oldest first."""
        return await db.read(_messages, conversation_id, after)

    @router.get("/{conversation_id}/notes", summary="Read internal notes")
    async def list_notes(_caller: key, conversation_id: int) -> Notes:
        return await db.read(_notes, conversation_id)


def _writing(router: APIRouter, db: Database, key: Any) -> None:
    @router.post("/{conversation_id}/messages", status_code=201, summary="Answer the customer")
    async def reply(caller: key, conversation_id: int, words: Words) -> MessageView:
        """The caller takes the conversation by answering."""
        return await db.transact(_reply, caller, conversation_id, words.text)

    @router.post("/{conversation_id}/take", summary="Take over")
    async def take(caller: key, conversation_id: int) -> ConversationView:
        """Of two who take at once, one succeeds and the other gets 409."""
        return await db.transact(_take, caller, conversation_id)

    @router.post("/{conversation_id}/resolve", summary="Resolve")
    async def resolve(caller: key, conversation_id: int) -> ConversationView:
        """The bot returns; the customer's next message opens a new conversation."""
        return await db.transact(_resolve, caller, conversation_id)

    @router.post("/{conversation_id}/unlink", summary="Unlink from the customer")
    async def unlink(caller: key, conversation_id: int) -> ConversationView:
        """The chat was taken for a customer's whose it is not: it becomes nobody's again."""
        return await db.transact(_unlink, caller, conversation_id)

    @router.post("/{conversation_id}/notes", status_code=201, summary="Write an internal note")
    async def note(caller: key, conversation_id: int, words: Words) -> NoteView:
        """Colleagues see it at the desk; the customer never does."""
        return await db.transact(_note, caller, conversation_id, words.text)


def _list(session: Session, state: str) -> Conversations:
    if state == State.RESOLVED:
        found = recently_resolved(session, PAGE)
    else:
        found = conversations_in(session, [state], PAGE)
    names = agent_names(session)
    targets = alerts(session, [one.id for one, _, _ in found if one.id is not None])
    listed = [conversation_view(names, targets, *one) for one in found]
    return Conversations(conversations=listed, total=count_in(session, state))


def _messages(session: Session, conversation_id: int, after: int) -> Messages:
    _known(session, conversation_id)
    names = agent_names(session)
    found = conversation_messages(session, conversation_id, after, PAGE)
    carried = attachments_of(session, [one.id for one in found if one.id is not None])
    views = [message_view(names, one, carried.get(one.id or 0, ())) for one in found]
    return Messages(messages=views)


def _notes(session: Session, conversation_id: int) -> Notes:
    _known(session, conversation_id)
    names = agent_names(session)
    return Notes(notes=[note_view(names, one) for one in notes_of(session, conversation_id)])


def _reply(session: Session, key: str, conversation_id: int, text: str) -> MessageView:
    message = _do(session, key, "reply", agents.reply, conversation_id, text)
    return message_view(agent_names(session), message)


def _take(session: Session, key: str, conversation_id: int) -> ConversationView:
    return _whole(session, _do(session, key, "take", agents.take, conversation_id))


def _resolve(session: Session, key: str, conversation_id: int) -> ConversationView:
    return _whole(session, _do(session, key, "resolve", agents.resolve, conversation_id))


def _unlink(session: Session, key: str, conversation_id: int) -> ConversationView:
    return _whole(session, _do(session, key, "unlink", agents.unlink, conversation_id))


def _note(session: Session, key: str, conversation_id: int, text: str) -> NoteView:
    note = _do(session, key, "note", agents.note, conversation_id, text)
    return note_view(agent_names(session), note)


def _do(
    session: Session,
    key: str,
    action: str,
    deed: Callable[Concatenate[Session, int, int, P], T],
    conversation_id: int,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Let the key's agent act, and write down that it was the key."""
    agent = agent_for_key(session, key)
    assert agent.id is not None
    done = deed(session, conversation_id, agent.id, *args, **kwargs)
    record(session, f"key:{key}", action, f"conversation:{conversation_id}")
    return done


def _known(session: Session, conversation_id: int) -> None:
    if session.get(Conversation, conversation_id) is None:
        raise NotFound("没有这个会话。", "There is no such conversation.")


def _whole(session: Session, conversation: Conversation) -> ConversationView:
    identity = session.get(Identity, conversation.identity_id)
    assert identity is not None
    customer = session.get(Customer, identity.customer_id)
    assert customer is not None
    targets = alerts(session, [conversation.id or 0])
    return conversation_view(agent_names(session), targets, conversation, identity, customer)
