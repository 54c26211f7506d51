"""The agents' API: what was said, and answering."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints
from sqlmodel import Session

from bot.escalation import agents, canned, second_look
from bot.web.api.api import Api, do, known, router_of
from bot.web.api.kinds import PAGE, After, Id, Words
from bot.web.api.views import Messages, MessageView, message_view
from storage.models.attachments import attachments_of
from storage.models.conversations import Message, conversation_messages
from storage.models.deliveries import stopped_of
from storage.models.desk import agent_names
from storage.models.inbound import Receipt, take, taken_as


class Answer(Words):
    """What is said to the customer. What belongs to the canned reply of which it was made, is done
    with it: its tags, and resolving."""

    id: Annotated[
        str,
        StringConstraints(pattern=r"^[\w-]{0,64}$"),
        Field(description="Your own; sent again with the same one, it is said once."),
    ] = ""
    canned: Annotated[int, Field(ge=0, lt=1 << 62, description="The reply's `id`; 0: none.")] = 0


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/conversations/{id}/messages…`"""
    router = router_of("conversations/{conversation_id}/messages")

    @router.get("", summary="Read messages")
    async def list_messages(caller: read, conversation_id: Id, after: After = 0) -> Messages:
        """At most 200 messages with a `seq` greater than `after`, oldest first."""
        found = await api.db.read(_messages, conversation_id, after)
        api.saw(caller, conversation_id)
        return found

    @router.post("", status_code=201, summary="Answer the customer")
    async def reply(caller: write, conversation_id: Id, answer: Answer) -> MessageView:
        """The caller takes the conversation by answering. An `id` that came before gets the same
        message, and nothing is said again."""
        return await api.db.transact(_reply, caller, conversation_id, answer)

    @router.post("/{seq}/retry", status_code=204, summary="Send once more")
    async def retry(caller: write, conversation_id: Id, seq: Id) -> None:
        """A message whose `delivery` is held, failed or uncertain; 409 for any other."""
        await api.db.transact(do, caller, second_look.send_again, conversation_id, seq)

    @router.post("/{seq}/wrong", status_code=204, summary="The bot's answer is wrong")
    async def wrong(caller: write, conversation_id: Id, seq: Id) -> None:
        """The question is kept as a gap of the FAQ."""
        await api.db.transact(do, caller, second_look.was_wrong, conversation_id, seq)

    return router


def _messages(session: Session, conversation_id: int, after: int) -> Messages:
    known(session, conversation_id)
    names = agent_names(session)
    found = conversation_messages(session, conversation_id, after, PAGE)
    numbers = [one.id or 0 for one in found]
    carried, stopped = attachments_of(session, numbers), stopped_of(session, numbers)
    views = [
        message_view(names, one, carried.get(one.id or 0, ()), stopped.get(one.id or 0))
        for one in found
    ]
    return Messages(messages=views)


def _reply(session: Session, key: str, conversation_id: int, answer: Answer) -> MessageView:
    source = f"api:{key}"
    receipt = take(session, source, answer.id) if answer.id else None
    if answer.id and receipt is None:
        said = session.get_one(Message, taken_as(session, source, answer.id))
        return message_view(agent_names(session), said)
    message = do(session, key, agents.reply, conversation_id, answer.text)
    if answer.canned:
        do(session, key, canned.sent, conversation_id, answer.canned)
    if receipt is not None:
        session.get_one(Receipt, receipt).message_id = message.id
    return message_view(agent_names(session), message)
