"""Asks carriers' platforms where parcels are, or lets them push; and takes what they tell."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import traced
from bot.logistics.carrier import (
    AccountRefused,
    Answers,
    Carrier,
    Refused,
    Told,
    Unreadable,
    Wanted,
)
from bot.logistics.names import carrier_key
from bot.logistics.parcels import apply_steps
from bot.logistics.posting import CarrierUnreachable
from bot.logistics.status import Status
from storage.db import Database
from storage.models import sources
from storage.models.orders import Order, Parcel, parcel_by_tracking
from storage.models.parcels import claim_asks
from storage.models.sources import claim_poll, source_state

LEASE = timedelta(minutes=5)
"""After this the account of a process that died is served by another: one request takes less."""
PARCEL_LEASE = timedelta(minutes=15)
"""After this a parcel about which no answer was stored is asked about again."""
MOST_REQUESTS = 250
"""Of one account in one run; the next run goes on."""
ASSIGNED_AT_ONCE = 200
MOST_FAILURES = 8
"""In a row, then nothing more is asked about a parcel."""
UNSERVED = timedelta(hours=6)
"""When a parcel is looked at again that no account serves: the shop may tell its carrier later."""
LONGEST_PAUSE = timedelta(hours=1)
AGAIN = timedelta(days=1)
"""When a parcel that the platform gave up is watched again."""
_RHYTHM = {
    Status.OUT_FOR_DELIVERY: timedelta(hours=1),
    Status.ARRIVED_CITY: timedelta(hours=2),
    Status.EXCEPTION: timedelta(hours=6),
    Status.RETURNING: timedelta(hours=12),
}
_USUALLY, _QUIET, _SELDOM = timedelta(hours=3), timedelta(days=5), timedelta(hours=12)
"""快递100 locks numbers that are asked about more than every half hour."""

log = structlog.get_logger()

Outcome = Literal["accepted", "refused"]


def state_name(carrier: Carrier) -> str:
    """What the account is called among the sources."""
    return f"carrier:{carrier.name}"


def next_ask(
    status: str, status_at: datetime | None, begun: datetime, at: datetime, watched: timedelta
) -> datetime | None:
    """When a parcel is asked about next, as seen from `at`; never after it was delivered, nor when
    `watched` has passed since it `begun`. The nearer it is, the sooner; seldom after quiet days."""
    if status == Status.DELIVERED or at - begun > watched:
        return None
    is_quiet = at - (status_at or begun) > _QUIET
    pause = _RHYTHM.get(Status(status), _USUALLY) if status else _USUALLY
    return at + (max(pause, _SELDOM) if is_quiet else pause)


class Watcher:
    """Serves the accounts at platforms, each by one process at a time."""

    def __init__(
        self,
        db: Database,
        carriers: Sequence[Carrier],
        watched: timedelta,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Parcels are watched for the time `watched`. `pause` waits for so many seconds."""
        self._db = db
        self._carriers = [one for one in carriers if one.asks or one.subscribes]
        self._watched = watched
        self._pause = pause

    @property
    def has_work(self) -> bool:
        """Whether there is any platform to ask."""
        return bool(self._carriers)

    def run(self, _details: dict[str, Any]) -> None:
        """Ask about every parcel that is due. An account that fails leaves the others alone."""
        while self._db.run(_assign, self._carriers, self._watched):
            pass
        for carrier in self._carriers:
            try:
                if self._db.run(claim_poll, state_name(carrier), LEASE) is not None:
                    self._serve(carrier)
            except Exception as error:  # asked again when its lease ends
                log.error("a carrier is asked later", carrier=carrier.name, error=traced(error))

    def _serve(self, carrier: Carrier) -> None:
        try:
            self._ask_all(carrier)
        except (AccountRefused, CarrierUnreachable) as error:
            pause = self._db.run(_note_failure, carrier, str(error))
            log.warning("a carrier fails", carrier=carrier.name, error=str(error), pause=pause)
        else:
            self._db.run(_note_success, carrier)

    def _ask_all(self, carrier: Carrier) -> None:
        client = carrier.client()
        try:
            for _ in range(MOST_REQUESTS):
                due = self._db.run(claim_asks, carrier.name, carrier.at_once, PARCEL_LEASE)
                if not due:
                    return
                fresh = [one for one in due if carrier.subscribes and not one[0].subscribed_at]
                known = [one for one in due if one not in fresh]
                for group, deed in ((fresh, carrier.subscribe), (known, carrier.ask)):
                    if group:
                        answers = deed(client, [wanted(*one) for one in group])
                        ids = [parcel.id or 0 for parcel, _ in group]
                        self._db.run(_take_answers, carrier, ids, answers, self._watched)
                        self._pause(1 / carrier.per_second)
                self._db.run(_keep, carrier)
        finally:
            client.close()


def wanted(parcel: Parcel, order: Order | None) -> Wanted:
    """What a platform is told about a parcel."""
    digits = "".join(filter(str.isdigit, order.phone if order else ""))
    return Wanted(
        parcel.tracking_number,
        carrier_key(parcel.carrier, parcel.tracking_number),
        parcel.carrier,
        digits[-4:],
        str((order.address if order else {}).get("city") or ""),
    )


def take_call(session: Session, carrier: Carrier, told: Iterable[Told]) -> Outcome:
    """Let what a platform pushed take effect; what it repeats has no effect."""
    for one in sorted(told, key=lambda one: one.number):
        if one.steps:
            apply_steps(session, one.steps)
        parcel = parcel_by_tracking(session, one.number)
        if parcel is not None and one.again and parcel.status != Status.DELIVERED:
            _watch_again(parcel)
            session.add(parcel)
    sources.heard(session, state_name(carrier))
    return "accepted"


def note_unreadable(session: Session, carrier: Carrier, error: Unreadable) -> Outcome:
    """Keep for `xiaoer doctor` that a signed call made no sense."""
    sources.failed(session, state_name(carrier), str(error))
    return "refused"


def _assign(session: Session, carriers: Sequence[Carrier], watched: timedelta) -> int:
    """Give parcels that are new to one of the accounts. Returns how many were looked at."""
    found = claim_asks(session, "", ASSIGNED_AT_ONCE)
    for parcel, order in found:
        carrier = None if _is_nameless(parcel, order) else _account_for(parcel, order, carriers)
        is_old = parcel.status == Status.DELIVERED or now() - parcel.created_at > watched
        if carrier is not None and not is_old:
            parcel.carrier_account = carrier.name
        else:
            parcel.ask_at = None if is_old else now() + UNSERVED
        session.add(parcel)
    return len(found)


def _is_nameless(parcel: Parcel, order: Order | None) -> bool:
    return order is not None and order.number == parcel.tracking_number


def _account_for(
    parcel: Parcel, order: Order | None, carriers: Sequence[Carrier]
) -> Carrier | None:
    """The first account that knows the parcel's carrier by name, else the first that tries."""
    one = wanted(parcel, order)
    named = (carrier for carrier in carriers if carrier.code(one))
    return next(named, None) or next((each for each in carriers if each.serves(one)), None)


def _take_answers(
    session: Session, carrier: Carrier, ids: Sequence[int], answers: Answers, watched: timedelta
) -> None:
    for number in sorted(ids):
        parcel = session.get_one(Parcel, number, with_for_update=True)
        answer = answers.get(parcel.tracking_number, Refused("no answer"))
        if isinstance(answer, Refused):
            _put_off(parcel, answer)
            log.info("a parcel is not known", carrier=carrier.name, parcel=number, why=answer.why)
        else:
            _take_answer(session, carrier, parcel, answer, watched)
        session.add(parcel)


def _take_answer(
    session: Session, carrier: Carrier, parcel: Parcel, told: Told, watched: timedelta
) -> None:
    if told.steps:
        apply_steps(session, told.steps)
    if told.again:
        _watch_again(parcel)
        return
    is_new = carrier.subscribes and parcel.subscribed_at is None
    parcel.failures = 0
    parcel.subscribed_at = parcel.subscribed_at or (now() if carrier.subscribes else None)
    if not carrier.asks:
        parcel.ask_at = None  # from now on the platform calls
    elif is_new:
        parcel.ask_at = now() + timedelta(minutes=10)  # it has to look for itself first
    else:
        parcel.ask_at = next_ask(parcel.status, parcel.status_at, parcel.created_at, now(), watched)


def _watch_again(parcel: Parcel) -> None:
    parcel.failures += 1
    parcel.subscribed_at = None
    parcel.ask_at = now() + AGAIN if parcel.failures < MOST_FAILURES else None


def _put_off(parcel: Parcel, refused: Refused) -> None:
    parcel.failures += 1
    ends = refused.for_good or parcel.failures >= MOST_FAILURES
    parcel.ask_at = None if ends else now() + timedelta(hours=2) * 2 ** (parcel.failures - 1)


def _keep(session: Session, carrier: Carrier) -> None:
    source_state(session, state_name(carrier)).due_at = now() + LEASE


def _note_success(session: Session, carrier: Carrier) -> None:
    state = source_state(session, state_name(carrier))
    if state.failures:
        state.error = ""
    state.failures, state.due_at, state.heard_at = 0, now(), now()


def _note_failure(session: Session, carrier: Carrier, error: str) -> int:
    """Returns for how many seconds the account is left alone: twice as long each time."""
    state = sources.failed(session, state_name(carrier), error)
    state.failures += 1
    pause: timedelta = min(timedelta(minutes=1) * 2 ** min(state.failures, 10), LONGEST_PAUSE)
    state.due_at = now() + pause
    return round(pause.total_seconds())
