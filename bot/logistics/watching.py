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
from storage.models.parcels import Sent, claim_asks, release_parcels
from storage.models.sources import claim_poll, source_state

LEASE = timedelta(minutes=5)
"""After this the account of a process that died is served by another: one request takes less."""
PARCEL_LEASE = timedelta(minutes=40)
"""After this a parcel about which no answer was stored is asked about again. 快递100 locks numbers
that are asked about more often than every half hour."""
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
        self._begun = False

    @property
    def has_work(self) -> bool:
        """Whether there is any platform to ask."""
        return bool(self._carriers)

    def run(self, _details: dict[str, Any]) -> None:
        """Ask about every parcel that is due. An account that fails leaves the others alone."""
        if not self._begun:  # an account may have gone since
            self._db.run(release_parcels, [one.name for one in self._carriers])
            self._begun = True
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
            asked = self._ask_all(carrier)
        except (AccountRefused, CarrierUnreachable, Unreadable) as error:
            pause = self._db.run(_note_failure, carrier, str(error))
            log.warning("a carrier fails", carrier=carrier.name, error=str(error), pause=pause)
        else:
            self._db.run(_note_success, carrier, asked)

    def _ask_all(self, carrier: Carrier) -> int:
        """Returns how many rounds of requests it took."""
        client = carrier.client()
        try:
            for asked in range(MOST_REQUESTS):
                due = self._db.run(claim_asks, carrier.name, carrier.at_once, PARCEL_LEASE)
                if not due:
                    return asked
                fresh = [one for one in due if _is_fresh(carrier, one[0])]
                known = [one for one in due if not _is_fresh(carrier, one[0])]
                for group, deed in ((fresh, carrier.subscribe), (known, carrier.ask)):
                    if group:
                        answers = deed(client, [wanted(*one) for one in group])
                        self._take(carrier, group, answers)
                        self._pause(1 / carrier.per_second)
                self._db.run(_keep, carrier)
            return MOST_REQUESTS
        finally:
            client.close()

    def _take(self, carrier: Carrier, group: Sequence[Sent], answers: Answers) -> None:
        """Store the answers, each by itself: one that cannot be stored leaves the others alone."""
        for parcel, _ in group:
            answer = answers.get(parcel.tracking_number, Refused("no answer"))
            try:
                self._db.run(_take_answer, carrier, parcel.id or 0, answer, self._watched)
            except Exception as error:  # asked again when its lease ends
                log.error("an answer is not stored", parcel=parcel.id, error=traced(error))


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
    by_number: dict[str, list[Told]] = {}
    for one in told:
        by_number.setdefault(one.number, []).append(one)
    for number, parts in sorted(by_number.items()):
        steps = [step for part in parts for step in part.steps]
        parcel = apply_steps(session, steps) if steps else parcel_by_tracking(session, number)
        if parcel is not None and any(part.again for part in parts):
            _watch_again(parcel)
            session.add(parcel)
    sources.heard(session, state_name(carrier))
    return "accepted"


def take_unreadable(session: Session, carrier: Carrier, error: Unreadable) -> Outcome:
    """Take what can be read of a signed call, and keep for `xiaoer doctor` what was wrong."""
    take_call(session, carrier, error.others)
    sources.failed(session, state_name(carrier), str(error))
    return "refused"


def _assign(session: Session, carriers: Sequence[Carrier], watched: timedelta) -> int:
    """Give parcels that are new to one of the accounts. Returns how many were looked at."""
    found = claim_asks(session, "", ASSIGNED_AT_ONCE)
    for parcel, order in found:
        carrier = None if _is_nameless(parcel, order) else _account_for(parcel, order, carriers)
        is_old = parcel.status == Status.DELIVERED or now() - _begun(parcel, order) > watched
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


def _take_answer(
    session: Session, carrier: Carrier, parcel_id: int, answer: Told | Refused, watched: timedelta
) -> None:
    parcel = session.get_one(Parcel, parcel_id, with_for_update=True)
    session.add(parcel)
    if isinstance(answer, Refused):
        _put_off(parcel, answer)
        log.info("a parcel is not known", carrier=carrier.name, parcel=parcel_id, why=answer.why)
        return
    if answer.steps:
        apply_steps(session, answer.steps)
    if answer.again:
        _watch_again(parcel)
        return
    is_new = _is_fresh(carrier, parcel)
    if is_new:
        parcel.subscribed_at = now()
    else:
        parcel.failures = 0
    if not carrier.asks:
        parcel.ask_at = None  # from now on the platform calls
    elif is_new:
        parcel.ask_at = now() + timedelta(minutes=10)  # it has to look for itself first
    else:
        order = session.get(Order, parcel.order_id) if parcel.order_id else None
        begun = _begun(parcel, order)
        parcel.ask_at = next_ask(parcel.status, parcel.status_at, begun, now(), watched)


def _is_fresh(carrier: Carrier, parcel: Parcel) -> bool:
    """Whether the platform has to be told of the parcel first."""
    return carrier.subscribes and parcel.subscribed_at is None


def _begun(parcel: Parcel, order: Order | None) -> datetime:
    """Since when the parcel is on its way, also where an old order has only just been imported."""
    shipped = order.status_at if order is not None else None
    return min(parcel.created_at, shipped or parcel.created_at)


def _watch_again(parcel: Parcel) -> None:
    """The platform gave up: let it begin anew, but not for ever."""
    parcel.failures += 1
    parcel.subscribed_at = None
    ends = parcel.status == Status.DELIVERED or parcel.failures >= MOST_FAILURES
    parcel.ask_at = None if ends else now() + AGAIN


def _put_off(parcel: Parcel, refused: Refused) -> None:
    parcel.failures += 1
    ends = refused.for_good or parcel.failures >= MOST_FAILURES
    parcel.ask_at = None if ends else now() + timedelta(hours=2) * 2 ** (parcel.failures - 1)


def _keep(session: Session, carrier: Carrier) -> None:
    source_state(session, state_name(carrier)).due_at = now() + LEASE


def _note_success(session: Session, carrier: Carrier, asked: int) -> None:
    state = source_state(session, state_name(carrier))
    state.due_at = now()
    if asked and state.failures:
        state.failures, state.error = 0, ""
    if asked:
        state.heard_at = now()


def _note_failure(session: Session, carrier: Carrier, error: str) -> int:
    """Returns for how many seconds the account is left alone: twice as long each time."""
    state = sources.failed(session, state_name(carrier), error)
    state.failures += 1
    pause: timedelta = min(timedelta(minutes=1) * 2 ** min(state.failures, 10), LONGEST_PAUSE)
    state.due_at = now() + pause
    return round(pause.total_seconds())
