"""A shop that tells another system what happens, without its service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlmodel import Session, select

from bot.channels.webhook import Endpoint
from bot.core.events import Bus
from bot.delivery.sender import Sender
from bot.feedback import survey
from bot.webhook_settings import Webhook
from bot.webhooks.body import body
from bot.webhooks.telling import Telling
from storage.db import Database
from storage.models.errands import Errand
from tests.doubles.webhook import SECRET
from tests.support import world


def hook(url: str, name: str = "crm", **more: Any) -> Webhook:
    return Webhook(name=name, url=url, secret=SECRET, **more)


def listen(db: Database, *hooks: Webhook) -> None:
    """What happens in `db` is to be told to these."""
    db.bus = Bus()
    Telling(hooks).register(db.bus)
    survey.register(db.bus, world.voice())


def endpoint(db: Database, one: Webhook) -> Endpoint:
    return Endpoint(one, partial(db.read, body))


async def all_told(db: Database, patience: float = 60) -> None:
    """Wait until all that was to be told is noted as told."""
    async with asyncio.timeout(patience):
        while await db.read(_untold):
            await asyncio.sleep(0.02)


def _untold(session: Session) -> bool:
    return session.exec(select(Errand.id).where(Errand.state != "sent")).first() is not None


@asynccontextmanager
async def telling(db: Database, *hooks: Webhook) -> AsyncIterator[None]:
    """The senders of a service run while the context is open."""
    endpoints = [endpoint(db, one) for one in hooks]
    tasks = [asyncio.create_task(Sender(db, one).run()) for one in endpoints]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in endpoints:
            await one.close()
