"""POST /carriers/{name}: where carriers' platforms tell where parcels are."""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from bot.core import metrics
from bot.core.errors import Unavailable, traced
from bot.inbox.admission import Admission
from bot.inbox.bodies import body_of
from bot.logistics.carrier import Carrier, Unreadable
from bot.logistics.watching import Outcome, take_call, take_unreadable
from bot.web import problems
from storage.db import Database

MAX_BYTES = 1 << 20
"""Longest body that is read: a parcel of a hundred steps has less than a tenth."""

log = structlog.get_logger()


def carriers_router(
    db: Database, carriers: Sequence[Carrier], admission: Admission | None = None
) -> APIRouter:
    """The calls of those platforms that push.

    The platform's own thanks after the commit, and for what nobody can read, lest it switches the
    calls off; 401 when a byte is not as it was signed, 404 for other names, 413 for too much; 503
    while nothing can be stored, so that it comes again.
    """
    door = admission or Admission()
    router = APIRouter(include_in_schema=False)
    by_name = {one.name: one for one in carriers if one.pushes}

    @router.post("/carriers/{name}")
    async def take(name: str, request: Request) -> Response:
        carrier = by_name.get(name)
        if carrier is None:
            return Response(status_code=404)
        body = await body_of(request.stream(), MAX_BYTES)
        if body is None:
            return Response(status_code=413)
        if not carrier.is_signed(request.headers, body):
            return Response(status_code=401)
        try:
            with door.enter():
                outcome = await _taken(carrier, body)
        except Unavailable as error:
            return problems.unavailable(error).response()
        except Exception as error:  # it comes again; the log must not quote the customer
            log.error("a carrier's call failed", carrier=name, error=traced(error))
            return Response(status_code=500)
        metrics.WEBHOOKS.labels(f"carrier:{name}", outcome).inc()
        return JSONResponse(dict(carrier.thanks))

    async def _taken(carrier: Carrier, body: bytes) -> Outcome:
        try:
            told = carrier.read(body)
        except Unreadable as error:
            log.error("a carrier's call cannot be read; see xiaoer doctor", carrier=carrier.name)
            return await db.transact(take_unreadable, carrier, error)
        return await db.transact(take_call, carrier, told)

    return router
