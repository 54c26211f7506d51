"""POST /sources/{name}: where Shopify and WooCommerce call us."""

import json
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response

from bot.config import Source
from bot.core import metrics
from bot.core.errors import Unavailable, traced
from bot.inbox.admission import Admission
from bot.inbox.bodies import body_of
from bot.shop.sources import webhooks
from bot.web import problems
from storage.db import Database

MAX_BYTES = 2 << 20
"""Longest body that is read: an order of hundreds of lines has less."""

log = structlog.get_logger()


def sources_router(
    db: Database, sources: Sequence[Source], admission: Admission | None = None
) -> APIRouter:
    """The webhooks of those sources that have one.

    200 after the commit, and for what has no effect; 401 when a byte is not as it was signed, 404
    for other names, 413 and 400 for what is no payload; 503 while nothing can be stored, so that
    it comes again.
    """
    door = admission or Admission()
    router = APIRouter(include_in_schema=False)
    by_name = {one.name: one for one in sources if one.kind != "json"}

    @router.post("/sources/{name}")
    async def take(name: str, request: Request) -> Response:
        source = by_name.get(name)
        if source is None:
            return Response(status_code=404)
        body = await body_of(request.stream(), MAX_BYTES)
        if body is None:
            return Response(status_code=413)
        if webhooks.is_ping(source, request.headers, body):
            return Response(status_code=200)
        if not webhooks.is_signed(source, request.headers, body):
            return Response(status_code=401)
        try:
            call = webhooks.delivery(source, request.headers, body, json.loads(body))
        except (ValueError, RecursionError):
            return Response(status_code=400)
        return await _taken(source, call)

    async def _taken(source: Source, call: webhooks.Delivery) -> Response:
        about: dict[str, Any] = {"source": source.name, "topic": call.topic[:60]}
        try:
            with door.enter():
                outcome = await db.transact(webhooks.take_delivery, source, call)
        except Unavailable as error:
            return problems.unavailable(error).response()
        except Exception as error:  # it comes again; the log must not quote the customer
            log.error("a webhook failed", **about, error=traced(error))
            return Response(status_code=500)
        if outcome == "refused":
            log.error("a webhook cannot be read; see xiaoer doctor", **about)
        metrics.WEBHOOKS.labels(source.name, outcome).inc()
        return Response(status_code=200)

    return router
