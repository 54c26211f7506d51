"""GET and POST /wechat/{name}: where WeChat asks whether we are us, and tells what happens."""

from collections.abc import Mapping

import structlog
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from bot.channels.wechat.endpoint import SUCCESS, Answer, Callback, TooSlow
from bot.channels.wechat.envelope import MAX_BYTES, Forged
from bot.channels.wechat.library import Unreadable
from bot.core.errors import Unavailable, traced
from bot.inbox.bodies import body_of

log = structlog.get_logger()


def wechat_router(callbacks: Mapping[str, Callback]) -> APIRouter:
    """The addresses of `callbacks`, by the accounts' names.

    200 after the commit, with `success` or the reply; 404 for other names; 413, 403 and 400 for
    what is too long, not the platform's, or damaged; 503 while nothing can be stored, so that the
    platform calls again.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/wechat/{name}")
    async def greet(name: str, request: Request) -> Response:
        account = callbacks.get(name)
        if account is None:
            return Response(status_code=404)
        try:
            return _text(account.greet(request.query_params))
        except (Forged, Unreadable) as error:
            return _refused(name, error)

    @router.post("/wechat/{name}")
    async def take(name: str, request: Request) -> Response:
        account = callbacks.get(name)
        if account is None:
            return Response(status_code=404)
        body = await body_of(request.stream(), MAX_BYTES)
        if body is None:
            return Response(status_code=413)
        try:
            answer = await account.take(request.query_params, body)
        except (Forged, Unreadable) as error:
            return _refused(name, error)
        except (Unavailable, TooSlow):
            return Response(status_code=503)
        except Exception as error:  # it comes again; the log must not quote the customer
            log.error("a callback failed", account=name, error=traced(error))
            return Response(status_code=500)
        return _answered(answer)

    return router


def _answered(answer: Answer) -> Response:
    then = BackgroundTask(answer.then) if answer.then is not None else None
    kind = "text/plain" if answer.body == SUCCESS else "application/xml"
    return Response(answer.body, media_type=kind, background=then)


def _text(body: str) -> Response:
    return Response(body, media_type="text/plain")


def _refused(name: str, error: Exception) -> Response:
    """Nobody is told which: whoever asks is not the platform."""
    log.info("a callback is refused", account=name, reason=str(error))
    return Response(status_code=403 if isinstance(error, Forged) else 400)
