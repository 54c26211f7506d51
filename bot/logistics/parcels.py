"""What a carrier's step does to a parcel, and the parcel as answers show it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.events import ParcelMoved, emit
from bot.logistics.status import Status, is_newer
from bot.words.dates import moment_text
from bot.words.phrases import Voice
from storage.models.orders import (
    Order,
    Parcel,
    TrackingEvent,
    order_by_number,
    parcel_by_tracking,
    parcels_of,
    tracking_of,
)
from storage.models.upsert import insert_or_ignore

STEPS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a parcel's way. At least one of the two numbers is given.

    `text` is the carrier's own words, `at` an aware moment.
    """

    status: Status
    at: datetime
    order_number: str | None = None
    tracking_number: str | None = None
    carrier: str = ""
    text: str = ""
    place: str = ""


def apply_step(session: Session, step: Step) -> Parcel:
    """Store a step; the parcel's status is that of its newest step by time.

    A repeated step has no second effect. Emits `ParcelMoved` when the status changed to a
    newer one. Returns the parcel.
    """
    parcel = _parcel(session, step)
    parcel.carrier = parcel.carrier or step.carrier
    assert parcel.id is not None
    row = TrackingEvent(
        parcel_id=parcel.id, at=step.at, status=step.status, text=step.text, place=step.place
    )
    is_new = insert_or_ignore(session, row)
    moved = False
    if is_new and is_newer(step.at, step.status, parcel.status_at, parcel.status):
        moved = parcel.status != step.status
        parcel.status, parcel.status_at = step.status, step.at
    session.add(parcel)
    session.flush()
    if moved:
        emit(session, ParcelMoved(parcel.id, step.status))
    return parcel


def parcel_facts(session: Session, parcel: Parcel, language: str, voice: Voice) -> dict[str, str]:
    """The parcel as answers show it: texts in `language`, empty where nothing is known.

    Keys: carrier, tracking_number, status_text, latest, latest_place, latest_at (in the shop's
    time zone).
    """
    assert parcel.id is not None
    latest = next(iter(tracking_of(session, parcel.id)), None)
    return parcel_texts(parcel, latest, language, voice, nameless=_is_nameless(session, parcel))


def parcel_texts(
    parcel: Any, latest: Any, language: str, voice: Voice, *, nameless: bool
) -> dict[str, str]:
    """`parcel_facts` of a parcel's row and its newest step's, if there is one."""
    return {
        "carrier": parcel.carrier,
        "tracking_number": "" if nameless else parcel.tracking_number,
        "status_text": _status_text(parcel.status, language, voice),
        "latest": _words(latest, language, voice) if latest else "",
        "latest_place": latest.place if latest else "",
        "latest_at": moment_text(latest.at, voice.words.shop.zone, language) if latest else "",
    }


def way_texts(session: Session, parcel: Parcel, language: str, voice: Voice) -> list[str]:
    """The last steps of the parcel's way, each as one line, the newest first."""
    assert parcel.id is not None
    return [
        voice.say(
            "orders.step",
            language,
            at=moment_text(step.at, voice.words.shop.zone, language),
            place=step.place,
            text=_words(step, language, voice),
        )
        for step in tracking_of(session, parcel.id)[:STEPS_SHOWN]
    ]


def _words(step: TrackingEvent, language: str, voice: Voice) -> str:
    return step.text or _status_text(step.status, language, voice)


def _status_text(status: str, language: str, voice: Voice) -> str:
    return voice.say(f"orders.parcel_{status}", language) if status else ""


def _is_nameless(session: Session, parcel: Parcel) -> bool:
    order = session.get(Order, parcel.order_id) if parcel.order_id else None
    return order is not None and order.number == parcel.tracking_number


def _parcel(session: Session, step: Step) -> Parcel:
    """The step's parcel, its row held until the commit; parcel and order are made when new."""
    order = _order(session, step.order_number) if step.order_number else None
    name = step.tracking_number or (_only_parcel_of(session, order) if order else "")
    if order and step.tracking_number:
        _rename(session, order, step.tracking_number)
    insert_or_ignore(session, Parcel(tracking_number=name))
    parcel = parcel_by_tracking(session, name)
    assert parcel is not None
    session.refresh(parcel, with_for_update=True)
    if order is not None and parcel.order_id is None:
        parcel.order_id = order.id
    return parcel


def _order(session: Session, number: str) -> Order:
    insert_or_ignore(session, Order(number=number))
    order = order_by_number(session, number)
    assert order is not None
    return order


def _only_parcel_of(session: Session, order: Order) -> str:
    """The tracking number of the order's newest parcel.

    A parcel that moves before its own number is known goes by its order's number.
    """
    assert order.id is not None
    parcels = parcels_of(session, order.id)
    return parcels[0].tracking_number if parcels else order.number


def _rename(session: Session, order: Order, tracking_number: str) -> None:
    """Give the order's nameless parcel its tracking number, unless that one is taken."""
    nameless = parcel_by_tracking(session, order.number)
    if nameless is None or nameless.order_id != order.id:
        return
    if parcel_by_tracking(session, tracking_number) is None:
        nameless.tracking_number = tracking_number
        session.add(nameless)
        session.flush()
