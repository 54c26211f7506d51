"""POST /telegram/{name}: where Telegram calls us with one update each."""

import json
from collections.abc import Sequence

import structlog
from fastapi import APIRouter, Request, Response

from bot.channels.telegram.account import TelegramBot
from bot.core.errors import Unavailable, traced
from bot.inbox.bodies import body_of
from bot.web import problems

SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the header's name)
MAX_BYTES = 1 << 20
"""Longest update that is read; Telegram's own are far below."""

log = structlog.get_logger()


def telegram_router(bots: Sequence[TelegramBot]) -> APIRouter:
    """The webhooks of those bots that use one.

    200 after the commit, and for what has no effect; 401 without the bot's secret, before the body
    is read; 404 for other names; 413 and 400 for what is no update; 503 while nothing can be
    stored, so that Telegram calls again.
    """
    router = APIRouter(include_in_schema=False)
    by_name = {bot.name: bot for bot in bots if bot.settings.mode == "webhook"}

    @router.post("/telegram/{name}")
    async def take(name: str, request: Request) -> Response:
        bot = by_name.get(name)
        if bot is None:
            return Response(status_code=404)
        if not bot.knows(request.headers.get(SECRET, "")):
            return Response(status_code=401)
        body = await body_of(request.stream(), MAX_BYTES)
        if body is None:
            return Response(status_code=413)
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if not isinstance(update, dict):
            return Response(status_code=400)
        try:
            await bot.dispatch.take(update)
        except Unavailable as error:
            return problems.unavailable(error).response()
        except Exception as error:  # Telegram comes again; the log must not quote the customer
            log.error("an update failed", bot=name, error=traced(error))
            return Response(status_code=500)
        return Response(status_code=200)

    return router
