"""Takes what agents write; however often the browser sends it, it is said once."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from bot.core.errors import NotAllowed, Unavailable, XiaoerError
from bot.core.messages import State
from bot.desk.gate import cookie_of
from bot.desk.login import language_of
from bot.desk.passes import Pass, Passes
from bot.desk.views import LoggedOut, require_agent
from bot.escalation import agents
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.conversations import locked_conversation
from storage.models.inbound import Receipt, take

_MAX_SENT = 100_000
"""Longest text that is looked at, in characters; what is too long for a message is told apart."""


class Said(BaseModel):
    """What the page sends. `id` is the browser's own; with the same one nothing happens twice.

    `sure` means that the agent knows that the customer is with the bot. `token` is the page's.
    """

    model_config = ConfigDict(extra="forbid")

    conversation: Annotated[int, Field(ge=1, lt=1 << 62)]
    id: Annotated[str, StringConstraints(pattern=r"^[\w-]{16,64}$")]
    text: Annotated[str, StringConstraints(max_length=_MAX_SENT)]
    note: bool
    sure: bool = False
    token: str


class WithTheBot(NotAllowed):
    """The customer is talking with the bot: whoever writes now takes them away from it."""

    def __init__(self) -> None:
        super().__init__(
            "客人正在和店小二聊。要接手的话，请再按一次发送。",
            "The customer is with Xiaoer just now. To step in, press Send once more.",
        )


def say(session: Session, login: Pass, said: Said) -> None:
    """Send a reply or keep a note, unless it came before.

    Raises `LoggedOut`, `WithTheBot`, and what the agents' deeds raise.
    """
    agent = require_agent(session, login)
    assert agent.id is not None
    receipt = take(session, f"desk:{agent.id}", said.id)
    if receipt is None:
        return
    text = said.text.replace("\0", "")  # PostgreSQL stores no NUL
    if said.note:
        agents.note(session, said.conversation, agent.id, text)
        return
    conversation = locked_conversation(session, said.conversation)
    if conversation is not None and conversation.state == State.BOT and not said.sure:
        raise WithTheBot
    reply = agents.reply(session, said.conversation, agent.id, text)
    session.get_one(Receipt, receipt).message_id = reply.id


def sayings(db: Database, voice: Voice, passes: Passes) -> APIRouter:
    """`POST /desk/say`: 200 when it is stored; otherwise `detail` says why not.

    `sure` in an answer asks the agent to confirm. 401 means that the login has ended, 503 that
    the same thing is to be sent again later.
    """
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/say")
    async def receive(request: Request, said: Said) -> JSONResponse:
        language = language_of(request, voice.words.shop)
        cookie = cookie_of(request.headers)
        login = passes.read(cookie)
        if login is None or not passes.is_ours(said.token, cookie):
            return _refusal(401, LoggedOut(), language)
        try:
            await db.transact(say, login, said)
        except XiaoerError as error:
            status = {LoggedOut: 401, Unavailable: 503}.get(type(error), 409)
            return _refusal(status, error, language)
        return JSONResponse({})

    return router


def _refusal(status: int, error: XiaoerError, language: str) -> JSONResponse:
    asks = isinstance(error, WithTheBot)
    return JSONResponse({"detail": error.text(language), "sure": asks}, status)
