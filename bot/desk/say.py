"""Takes what agents write; however often the browser sends it, it is said once."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from bot.core.errors import NotAllowed, Unavailable, XiaoerError
from bot.core.messages import Attachment, State
from bot.core.roles import Right
from bot.desk.gate import cookie_of
from bot.desk.login import language_of
from bot.desk.passes import Pass, Passes
from bot.desk.rights import Forbidden, LoggedOut, require, seen
from bot.escalation import agents, canned
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent
from storage.models.audit import Origin, acting
from storage.models.conversations import locked_conversation
from storage.models.inbound import Receipt, take

_MAX_SENT = 100_000
"""Longest text that is looked at, in characters; what is too long for a message is told apart."""


class Said(BaseModel):
    """What the page sends. `id` is the browser's own; with the same one nothing happens twice.

    `sure` means that the agent knows that the customer is with the bot. `canned` is the ready
    answer that it was made of, 0 for none. `token` is the page's.
    """

    model_config = ConfigDict(extra="forbid")

    conversation: Annotated[int, Field(ge=1, lt=1 << 62)]
    id: Annotated[str, StringConstraints(pattern=r"^[\w-]{16,64}$")]
    text: Annotated[str, StringConstraints(max_length=_MAX_SENT)]
    note: bool
    sure: bool = False
    canned: Annotated[int, Field(ge=0, lt=1 << 62)] = 0
    token: str


class WithTheBot(NotAllowed):
    """The customer is talking with the bot: whoever writes now takes them away from it."""

    def __init__(self) -> None:
        super().__init__(
            "客人正在和店小二聊。要接手的话，请再按一次发送。",
            "The customer is with Xiaoer just now. To step in, press Send once more.",
        )


def say(session: Session, login: Pass, said: Said, *, own_teams_only: bool = False) -> None:
    """Send a reply or keep a note, unless it came before.

    Raises `LoggedOut`, `Forbidden`, `WithTheBot`, and what the agents' deeds raise.
    """
    text = said.text.replace("\0", "")  # PostgreSQL stores no NUL
    agent = require(session, login, Right.SERVE)
    assert agent.id is not None
    acting(session, Origin.DESK)
    seen(session, agent, said.conversation, own_only=own_teams_only)
    if said.note:
        if take(session, f"desk:{agent.id}", said.id) is not None:
            agents.note(session, said.conversation, agent.id, text)
    elif reply(session, agent, said, text) and said.canned:
        canned.sent(session, said.conversation, agent.id, said.canned)


class Told(Protocol):
    """What the browser says of a reply: see `Said`."""

    conversation: int
    id: str
    sure: bool


def reply(
    session: Session, agent: Agent, told: Told, text: str, files: Sequence[Attachment] = ()
) -> bool:
    """Send `text` and `files` to the customer; False when that came before. Raises as `say`."""
    assert agent.id is not None
    receipt = take(session, f"desk:{agent.id}", told.id)
    if receipt is None:
        return False
    conversation = locked_conversation(session, told.conversation)
    if conversation is not None and conversation.state == State.BOT and not told.sure:
        raise WithTheBot
    said = agents.reply(session, told.conversation, agent.id, text, attachments=files)
    session.get_one(Receipt, receipt).message_id = said.id
    return True


def sayings(
    db: Database, voice: Voice, passes: Passes, *, own_teams_only: bool = False
) -> APIRouter:
    """`POST /desk/say`: 200 when it is stored; otherwise `detail` says why not.

    `sure` in an answer asks the agent to confirm. 401 means that the login has ended, 403 that
    the agent may only look, 503 that
    the same thing is to be sent again later.
    """
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/say")
    async def receive(request: Request, said: Said) -> JSONResponse:
        language = language_of(request, voice.words.shop)
        cookie = cookie_of(request.headers)
        login = passes.read(cookie)
        if login is None or not passes.is_ours(said.token, cookie):
            return refusal(LoggedOut(), language)
        try:
            await db.transact(say, login, said, own_teams_only=own_teams_only)
        except XiaoerError as error:
            return refusal(error, language)
        return JSONResponse({})

    return router


def refusal(error: XiaoerError, language: str) -> JSONResponse:
    """Why it is not stored, for the page to show."""
    status = {LoggedOut: 401, Forbidden: 403, Unavailable: 503}.get(type(error), 409)
    asks = isinstance(error, WithTheBot)
    return JSONResponse({"detail": error.text(language), "sure": asks}, status)
