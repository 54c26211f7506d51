"""Carries out sendings to many: a portion at a time, so that the senders' lines never grow long.

Each portion is one transaction that plans, decides and writes: a crash leaves nobody with two
messages and nobody without.
"""

import contextlib
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.care import segments
from bot.care.planner import Planner
from bot.care.sending_journey import journey_of, planned
from bot.core.clock import now
from bot.core.errors import Unavailable, traced
from storage import live
from storage.db import Database
from storage.models import sendings
from storage.models.care import Sending, plan
from storage.models.progress import Account
from storage.models.segments import members
from storage.ownership import alone

QUEUED_MOST = 200
"""So much marketing may wait to be sent at one account: what it sends in several seconds, however
fast its platform is, and little enough to be held back at once."""
PORTION = 100
"""Messages decided in one transaction at most."""
PLANNED_AT_ONCE = 500
"""Customers who get their care message in one transaction."""
STUCK_AFTER = timedelta(minutes=2)
"""An account that does not send for so long what waits there is disconnected, or all but."""
PAUSE_SECONDS = 0.5
"""Between two looks while something is being sent."""
IDLE_SECONDS = 5.0
"""How often is looked while nothing is: a command that confirms cannot tell on SQLite."""
_TURN = "care-sendings"

log = structlog.get_logger()


class SendingRunner:
    """One process's look at sendings. Any number of processes may run it."""

    def __init__(self, db: Database, planner: Planner) -> None:
        self._db = db
        self._planner = planner

    async def run(self) -> None:
        """Send until cancelled; at once, for what a crash has left."""
        with self._db.live.listen(live.SENDINGS) as changed:
            while True:
                is_any = True
                with contextlib.suppress(Unavailable):
                    is_any = await self.look()
                await changed.wait(PAUSE_SECONDS if is_any else IDLE_SECONDS)

    async def look(self) -> bool:
        """Do what can be done now of every sending, in turn. False when none is running."""
        found = await self._db.read(sendings.running)
        for sending_id in found:
            try:
                while await self._db.transact(self.portion, sending_id):
                    pass
            except Unavailable:
                raise
            except Exception as error:  # the others go on
                log.error("a sending cannot go on", sending=sending_id, error=traced(error))
        return bool(found)

    def portion(self, session: Session, sending_id: int) -> bool:
        """Decide about the next messages of a sending. True when more can be done at once."""
        if not alone(session, _TURN):
            return False
        sending = sendings.held_sending(session, sending_id)
        if sending is None or sending.state != "running":
            return False
        at = now()
        room, stuck = self._room(session, at)
        due = sendings.due_of_sending(session, sending_id, at, room, stuck) if room > 0 else []
        if not due and room > 0 and sending.planned_at is None:
            self._plan(session, sending)
            return True
        if due:
            self._planner.decide(session, due, at)
        elif room > 0 and not sendings.is_any_left(session, sending_id):
            sending.state, sending.ended_at = "done", at
        session.add(sending)
        return bool(due)

    def _room(self, session: Session, at: datetime) -> tuple[int, list[Account]]:
        """How many may be decided now, and which accounts hold up nobody but their own chats."""
        found = sendings.lines(session)
        long_ago = at - STUCK_AFTER
        stuck = [one for one, (n, since) in found.items() if n >= QUEUED_MOST and since < long_ago]
        longest = max((n for one, (n, _) in found.items() if one not in stuck), default=0)
        return min(PORTION, QUEUED_MOST - longest), stuck

    def _plan(self, session: Session, sending: Sending) -> None:
        """Give the next customers of the segment their care messages."""
        at, shop = now(), self._planner.voice.words.shop
        segment = segments.segment(sending.segment, shop)
        known = sending.confirmed_at or at
        ids = members(session, segment, shop.zone, known, sending.planned_to, PLANNED_AT_ONCE)
        journey = journey_of(sending)
        plan(session, [planned(sending, journey, one, at) for one in ids])
        sending.planned_to = ids[-1] if ids else sending.planned_to
        if len(ids) < PLANNED_AT_ONCE:
            sending.planned_at = at
        session.add(sending)
