"""What could not be sent, or waits: seen, tried again or given up by people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Progress, Purpose
from bot.delivery.outbox import USEFUL
from storage import live
from storage.models import deliveries, progress
from storage.models.conversations import Message
from storage.models.deliveries import Delivery

STUCK = (Progress.FAILED, Progress.UNCERTAIN, Progress.HELD)
"""The states in which nothing happens by itself, or not soon."""
SHOWN = 80
"""How many characters of a text are shown."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery as it is listed."""

    id: int
    channel: str
    account: str
    chat: str
    purpose: str
    state: str
    attempts: int
    reason: str
    text: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, delivery: Delivery, message: Message) -> "Letter":
        """The delivery of `message`."""
        assert delivery.id is not None
        return cls(
            delivery.id,
            delivery.channel,
            delivery.account,
            delivery.chat,
            delivery.purpose,
            delivery.state,
            delivery.attempts,
            delivery.reason,
            message.text[:SHOWN],
            delivery.created_at,
            delivery.updated_at,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON; moments as ISO 8601 in UTC."""
        return asdict(self) | {
            name: getattr(self, name).isoformat() for name in ("created_at", "updated_at")
        }

    def line(self) -> str:
        """For people."""
        when = self.updated_at.strftime("%Y-%m-%d %H:%M")
        where = f"{self.channel}/{self.account} {self.chat}"
        return f"{self.id:>8}  {when}  {self.state:<9}  {self.purpose:<13}  {where}  " + (
            f"[{self.reason}]  {self.text!r}" if self.reason else repr(self.text)
        )


def listing(
    session: Session, states: Sequence[str] = STUCK, limit: int = 50, after: int = 0
) -> list[Letter]:
    """Deliveries in any of `states` with an id greater than `after`, oldest first."""
    found = deliveries.deliveries(session, states, limit, after)
    return [Letter.of(delivery, message) for delivery, message in found]


def counts(session: Session) -> dict[str, int]:
    """How many deliveries are in each state."""
    return deliveries.count_by_state(session)


def retry(session: Session, ids: Sequence[int]) -> list[int]:
    """Queue stuck deliveries again, with as much time as new ones. Returns those that were stuck.

    A person decided it, so this also sends again what may have arrived. Guards still hold.
    """
    return [one for one in ids if _again(session, one)]


def drop(session: Session, ids: Sequence[int]) -> list[int]:
    """Give up deliveries that are stuck or wait. Returns those that were."""
    waiting = [Progress.QUEUED, Progress.HELD, Progress.UNCERTAIN]
    return [
        one
        for one in ids
        if progress.change(
            session, Delivery, one, waiting, Progress.FAILED, reason="dropped by hand"
        )
    ]


def _again(session: Session, delivery_id: int) -> bool:
    found = session.get(Delivery, delivery_id)
    if found is None:
        return False
    until = now() + USEFUL[Purpose(found.purpose)]
    live.touch(session, live.sender(found.channel, found.account))
    return progress.change(
        session,
        Delivery,
        delivery_id,
        STUCK,
        Progress.QUEUED,
        reason="tried again by hand",
        not_before=None,
        useful_until=until,
    )
