"""Sends what waits for one channel account: the most urgent first, within the platform's limits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import structlog
from sqlmodel import Session, col

from bot.channels.base import Channel, DeliveryError, Errand, Outgoing, TryLater, Uncertain
from bot.core import metrics
from bot.core.clock import now
from bot.core.errors import Unavailable
from bot.delivery import claims, errands, outcomes
from bot.delivery.backoff import RETRY_SECONDS, record
from bot.delivery.claims import Claimed, Guard
from bot.delivery.limiter import Limiter
from storage import live
from storage.db import Database
from storage.live import Signal
from storage.models import progress
from storage.models.deliveries import Delivery
from storage.models.errands import Errand as ErrandRow
from storage.models.progress import Account
from storage.ownership import LOOK_SECONDS, Ownership

AT_ONCE = 20
"""How many messages may be on their way at the same time."""
SEND_SECONDS = 30.0
"""After this a message that was not answered for is uncertain."""
QUIET_SECONDS = 30.0
"""The tables are looked at so often in any case, should a signal ever be missed."""
T = TypeVar("T")

log = structlog.get_logger()


class Sender:
    """One account's sender. Any number of processes may run it: one of them sends at a time.

    The files that agents send are in `folder`.
    """

    def __init__(
        self,
        db: Database,
        channel: Channel,
        guard: Guard = claims.guard_consent,
        folder: Path = Path(),
    ) -> None:
        self._db = db
        self._folder = folder
        self._channel = channel
        self._guard = guard
        self._account = (channel.channel, channel.account)
        self._topic = live.sender(*self._account)
        self._ownership = Ownership(db, self._topic)
        self._limiter: Limiter  # a new one whenever the account becomes ours
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Send until cancelled; what is on its way then is finished first."""
        while True:
            try:
                async with self._ownership.held():
                    await self._serve()
            except Exception:
                log.exception("a sender begins again", account=self._account)
                await asyncio.sleep(RETRY_SECONDS)
            finally:  # before anything is claimed anew, here or by a process that comes after us
                while self._tasks:
                    await asyncio.wait(self._tasks)

    async def _serve(self) -> None:
        """Send while the account is ours."""
        await self._take_over()
        with self._db.live.listen(self._topic) as signal:
            until, is_news = monotonic(), False
            while await self._ownership.is_ours():
                if is_news or monotonic() >= until:
                    until = monotonic() + await self._round(signal)
                is_news = await signal.wait(min(LOOK_SECONDS, max(0.0, until - monotonic())))

    async def _take_over(self) -> None:
        """Learn what was sent before, for the limits, and what was left on its way."""
        self._limiter = Limiter(self._channel.policy.limits, self._channel.is_group)
        while True:
            try:
                left = await self._db.transact(_adopt, self._account)
                await self._recall()
                break
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
        log.info("sending", channel=self._account[0], account=self._account[1], uncertain=left)

    async def _recall(self) -> None:
        at, moment = monotonic(), now()
        since = moment - self._limiter.span
        for chat, tried_at in await self._db.read(_tried_since, self._account, since):
            age = (moment - tried_at).total_seconds()
            self._limiter.recall(chat, at - max(0.0, age))

    async def _round(self, signal: Signal) -> float:
        """Start what may be sent now. Returns the seconds until more may be, without news."""
        at = monotonic()
        free = min(AT_ONCE - len(self._tasks), self._limiter.free(at, AT_ONCE))
        waits = [QUIET_SECONDS]
        try:
            if free > 0:
                waits.append(await asyncio.shield(self._keep(self._claim(free, signal))))
        except Unavailable:
            return RETRY_SECONDS
        # As of when it was asked who is busy: a chat that became free meanwhile is not passed by.
        return min(*waits, self._limiter.wait(at, QUIET_SECONDS))

    async def _claim(self, free: int, signal: Signal) -> float:
        """Take and start up to `free`. Returns the seconds until there may be more to take."""
        at = now()  # what becomes due while we look is due in the next round
        busy = self._limiter.busy(monotonic())
        claimed = await self._db.transact(self._take, busy, free)
        for errand in claimed.errands:
            self._limiter.start(errand.line, monotonic(), counts=errand.counts)
            self._keep(self._run(errand)).add_done_callback(lambda _: signal.set())
        for outgoing in claimed.outgoing:
            self._limiter.start(outgoing.address.chat, monotonic())
            self._keep(self._deliver(outgoing)).add_done_callback(lambda _: signal.set())
        if claimed.stopped:
            return 0.0
        return QUIET_SECONDS if claimed.outgoing or claimed.errands else await self._until_due(at)

    def _take(self, session: Session, busy: list[str], free: int) -> Claimed:
        """Errands and messages take turns, so that neither keeps the other waiting."""
        found = errands.claim(session, self._channel, busy, (free + 1) // 2)
        busy = [*busy, *(errand.line for errand in found)]
        claimed = claims.claim(session, self._channel, self._guard, busy, free - len(found))
        claimed.errands = found
        return claimed

    async def _until_due(self, at: datetime) -> float:
        """Seconds until something is due that was not at the moment `at`."""
        moments = await self._db.read(_next_moments, self._account, at)
        return max(0.0, (min(moments) - now()).total_seconds()) if moments else QUIET_SECONDS

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that is brought to its end even when the sender is told to stop.

        What is claimed is sent, and what is sent is recorded.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Unavailable):
            log.error("a delivery stays in sending until the next start", exc_info=error)

    async def _deliver(self, outgoing: Outgoing) -> None:
        chat, which = outgoing.address.chat, outcomes.numbers(outgoing)
        files = tuple(replace(one, path=self._folder / one.path) for one in outgoing.files)
        sending = self._channel.send(replace(outgoing, files=files))
        outcome = await self._settle(
            chat, sending, outcomes.succeeded_all, outcomes.failed_all, which
        )
        metrics.DELIVERIES.labels(self._account[0], outcome).inc()

    async def _run(self, errand: Errand) -> None:
        line, errand_id, counts = errand.line, int(errand.key), errand.counts
        doing = self._channel.run(errand)
        await self._settle(line, doing, errands.succeeded, errands.failed, errand_id, counts=counts)

    async def _settle(
        self,
        line: str,
        request: Awaitable[object],
        succeeded: outcomes.Record,
        failed: outcomes.Record,
        number: int | list[int],
        *,
        counts: bool = True,
    ) -> str:
        """Wait for the platform, then write down what became of it; returns that in a word."""
        try:
            found = await _answered(request)
        except DeliveryError as error:
            self._limiter.end(line, monotonic(), counts=counts)
            self._wait_after(line, error)
            await record(self._db, failed, number, error)
            return type(error).__name__
        self._limiter.end(line, monotonic(), counts=counts)
        await record(self._db, succeeded, number, found)
        return "Sent"

    def _wait_after(self, chat: str, error: DeliveryError) -> None:
        if isinstance(error, TryLater) and error.rest:
            self._limiter.pause(monotonic() + error.rest)
        if isinstance(error, TryLater) and error.seconds is not None and not error.alone:
            until = monotonic() + error.seconds
            self._limiter.pause(until, None if error.everyone else chat)


async def _answered(request: Awaitable[T]) -> T:
    """What the channel's request brings. Raises a `DeliveryError` and nothing else."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            return await request
    except DeliveryError:
        raise
    except TimeoutError as error:
        raise Uncertain(f"no answer within {SEND_SECONDS:.0f} s") from error
    except Exception as error:  # a fault in a channel: nobody knows how far it came
        log.exception("a channel failed while sending")
        raise Uncertain(f"{type(error).__name__}: {error}") from error


def _adopt(session: Session, account: Account) -> int:
    return outcomes.adopt(session, account) + errands.adopt(session, account)


def _tried_since(session: Session, account: Account, since: datetime) -> list[tuple[str, datetime]]:
    """To which chats messages may have left since a moment, and when; the oldest first."""
    tried = [
        *progress.tried_since(session, Delivery, account, since),
        *progress.tried_since(session, ErrandRow, account, since, col(ErrandRow.counts).is_(True)),
    ]
    return sorted(((one.chat, one.updated_at) for one in tried), key=itemgetter(1))


def _next_moments(session: Session, account: Account, after: datetime) -> list[datetime]:
    """When something that waits for its time becomes due."""
    tables = (Delivery, ErrandRow)
    found = [progress.next_moment(session, table, account, after) for table in tables]
    return [moment for moment in found if moment is not None]


class Senders:
    """The senders of all accounts of one service process."""

    def __init__(self, senders: list[Sender]) -> None:
        self._senders = senders
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send."""
        self._tasks = [asyncio.create_task(sender.run()) for sender in self._senders]

    async def stop(self) -> None:
        """Send nothing more; what is on its way is finished first."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
