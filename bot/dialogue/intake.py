"""The way in for every channel: understand, then one transaction, in the chat's order."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from bot.answering.understanding import Understanding
from bot.core import metrics
from bot.core.messages import Inbound
from bot.dialogue.receive import Received, Reception
from bot.inbox.lanes import Lanes
from storage.db import Database

Understand = Callable[[str], Awaitable[Understanding]]


class Intake:
    """Takes inbound messages from channels and makes them take effect, exactly once each."""

    def __init__(self, db: Database, understand: Understand, reception: Reception) -> None:
        self._db = db
        self._understand = understand
        self._reception = reception
        self._lanes = Lanes()

    async def take(self, inbound: Inbound) -> Received:
        """Returns after the commit; then the message and its answer are safe.

        Understanding starts at once, so that it can share a batch with its neighbours; the
        effects come in the order in which a chat's messages arrived. Raises `Unavailable` when
        nothing could be stored: the channel does not acknowledge, and the customer's side
        delivers again.
        """
        started = perf_counter()
        understanding = asyncio.ensure_future(self._understand(inbound.text))
        try:
            async with self._lanes.enter(inbound.address.key):
                understood = await understanding
                received = await self._db.transact(self._reception.receive, inbound, understood)
        finally:
            understanding.cancel()
        if not received.repeated:
            metrics.TURN_SECONDS.labels(inbound.address.channel).observe(perf_counter() - started)
            metrics.TURNS.labels(inbound.address.channel, received.outcome).inc()
        return received
