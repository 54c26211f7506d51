"""A sending to many as the planner knows it: a journey like those in files, without a trigger."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.care.journeys import Journey
from bot.core.clock import now
from storage.models.care import Sending
from storage.models.sendings import sendings_with

ROOM = "sending"
"""What the names of such journeys begin with."""


def journey_of(sending: Sending) -> Journey:
    """The journey that writes a sending's messages; it was checked when it was made."""
    values: dict[str, Any] = {
        "name": name_of(sending),
        "trigger": ROOM,
        "purpose": sending.purpose,
        "valid": sending.valid_until - sending.created_at,
        "paused": sending.state == "paused",
        "enabled": sending.state != "stopped",
        "pool": sending.pool,
        "holdout": sending.holdout_percent / 100,
        "texts": {language: {"warm": text} for language, text in sending.texts.items()},
    }
    return Journey.model_construct(**values)


def find(session: Session, names: Collection[str]) -> Mapping[str, Journey]:
    """The journeys with these names that are sendings."""
    ids = [int(name.partition(":")[2]) for name in names if name.startswith(f"{ROOM}:")]
    found = sendings_with(session, ids) if ids else []
    return {name_of(one): journey_of(one) for one in found}


def name_of(sending: Sending) -> str:
    """`sending:7`: names can be given again, ids cannot."""
    return f"{ROOM}:{sending.id}"


def planned(sending: Sending, journey: Journey, customer_id: int, at: datetime) -> dict[str, Any]:
    """The care message of one customer, due now."""
    return {
        "journey": journey.name,
        "subject": journey.name,
        "customer_id": customer_id,
        "sending_id": sending.id,
        "purpose": sending.purpose,
        "variant": journey.variant_for(customer_id, 0.0),
        "due_at": at,
        "valid_until": sending.valid_until,
        "created_at": now(),
    }
