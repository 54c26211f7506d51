"""An agent who is logged in, for tests of the desk's routes without a service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from bot.core.clock import now
from bot.desk.accounts import create_agent
from bot.desk.door import Door
from bot.desk.passes import COOKIE, Passes
from storage.db import Database

PASSWORD = "a long enough password"
PASSES = Passes("a-secret-of-the-desk")


@asynccontextmanager
async def logged_in(db: Database, app: FastAPI) -> AsyncIterator[tuple[AsyncClient, str]]:
    """Lin's browser, which reads English, and the token of her login."""
    await db.transact(create_agent, "lin", "Lin", PASSWORD)
    token = (await Door(db).log_in("lin", PASSWORD, now())).token
    async with AsyncClient(
        transport=ASGITransport(app),
        base_url="http://t",
        headers={"Accept-Language": "en"},
        cookies={COOKIE: PASSES.issue(token)},
    ) as client:
        yield client, token
