"""The agents' API: files, those of customers to be opened and one's own to be sent."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from sqlmodel import Session
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from bot.core.messages import Attachment
from bot.escalation import agents
from bot.escalation.sent_files import SentFiles, Upload
from bot.inbox.kept import kept
from bot.web import problems
from bot.web.api.api import Api, do, known, router_of
from bot.web.api.kinds import Id
from bot.web.api.views import MessageView, message_view
from bot.web.problems import ProblemError
from storage.models.attachments import attachments_of
from storage.models.desk import agent_names

_ROOM = 10_000
"""How much may be around the file in a body, in bytes: boundaries and headers."""
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "additionalProperties": False,
                }
            }
        },
    }
}


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/conversations/attachments/{id}` and `…/{id}/files`"""
    router = router_of("conversations")

    @router.get(
        "/attachments/{attachment_id}",
        summary="Open a file",
        response_class=FileResponse,
        responses={200: {"description": "The file.", "content": {"*/*": {}}}},
    )
    async def open_file(caller: read, attachment_id: Id) -> FileResponse:
        """The file; only images are meant to be shown in place."""
        found = await api.db.read(kept, attachment_id, api.files.folder)
        api.looked(caller, "open_file", f"file:{attachment_id}")
        return FileResponse(found.path, media_type=found.media_type, headers=found.headers)

    @router.post(
        "/{conversation_id}/files",
        status_code=201,
        summary="Send a file",
        openapi_extra=_FORM,
        responses=problems.documented(
            _413="The file is larger than `[files] max_megabytes`.",
            _415="Files of this kind are not sent.",
        ),
    )
    async def send_file(caller: write, conversation_id: Id, request: Request) -> MessageView:
        """One file, as `file` in a form. The caller takes the conversation by sending it. 409 also
        where the customer's channel does not take it; `detail` says what it takes."""
        upload = await _uploaded(request, api.files)
        post = partial(_send, key=caller, conversation_id=conversation_id)
        look = partial(known, conversation_id=conversation_id)
        sent = await api.files.send(upload, look, post)
        assert sent is not None
        return sent

    return router


async def _uploaded(request: Request, files: SentFiles) -> Upload:
    """The one file of a form. Raises `TooLarge` and the 422 of what is no such form."""
    body = await files.content(request.stream(), _ROOM)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _no_form("This is no form.")
    try:
        form = await MultiPartParser(request.headers, _once(body), max_files=1).parse()
    except MultiPartException as error:
        raise _no_form(error.message) from error
    try:
        file = form.get("file")
        if len(form.multi_items()) != 1 or not isinstance(file, UploadFile):
            raise _no_form("There is not just one file.")
        return Upload(file.filename or "", file.content_type or "", await file.read())
    finally:
        await form.close()


def _no_form(why: str) -> ProblemError:
    wanted = "Send one file, with its name, as `file` in multipart/form-data."
    return ProblemError(422, "Not valid", f"{why} {wanted}")


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _send(session: Session, file: Attachment, key: str, conversation_id: int) -> MessageView:
    said = do(session, key, agents.reply, conversation_id, file.kind.mark, attachments=[file])
    carried = attachments_of(session, [said.id]).get(said.id, ())
    return message_view(agent_names(session), said, carried)
