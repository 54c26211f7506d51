"""The agents' API: conversations, the queue, and who is in charge."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, Literal, ParamSpec

from fastapi import APIRouter, Query
from pydantic import StringConstraints, model_validator
from sqlmodel import Session

from bot.core.errors import NotFound
from bot.core.messages import State
from bot.escalation import agents, remarks
from bot.escalation.remarks import MAX_TAG
from bot.escalation.transfers import MAX_REASON, Transfers
from bot.web.api.api import Api, as_key, do, known, router_of
from bot.web.api.kinds import PAGE, Body, Filled, Id, Line, Moment, Name, Plain
from bot.web.api.views import Conversations, ConversationView, Views, view_of
from storage.models.conversations import Conversation, conversations_in
from storage.models.desk import count_in, recently_resolved

P = ParamSpec("P")
TagName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TAG), Filled]


class Destination(Body):
    """Where a conversation goes: to an agent, by their login, or to a team."""

    agent: Name | None = None
    team: Name | None = None
    reason: Annotated[str, StringConstraints(max_length=MAX_REASON), Plain] = ""

    @model_validator(mode="after")
    def _is_one_place(self) -> "Destination":
        if (self.agent is None) == (self.team is None):
            raise ValueError("give either agent or team")
        return self


class Tag(Body):
    """A word on a conversation."""

    tag: TagName


class Link(Body):
    """Whose a chat is."""

    order: Annotated[str, StringConstraints(min_length=1, max_length=64), Filled]


class Snooze(Body):
    """Until when a conversation is put off."""

    until: Moment


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/conversations…`"""
    router = router_of("conversations")
    _lists(router, api, read)
    _charge(router, api, write)
    _handing_on(router, api, write)
    _keeping(router, api, write)
    return router


def _lists(router: APIRouter, api: Api, read: Any) -> None:
    @router.get("", summary="List conversations")
    async def list_conversations(
        _caller: read,
        state: Literal["waiting", "open", "resolved"] = "waiting",
        team: Annotated[Line | None, Query(description="One team's alone.")] = None,
    ) -> Conversations:
        """At most 200: the queue in its order; of the resolved ones the latest first."""
        return await api.db.read(_list, state, team)

    @router.get("/{conversation_id}", summary="Read a conversation's state")
    async def show(_caller: read, conversation_id: Id) -> ConversationView:
        return await api.db.read(_one, conversation_id)


def _charge(router: APIRouter, api: Api, write: Any) -> None:
    @router.post("/take-next", summary="Take over whoever has waited longest")
    async def take_next(caller: write) -> ConversationView:
        """404 when nobody waits."""
        return await api.db.transact(_take_next, caller)

    @router.post("/{conversation_id}/take", summary="Take over")
    async def take(caller: write, conversation_id: Id) -> ConversationView:
        """Of two who take at once, one succeeds and the other gets 409."""
        return await api.db.transact(_deed, caller, agents.take, conversation_id)

    @router.post("/{conversation_id}/take-over", summary="Take over from a colleague")
    async def take_over(caller: write, conversation_id: Id) -> ConversationView:
        """Whoever is in charge, and however many the caller has."""
        return await api.db.transact(_deed, caller, agents.take_over, conversation_id)

    @router.post("/{conversation_id}/release", summary="Give back to the queue")
    async def release(caller: write, conversation_id: Id) -> ConversationView:
        """It waits at the place that it had."""
        return await api.db.transact(_deed, caller, agents.release, conversation_id)

    @router.post("/{conversation_id}/resolve", summary="Resolve")
    async def resolve(caller: write, conversation_id: Id) -> ConversationView:
        """The bot returns; the customer's next message opens a new conversation."""
        return await api.db.transact(_deed, caller, agents.resolve, conversation_id)

    @router.post("/{conversation_id}/link", summary="Link to an order's customer")
    async def link(caller: write, conversation_id: Id, wish: Link) -> ConversationView:
        """What is known of the chat and of the order's customer is one customer's from now on."""
        return await api.db.transact(_deed, caller, agents.link, conversation_id, wish.order)

    @router.post("/{conversation_id}/unlink", summary="Unlink from the customer")
    async def unlink(caller: write, conversation_id: Id) -> ConversationView:
        """The chat was taken for a customer's whose it is not: it becomes nobody's again."""
        return await api.db.transact(_deed, caller, agents.unlink, conversation_id)


def _handing_on(router: APIRouter, api: Api, write: Any) -> None:
    @router.post("/{conversation_id}/transfer", summary="Transfer to an agent or a team")
    async def transfer(
        caller: write, conversation_id: Id, destination: Destination
    ) -> ConversationView:
        """The agent is in charge at once; for a team it waits, at the place of its waiting time."""
        return await api.db.transact(_transfer, caller, conversation_id, api.transfers, destination)


def _keeping(router: APIRouter, api: Api, write: Any) -> None:
    @router.post("/{conversation_id}/snooze", summary="Put off")
    async def snooze(caller: write, conversation_id: Id, wish: Snooze) -> ConversationView:
        """It comes back at that moment, or when the customer writes."""
        return await api.db.transact(_deed, caller, remarks.snooze, conversation_id, wish.until)

    @router.post("/{conversation_id}/wake", summary="Take up what was put off")
    async def wake(caller: write, conversation_id: Id) -> ConversationView:
        return await api.db.transact(_deed, caller, remarks.snooze, conversation_id, None)

    @router.post("/{conversation_id}/tags", summary="Add a tag")
    async def tag(caller: write, conversation_id: Id, wanted: Tag) -> ConversationView:
        """One that is there stays there."""
        return await api.db.transact(_deed, caller, remarks.tag, conversation_id, wanted.tag)

    @router.delete("/{conversation_id}/tags", summary="Remove a tag")
    async def untag(
        caller: write, conversation_id: Id, tag: Annotated[TagName, Query()]
    ) -> ConversationView:
        """One that is not there stays away."""
        return await api.db.transact(_deed, caller, remarks.untag, conversation_id, tag)


def _list(session: Session, state: str, team: str | None) -> Conversations:
    teams = None if team is None else [team]
    if state == State.RESOLVED:
        found = recently_resolved(session, PAGE, teams)
    else:
        found = conversations_in(session, [state], PAGE, teams)
    views = Views(session, [one.id or 0 for one, _, _ in found])
    listed = [views.conversation(*one) for one in found]
    return Conversations(conversations=listed, total=count_in(session, state, teams))


def _one(session: Session, conversation_id: int) -> ConversationView:
    return view_of(session, known(session, conversation_id))


def _take_next(session: Session, key: str) -> ConversationView:
    taken = agents.take_next(session, as_key(session, key))
    if taken is None:
        raise NotFound("现在没有人排队。", "Nobody is waiting.")
    return view_of(session, taken)


def _deed(
    session: Session,
    key: str,
    deed: Callable[Concatenate[Session, int, int, P], object],
    conversation_id: int,
    *args: P.args,
    **kwargs: P.kwargs,
) -> ConversationView:
    """Let the key's agent do something; what the conversation is then."""
    do(session, key, deed, conversation_id, *args, **kwargs)
    session.flush()
    return _one(session, conversation_id)


def _transfer(
    session: Session, key: str, conversation_id: int, transfers: Transfers, to: Destination
) -> ConversationView:
    deed, name = (
        (transfers.to_team, to.team) if to.team is not None else (transfers.to_agent, to.agent)
    )
    moved: Conversation = do(session, key, deed, conversation_id, name or "", to.reason)
    return view_of(session, moved)
