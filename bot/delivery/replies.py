"""What a channel asks of the deliveries: the next reply, where it can only reply, and reports."""

import asyncio
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from sqlmodel import Session

from bot.channels.base import Channel, Outgoing
from bot.core.errors import Unavailable
from bot.core.messages import Address
from bot.delivery import claims, outcomes, quota
from bot.delivery.backoff import record
from bot.delivery.claims import Guard
from storage import live
from storage.db import Database
from storage.models import inbound


class Replies:
    """The deliveries of one account, as its channel sees them (`DeliveryInlet`)."""

    def __init__(self, db: Database, channel: Channel, guard: Guard = claims.guard_consent) -> None:
        self._db = db
        self._channel = channel
        self._guard = guard
        self._account = (channel.channel, channel.account)
        self._tasks: set[asyncio.Task[None]] = set()

    async def next_reply(
        self, address: Address, seconds: float, *, patient: bool
    ) -> Outgoing | None:
        """What is to be said now, claimed for this reply."""
        until = monotonic() + seconds
        with self._db.live.listen(live.sender(*self._account)) as signal:
            while True:
                found = await self._claim(address.chat, until)
                left = until - monotonic()
                if found is not None or not patient or left <= 0:
                    return found
                await signal.wait(left)

    async def reply_given(self, outgoing: Outgoing, *, has_more: bool) -> None:
        """It was said; written down however long the database takes."""
        work = partial(outcomes.reply_given, outgoing=outgoing, has_more=has_more)
        await record(self._db, work)

    async def not_arrived(self, address: Address, provider_id: str, *, blocked: bool) -> None:
        """A message that had been sent did not arrive."""
        await self._db.transact(outcomes.reported, self._account, provider_id, blocked=blocked)

    async def opened(self, address: Address, window: str, at: datetime) -> None:
        """The customer did what opens a window, where the account has it."""
        policy = self._channel.policy
        if window in policy.windows:
            await self._db.transact(quota.open_window, address, policy, window, at)

    async def allowed(self, address: Address, kind: str, key: str) -> None:
        """One more message of this kind may be sent; said again with the same `key`, no further."""
        await self._db.transact(_allow, address, kind, key)

    async def _claim(self, chat: str, until: float) -> Outgoing | None:
        work = self._db.transact(claims.claim_reply, self._channel, self._guard, chat)
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, until - monotonic()))
        if done:
            found: Outgoing | None = task.result()
            return found
        self._keep(self._give_back(task))
        return None

    async def _give_back(self, late: "asyncio.Future[Outgoing | None]") -> None:
        """What was claimed too late for its request waits for the next one."""
        try:
            outgoing = await late
        except Unavailable:
            return
        if outgoing is not None:
            await record(self._db, outcomes.reply_kept, outgoing)

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _allow(session: Session, address: Address, kind: str, key: str) -> None:
    if inbound.take(session, inbound.source_of(address), f"{key}:{kind}") is not None:
        quota.give_leave(session, address, kind)
