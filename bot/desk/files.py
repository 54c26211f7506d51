"""Shows agents the files that customers sent."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from sqlmodel import Session

from bot.core.errors import NotFound, Unavailable
from bot.desk.gate import cookie_of
from bot.desk.passes import Pass, Passes
from bot.desk.views import LoggedOut, require_agent
from bot.inbox.kept import Kept, kept
from storage.db import Database


def files(db: Database, passes: Passes, folder: Path) -> APIRouter:
    """`/desk/files/{number}`, for agents whose login still stands."""
    router = APIRouter(include_in_schema=False)

    def find(session: Session, login: Pass, number: int) -> Kept:
        require_agent(session, login)
        return kept(session, number, folder)

    @router.get("/desk/files/{number}")
    async def show(request: Request, number: Annotated[int, InPath(ge=1, lt=1 << 62)]) -> Response:
        login = passes.read(cookie_of(request.headers))
        if login is None:
            return Response(status_code=401)
        try:
            found = await db.read(find, login, number)
        except LoggedOut:
            return Response(status_code=401)
        except NotFound:
            return Response(status_code=404)
        except Unavailable:
            return Response(status_code=503)
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)

    return router
