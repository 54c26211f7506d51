"""Whether the service is alive and ready, and what it counted."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlmodel import Session

from bot.core.errors import Unavailable
from storage.db import Database


def health(
    db: Database, parts: Mapping[str, Callable[[], bool]], faq_problems: Callable[[], int]
) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`. `parts` tell by name whether they are ready."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz")
    def alive() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def ready() -> JSONResponse:
        """Database, engine and FAQ index can serve: 200, else 503 with what is missing.

        `faq_problems` counts what keeps changed FAQ files from use; the last good ones serve on.
        """
        checks = {"database": await _database_answers(db)}
        checks |= {name: is_ready() for name, is_ready in parts.items()}
        body = {**checks, "faq_problems": faq_problems()}
        return JSONResponse(body, status_code=200 if all(checks.values()) else 503)

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _database_answers(db: Database) -> bool:
    try:
        await db.read(_ping)
    except Unavailable:
        return False
    return True


def _ping(session: Session) -> None:
    session.connection().execute(text("SELECT 1"))
