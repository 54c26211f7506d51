"""Keeps customers from waiting for an agent who is free: looks whenever something changes.

What is to be done stands in the tables alone, so that a crash loses nothing, and any number of
processes may look at once: each conversation is given in a transaction of its own.
"""

import asyncio

import structlog

from bot.core.clock import now
from bot.core.errors import Unavailable, traced
from bot.escalation.routing import Routing
from storage import live
from storage.db import Database

TICK_SECONDS = 20.0
"""How often is looked when nothing changes: agents leave, and time runs out."""
PAUSE_SECONDS = 0.2
"""Least time between two looks, however much happens."""

log = structlog.get_logger()


class Router:
    """One process's look at who waits for whom."""

    def __init__(self, db: Database, routing: Routing, tick: float = TICK_SECONDS) -> None:
        self._db = db
        self._routing = routing
        self._tick = tick

    async def run(self) -> None:
        """Look until cancelled; at once, for what a crash has left."""
        if not self._routing.automatic and self._routing.patience is None:
            return
        with self._db.live.listen(live.QUEUE) as changed:
            while True:
                try:
                    await self.look()
                except Unavailable:
                    pass
                except Exception as error:
                    log.error("customers could not be given to agents", error=traced(error))
                await asyncio.sleep(PAUSE_SECONDS)
                await changed.wait(self._tick)

    async def look(self) -> int:
        """Take back what is not answered, and give what waits. Returns how many were given."""
        db, routing = self._db, self._routing
        for conversation, why in await db.read(routing.silent, now()):
            await db.transact(routing.give_back, conversation, why)
        wanted = await db.read(routing.wanted, now())
        return sum([await db.transact(routing.give, one, now()) for one in wanted])
