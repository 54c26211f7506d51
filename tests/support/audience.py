"""Many customers with a chat on Telegram, most of whom agreed to be advertised to."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import insert
from sqlmodel import Session

from bot.core.clock import now
from storage.models.base import new_row
from storage.models.consents import Consent
from storage.models.customers import Customer, Identity
from tests.support.sending import ACCOUNT

LONG_AGO = timedelta(days=30)


def gather(session: Session, count: int, strangers: Collection[int] = ()) -> list[int]:
    """So many customers, the chats `p1`, `p2` … theirs; those with these places did not agree."""
    at, places = now() - LONG_AGO, range(1, count + 1)
    customers = [
        new_row(Customer, name=f"顾客{place}", language="en" if place % 3 else "zh")
        for place in places
    ]
    statement = insert(Customer).returning(Customer.id, sort_by_parameter_order=True)  # type: ignore[call-overload]
    ids = [int(one) for one in session.connection().execute(statement, customers).scalars()]
    chats = [
        new_row(
            Identity, customer_id=customer, channel=ACCOUNT[0], account=ACCOUNT[1], chat=f"p{place}",
            linked_at=at, last_seen_at=at, created_at=at,
        )
        for place, customer in zip(places, ids, strict=True)
    ]  # fmt: skip
    session.connection().execute(insert(Identity), chats)
    agreed = [
        new_row(Consent, customer_id=customer, purpose="marketing", state="given", source="chat")
        for place, customer in zip(places, ids, strict=True)
        if place not in strangers
    ]
    session.connection().execute(insert(Consent), agreed)
    return ids
