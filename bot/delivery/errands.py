"""What is to be done at a platform beside sending messages to customers: kept until it is done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.channels.base import Channel, DeliveryError, Errand, TryLater, Uncertain
from bot.core.clock import now
from bot.core.events import Event, emit
from bot.core.messages import Address, Progress, Purpose
from bot.delivery.backoff import later
from storage import live
from storage.models import errands, progress
from storage.models.progress import Account

TRIES = 8
"""How often what may be repeated is tried at most when nobody knows whether it was done."""
USEFUL = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ErrandDone(Event):
    """The platform has done it; `result` is what it gave back, such as a new message's id."""

    errand_id: int
    place: Address
    kind: str
    details: Mapping[str, Any]
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ErrandFailed(Event):
    """The platform will not do it, or nobody knows whether it did (`is_uncertain`)."""

    errand_id: int
    place: Address
    kind: str
    details: Mapping[str, Any]
    reason: str
    is_uncertain: bool


def order(
    session: Session,
    place: Address,
    kind: str,
    details: Mapping[str, Any],
    *,
    rank: int = Purpose.AGENT.rank,
    line: str = "",
    repeatable: bool = False,
    merge: str = "",
    useful: timedelta = USEFUL,
    delay: timedelta = timedelta(0),
) -> int:
    """Have the channel of `place` do something there; returns the errand's id.

    With a `line` it is no message to the platform's limits, and comes after the others of that
    line; without one it counts, and comes after the others of its chat. `repeatable`: doing it
    twice does no harm. One with the same `merge` key that nobody has begun becomes this one.
    Not done later than `useful` from now, nor before `delay` has passed since it was first
    ordered. What became of it is told by `ErrandDone` or
    `ErrandFailed`, in the transaction that notes it.
    """
    account = (place.channel, place.account)
    live.touch(session, live.sender(*account))
    found = errands.waiting(session, account, merge) if merge else None
    if found is not None and found.id is not None:
        found.kind, found.details, found.useful_until = kind, dict(details), now() + useful
        session.add(found)
        return found.id
    row = errands.Errand(
        channel=place.channel,
        account=place.account,
        chat=place.chat,
        line=f"{place.chat} {line}" if line else place.chat,
        kind=kind,
        details=dict(details),
        merge=merge,
        rank=rank,
        counts=not line,
        repeatable=repeatable,
        not_before=now() + delay if delay else None,
        useful_until=now() + useful,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def waiting(session: Session, place: Address, merge: str) -> Mapping[str, Any] | None:
    """What the errand with this `merge` key says that nobody has begun; None without one.

    It is held until the commit: what `order` puts in its place may say the same and more.
    """
    found = errands.waiting(session, (place.channel, place.account), merge)
    return found.details if found is not None else None


def was_ordered(session: Session, place: Address, merge: str) -> bool:
    """Whether anything was ever ordered under this `merge` key, however far it came."""
    return errands.has_merged(session, (place.channel, place.account), merge)


def claim(session: Session, channel: Channel, busy: Collection[str], most: int) -> list[Errand]:
    """Take up to `most` errands; those of `busy` lines stay."""
    account, at = (channel.channel, channel.account), now()
    taken = []
    for row in errands.next_errands(session, account, at, busy, most):
        if at > row.useful_until:
            _give_up(session, row, Progress.FAILED, "expired")
        elif _move(session, row, Progress.SENDING, "", attempts=row.attempts + 1, not_before=None):
            session.refresh(row)  # what it says may have grown since it was read
            what = (row.kind, row.details, row.counts, row.attempts)
            taken.append(Errand(str(row.id), row.chat, row.line, *what))
    return taken


def succeeded(session: Session, errand_id: int, result: Mapping[str, Any]) -> None:
    """The platform did it, even if another process has given it up meanwhile."""
    row = session.get_one(errands.Errand, errand_id)
    was = [Progress.SENDING, Progress.UNCERTAIN, Progress.QUEUED]
    if progress.change(session, errands.Errand, errand_id, was, Progress.SENT, result=dict(result)):
        emit(session, ErrandDone(errand_id, row.address, row.kind, row.details, result))


def failed(session: Session, errand_id: int, error: DeliveryError) -> None:
    """It was not done, or perhaps not: queue it again or give it up."""
    row = session.get_one(errands.Errand, errand_id)
    if row.state != Progress.SENDING:
        return
    if isinstance(error, TryLater):
        place = {"line": f"{row.chat} alone {row.id}"} if error.alone else {}
        due = later(row.attempts, error)
        _move(session, row, Progress.QUEUED, error.reason, not_before=due, **place)
    elif isinstance(error, Uncertain):
        _uncertain(session, row, error.reason)
    else:
        _give_up(session, row, Progress.FAILED, error.reason)


def adopt(session: Session, account: Account) -> int:
    """Nobody knows how far a process that died came. Returns how many errands it had begun."""
    left = progress.in_state(session, errands.Errand, account, [Progress.SENDING])
    for row in left:
        _uncertain(session, row, "the process ended on the way")
    return len(left)


def _uncertain(session: Session, row: errands.Errand, reason: str) -> None:
    """What may be repeated is done again; a message once more, as an answer would be."""
    if row.resends < (TRIES if row.repeatable else 1):
        again = {"resends": row.resends + 1, "not_before": later(row.resends)}
        _move(session, row, Progress.QUEUED, f"uncertain: {reason}", **again)
    else:
        _give_up(session, row, Progress.UNCERTAIN, reason)


def _give_up(session: Session, row: errands.Errand, state: Progress, reason: str) -> None:
    if _move(session, row, state, reason):
        assert row.id is not None
        is_uncertain = state == Progress.UNCERTAIN
        place = row.address
        emit(session, ErrandFailed(row.id, place, row.kind, row.details, reason, is_uncertain))


def _move(session: Session, row: errands.Errand, to: Progress, reason: str, **values: Any) -> bool:
    assert row.id is not None
    was = [Progress(row.state)]
    return progress.change(session, errands.Errand, row.id, was, to, reason=reason, **values)
