"""Gives customers in the web chat the files that agents sent them, by the links they were told."""

from pathlib import Path
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from sqlmodel import Session

from bot.channels.webchat import Sessions
from bot.core.errors import NotFound, Unavailable
from bot.core.messages import Address
from bot.inbox.kept import Kept, kept
from storage import live
from storage.db import Database
from storage.models.attachments import Attached, Stage
from storage.models.customers import Identity

PATIENCE_SECONDS = 25.0
"""How long a file is waited for that comes from another platform."""


def chat_files(db: Database, sessions: Sessions, folder: Path) -> APIRouter:
    """`/chat/files/{number}?key=…`, for whoever has the file's key: the session of its chat."""
    router = APIRouter(include_in_schema=False)

    @router.get("/chat/files/{number}")
    async def show(
        number: Annotated[int, InPath(ge=1, lt=1 << 62)],
        key: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        try:
            address = await db.read(_chat_of, number)
            if not sessions.opens(key, address.chat, number):
                return Response(status_code=404)
            found = await _arrived(db, address, number, folder)
        except NotFound:
            return Response(status_code=404)
        except Unavailable:
            return Response(status_code=503)
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)

    return router


async def _arrived(db: Database, address: Address, number: int, folder: Path) -> Kept:
    """The file, which may still be on its way to us. Raises `NotFound`."""
    until = monotonic() + PATIENCE_SECONDS
    with db.live.listen(live.chat(address)) as signal:
        while await db.read(_is_coming, number) and (left := until - monotonic()) > 0:
            await signal.wait(left)
    return await db.read(kept, number, folder)


def _chat_of(session: Session, number: int) -> Address:
    found = session.get(Attached, number)
    if found is None:
        raise NotFound("没有这个文件。", "There is no such file.")
    return session.get_one(Identity, found.identity_id).address


def _is_coming(session: Session, number: int) -> bool:
    return session.get_one(Attached, number).stage == Stage.WAITING
