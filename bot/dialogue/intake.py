"""The way in for every channel: understand, then one transaction, in the chat's order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import structlog

from bot.answering.reading import Understand, read
from bot.answering.understanding import Understanding
from bot.core import metrics
from bot.core.errors import Unavailable, traced
from bot.core.messages import Address, Inbound
from bot.dialogue.pieces import PATIENCE
from bot.dialogue.receive import Received, Reception, waiting_text
from bot.inbox.lanes import Lanes
from storage.db import Database
from storage.models.conversations import with_fragments
from storage.models.customers import note_block

TRIES = 3
"""How often a message is tried at which an error arises that nobody foresaw."""

log = structlog.get_logger()


class Intake:
    """Takes inbound messages from channels and makes them take effect, exactly once each."""

    def __init__(self, db: Database, understand: Understand, reception: Reception) -> None:
        self._db = db
        self._understand = understand
        self._reception = reception
        self._lanes = Lanes()
        self._waiting: dict[str, str] = {}
        self._timers: set[asyncio.Task[None]] = set()

    async def take(self, inbound: Inbound) -> Received:
        """Returns after the commit; then the message and its answer are safe.

        Understanding starts at once, so that it can share a batch with its neighbours; the
        effects come in the order in which a chat's messages arrived. A message that keeps
        failing is stored and left to a person. Raises `Unavailable` when nothing could be
        stored: the channel does not acknowledge, and the customer's side delivers again.
        """
        started = perf_counter()
        address = inbound.address
        spoken = inbound.text if inbound.is_spoken else ""
        understanding = asyncio.ensure_future(read(self._understand, spoken))
        try:
            async with self._lanes.enter(address.key):
                joined = await self._joined(inbound)
                understood = await understanding
                receive = self._reception.receive
                received: Received = await self._effect(
                    address, receive, inbound, understood, joined
                )
                if not received.repeated:
                    self._wait_for_more(address, received.waiting)
        finally:
            understanding.cancel()
        if not received.repeated:
            metrics.TURN_SECONDS.labels(address.channel).observe(perf_counter() - started)
            metrics.TURNS.labels(address.channel, received.outcome).inc()
        return received

    async def note_block(self, address: Address, *, is_blocked: bool) -> None:
        """The customer has blocked the shop in this chat, or lets it in again. Raises as `take`.

        It waits for what they wrote before, for whoever writes has let us in.
        """
        async with self._lanes.enter(address.key):
            await self._db.transact(note_block, address, is_blocked=is_blocked)

    async def _effect(self, address: Address, work: Callable[..., Any], *details: Any) -> Any:
        """`work` in a transaction; what keeps failing there is done with `failed` set."""
        failed = ""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._db.transact(work, *details)
            except Unavailable:
                raise
            except Exception as error:
                failed = type(error).__name__
                log.error("a message failed", attempt=attempt, error=traced(error))
        done = await self._db.transact(work, *details, failed=failed)
        metrics.QUARANTINED.labels(address.channel).inc()
        return done

    async def recover(self) -> None:
        """Answer what waited for its rest when the service ended."""
        for identity in await self._db.read(with_fragments):
            self._start(self._settle(identity.address))

    async def close(self) -> None:
        """Stop waiting; `recover` goes on with it at the next start."""
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)

    async def _joined(self, inbound: Inbound) -> Understanding | None:
        """What the fragments that wait mean together with this message."""
        before = self._waiting.get(inbound.address.key)
        if not before:
            return None
        joined = await read(self._understand, f"{before} {inbound.text}")
        return None if joined.failed else joined

    def _wait_for_more(self, address: Address, text: str) -> None:
        self._waiting.pop(address.key, None)
        if text:
            self._waiting[address.key] = text
            self._start(self._settle(address))

    async def _settle(self, address: Address) -> None:
        """Answer the fragments when nothing has followed them in time."""
        is_waiting = True
        while is_waiting:
            await asyncio.sleep(PATIENCE.total_seconds())
            async with self._lanes.enter(address.key):
                with contextlib.suppress(Unavailable):  # the database may be back the next time
                    is_waiting = await self._try_to_settle(address)

    async def _try_to_settle(self, address: Address) -> bool:
        """Returns whether to come again."""
        text = await self._db.read(waiting_text, address)
        if not text:
            return False
        understood = await read(self._understand, text)
        still: bool = await self._effect(address, self._reception.settle, address, understood)
        return still

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._timers.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._timers.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("fragments stay unanswered until the next start", error=traced(error))
