"""/wechat/{name} of 微信客服 and WeCom apps: the platform says that there is news."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog
from fastapi import APIRouter, Request, Response

from bot.channels.wechat.envelope import MAX_BYTES, Forged
from bot.channels.wechat.library import Unreadable
from bot.core.errors import Unavailable, traced
from bot.web import problems
from bot.web.bodies import body_of

Endpoint = Callable[[Request], Awaitable[Response]]

log = structlog.get_logger()


class Callback(Protocol):
    """One account's address."""

    def greet(self, query: Mapping[str, str]) -> str:
        """The answer to the console's question whether the address is ours."""

    async def take(self, query: Mapping[str, str], body: bytes) -> None:
        """Persist what was said."""


def wechat_kf_router(callbacks: Mapping[str, Callback]) -> APIRouter:
    """The addresses of `callbacks`, by the accounts' names.

    200 after the commit; 403 for what the platform did not sign, 400 for what cannot be read, 413
    for what is too long; 503 while nothing can be stored, so that the platform calls again.
    """
    router = APIRouter(include_in_schema=False)
    for name, callback in callbacks.items():
        path = f"/wechat/{name}"
        router.add_api_route(path, _greeting(callback), methods=["GET"])
        router.add_api_route(path, _taking(name, callback), methods=["POST"])
    return router


def _greeting(callback: Callback) -> Endpoint:
    async def greet(request: Request) -> Response:
        try:
            return Response(callback.greet(dict(request.query_params)), media_type="text/plain")
        except Forged:
            return Response(status_code=403)
        except Unreadable:
            return Response(status_code=400)

    return greet


def _taking(name: str, callback: Callback) -> Endpoint:
    async def take(request: Request) -> Response:
        body = await body_of(request, MAX_BYTES)
        if body is None:
            return Response(status_code=413)
        try:
            await callback.take(dict(request.query_params), body)
        except Forged as error:
            log.warning("a callback is refused", account=name, why=str(error))
            return Response(status_code=403)
        except Unreadable:
            return Response(status_code=400)
        except Unavailable as error:
            return problems.unavailable(error).response()
        except Exception as error:  # the platform comes again; the log must not quote anybody
            log.error("a callback failed", account=name, error=traced(error))
            return Response(status_code=500)
        return Response("success", media_type="text/plain")

    return take
