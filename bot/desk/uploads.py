"""Takes the files that agents send; however often the browser sends one, it goes out once."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from bot.core.errors import XiaoerError
from bot.core.messages import Attachment
from bot.core.roles import Right
from bot.desk.gate import cookie_of
from bot.desk.login import language_of
from bot.desk.passes import Pass, Passes
from bot.desk.rights import LoggedOut, require, seen
from bot.desk.say import refusal, reply
from bot.escalation.sent_files import SentFiles, Upload
from bot.words.phrases import Voice
from storage.models.audit import Origin, acting
from storage.models.conversations import Conversation

TOKEN = "X-Desk-Token"  # noqa: S105 (the name of a header)
"""The header with the page's token, which no other site's page can send."""


class Sent(BaseModel):
    """What the page says of the file that is the request's body; `id` and `sure` as in `Said`."""

    model_config = ConfigDict(extra="forbid")

    conversation: Annotated[int, Field(ge=1, lt=1 << 62)]
    id: Annotated[str, StringConstraints(pattern=r"^[\w-]{16,64}$")]
    name: Annotated[str, StringConstraints(max_length=1000)] = ""
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes files from agents whose conversation it is, into `files`."""

    files: SentFiles
    own_teams_only: bool = False

    async def take(self, request: Request, login: Pass, sent: Sent) -> None:
        """Keep the file and have it sent, unless it came before. Raises what an agent is told."""
        content = await self.files.content(request.stream())
        upload = Upload(sent.name, request.headers.get("content-type", ""), content)
        look = partial(self._look, login=login, sent=sent)
        await self.files.send(upload, look, partial(_send, login=login, sent=sent))

    def _look(self, session: Session, login: Pass, sent: Sent) -> Conversation:
        agent = require(session, login, Right.SERVE)
        return seen(session, agent, sent.conversation, own_only=self.own_teams_only)


def _send(session: Session, file: Attachment, login: Pass, sent: Sent) -> bool:
    agent = require(session, login, Right.SERVE)
    acting(session, Origin.DESK)
    return reply(session, agent, sent, file.kind.mark, [file])


def uploads(taker: Uploads, voice: Voice, passes: Passes) -> APIRouter:
    """`POST /desk/files`: the file is the body, its type the Content-Type. Answers as `sayings`."""
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/files")
    async def receive(request: Request, sent: Annotated[Sent, Query()]) -> JSONResponse:
        language = language_of(request, voice.words.shop)
        cookie = cookie_of(request.headers)
        login = passes.read(cookie)
        if login is None or not passes.is_ours(request.headers.get(TOKEN, ""), cookie):
            return refusal(LoggedOut(), language)
        try:
            await taker.take(request, login, sent)
        except XiaoerError as error:
            return refusal(error, language)
        return JSONResponse({})

    return router
