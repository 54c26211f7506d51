"""Shows agents the files that customers sent."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from sqlmodel import Session

from bot.core.roles import Right
from bot.desk.passes import Pass, Passes
from bot.desk.rights import BareRoute, login_of, require, seen
from bot.inbox.kept import Kept, kept
from storage.db import Database
from storage.models.attachments import conversation_with
from storage.models.audit import Look, Origin
from storage.trail import Trail


def files(
    db: Database, passes: Passes, folder: Path, trail: Trail, *, own_teams_only: bool = False
) -> APIRouter:
    """`/desk/files/{number}`, for agents whose login still stands and who see the conversation;
    `trail` is told who looked."""
    router = APIRouter(include_in_schema=False, route_class=BareRoute)

    def find(session: Session, login: Pass, number: int) -> tuple[Kept, Look]:
        agent = require(session, login, Right.LOOK)
        look = Look(f"agent:{agent.id}", "open_file", f"file:{number}", Origin.DESK)
        found = kept(session, number, folder)
        conversation = conversation_with(session, number)
        seen(session, agent, conversation, own_only=own_teams_only)
        return found, look

    @router.get("/desk/files/{number}")
    async def show(request: Request, number: Annotated[int, InPath(ge=1, lt=1 << 62)]) -> Response:
        found, look = await db.read(find, login_of(request, passes), number)
        trail.looked(look)
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)

    return router
