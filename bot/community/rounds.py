"""What is looked after again and again: newcomers whose time is over, and who the admins are."""

import asyncio
from time import monotonic

import structlog
from sqlmodel import Session

from bot.community import admins, journal, newcomers
from bot.community.room import House
from bot.core.errors import Unavailable, traced
from bot.core.events import Bus
from bot.delivery.errands import ErrandDone, ErrandFailed
from storage.db import Database
from storage.models.community import Welcome
from storage.models.moderation import LogEntry, ModerationAction

LOOK_SECONDS = 2.0
"""How long after their time somebody may still be there. What is due stands in the tables, so
that a process which comes after another goes on with it."""

log = structlog.get_logger()


class Rounds:
    """Any number of processes may make them side by side: each newcomer is removed once."""

    def __init__(self, db: Database, house: House) -> None:
        self._db = db
        self._house = house

    async def run(self) -> None:
        """Go round until cancelled."""
        asked = -float("inf")
        while self._house.groups:
            try:
                if monotonic() - asked >= admins.EVERY.total_seconds():
                    await self._db.transact(admins.ask_for_all, self._house)
                    asked = monotonic()
                if await self._db.read(newcomers.is_due):
                    await self._db.transact(newcomers.sweep, self._house)
            except Unavailable:
                pass
            except Exception as error:
                log.error("a round of the groups failed", error=traced(error))
            await asyncio.sleep(LOOK_SECONDS)


def register(bus: Bus, house: House) -> None:
    """Hear what became of what was ordered at the platform."""
    bus.on(ErrandDone, lambda session, event: _done(session, house, event))
    bus.on(ErrandFailed, lambda session, event: _failed(session, house, event))


def _done(session: Session, house: House, event: ErrandDone) -> None:
    number = event.result.get("message_id")
    if event.kind == "admins" and house.is_group(event.place):
        room = house.enter(session, event.place)
        admins.learned(room, dict(event.result["admins"]), event.result["bot"])
    elif event.kind == "say" and number and house.is_group(event.place):
        welcome = session.get(Welcome, event.details.get("welcome", 0))
        if welcome is not None:
            room = house.enter(session, event.place)
            newcomers.is_shown(room, welcome, number, event.details["text"])
    elif event.kind == "say" and number:
        _logged(session, house, event, number)


def _logged(session: Session, house: House, event: ErrandDone, number: int) -> None:
    entry = session.get(LogEntry, event.details.get("log", 0))
    for place in house.watched_from(event.place) if entry is not None else []:
        room = house.enter(session, place)
        if entry is not None and entry.group_id == room.id:
            journal.arrived(room, entry, number, event.details["text"])


def _failed(session: Session, house: House, event: ErrandFailed) -> None:
    """An admin has to know what the platform refused: a missing right, most often."""
    if not house.is_group(event.place):
        return
    log.warning("refused in a group", chat=event.place.chat, kind=event.kind, reason=event.reason)
    action = session.get(ModerationAction, event.details.get("action") or 0)
    if action is None:
        return
    action.failed = "; ".join(filter(None, (action.failed, f"{event.kind}: {event.reason}")))
    session.add(action)
    session.flush()
    entry = session.get(LogEntry, action.log_id) if action.log_id else None
    if entry is not None:
        journal.show(house.enter(session, event.place), entry)
