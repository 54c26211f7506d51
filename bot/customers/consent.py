"""What customers agree to: asked, given and withdrawn, where it came from and in which words.

The ledger only grows; by purpose and channel its newest entry holds. `Customer.opted_out_at` tells
quickly whether somebody said stop, and follows the ledger.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from bot.core.clock import now
from storage.models.consents import (
    BACK_IN_STOCK,
    MARKETING,
    NEWS,
    Consent,
    ConsentState,
    consents_of,
    move_consents,
    newest_consent,
)
from storage.models.customers import Customer
from storage.models.stock_watches import StockWatch, drop_watches, move_watches, watch_of
from storage.models.upsert import insert_or_ignore

MAX_WORDING = 500
"""How much of what was said is kept, in characters."""


class Told(Protocol):
    """What another system says of one consent."""

    @property
    def purpose(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def given(self) -> bool: ...
    @property
    def wording(self) -> str: ...
    @property
    def at(self) -> datetime: ...


def enter(
    session: Session,
    customer: Customer,
    state: ConsentState,
    source: str,
    wording: str,
    *,
    purpose: str = MARKETING,
    channel: str = "",
    at: datetime | None = None,
) -> Consent:
    """Add an entry to the ledger; `channel` is empty where it holds on all. Returns the entry."""
    assert customer.id is not None
    entry = Consent(
        customer_id=customer.id,
        purpose=purpose,
        channel=channel,
        state=state,
        source=source,
        wording=wording.strip()[:MAX_WORDING],
        at=at or now(),
    )
    session.add(entry)
    session.flush()
    if purpose == MARKETING:
        _follow(session, customer, entry)
    return entry


def stop(session: Session, customer: Customer, wording: str, at: datetime) -> None:
    """They said stop: no advertising on any channel, and no message that they wished for once."""
    enter(session, customer, ConsentState.WITHDRAWN, "chat", wording, at=at)
    assert customer.id is not None
    drop_watches(session, customer.id)


def tell_news(
    session: Session, customer: Customer, wording: str, at: datetime, *, is_wanted: bool
) -> None:
    """Whether they want to be told of their orders and parcels by itself; asking goes on."""
    state = ConsentState.GIVEN if is_wanted else ConsentState.WITHDRAWN
    enter(session, customer, state, "chat", wording, purpose=NEWS, at=at)


def wants_news(session: Session, customer: Customer) -> bool:
    """Whether they are told of their orders; who never said anything is."""
    return state_of(session, customer, NEWS) != ConsentState.WITHDRAWN


def state_of(
    session: Session, customer: Customer, purpose: str = MARKETING, channel: str = ""
) -> ConsentState | None:
    """What holds for a purpose on a channel; None where nothing was ever said."""
    assert customer.id is not None
    found = newest_consent(session, customer.id, purpose, channel)
    return ConsentState(found.state) if found else None


def in_force(session: Session, customer_id: int) -> list[Consent]:
    """For each purpose and channel of which something was said, the entry that holds."""
    newest: dict[tuple[str, str], Consent] = {}
    for entry in consents_of(session, customer_id):
        newest.setdefault((entry.purpose, entry.channel), entry)
    whole = {purpose: one for (purpose, channel), one in newest.items() if not channel}
    return [
        one
        for (purpose, channel), one in newest.items()
        if not channel or purpose not in whole or one.at >= whole[purpose].at
    ]


def told_by_shop(session: Session, customer: Customer, told: Sequence[Told]) -> None:
    """Keep what the shop's system says was agreed to elsewhere; the same thing is kept once."""
    assert customer.id is not None
    known = {_said(one) for one in consents_of(session, customer.id) if one.source == "event"}
    for one in told:
        state = ConsentState.GIVEN if one.given else ConsentState.WITHDRAWN
        if (one.purpose, one.channel, state, one.at) not in known:
            enter(
                session, customer, state, "event", one.wording,
                purpose=one.purpose, channel=one.channel, at=one.at,
            )  # fmt: skip


def watch(
    session: Session, customer: Customer, product_id: int, wording: str, at: datetime
) -> bool:
    """They want to be told once when a product is back. False when that was wished already.

    It is no consent to advertising: one message, about what they asked for, and the wish is over.
    """
    assert customer.id is not None
    entry = StockWatch(customer_id=customer.id, product_id=product_id, asked_at=at)
    is_new = insert_or_ignore(session, entry)
    if not is_new:
        known = watch_of(session, customer.id, product_id)
        is_new = known is not None and known.told_at is not None
        if known is not None and is_new:
            known.asked_at, known.told_at = at, None
            session.add(known)
    if is_new:
        enter(session, customer, ConsentState.GIVEN, "chat", wording, purpose=BACK_IN_STOCK, at=at)
    return is_new


def take_over(session: Session, anonymous: int, customer: Customer) -> None:
    """What was said while we did not know who it was is now `customer`'s. A stop stays a stop."""
    assert customer.id is not None
    move_consents(session, anonymous, customer.id)
    move_watches(session, anonymous, customer.id)
    is_out = customer.opted_out_at is not None
    if is_out and state_of(session, customer) != ConsentState.WITHDRAWN:
        enter(session, customer, ConsentState.WITHDRAWN, "link", "")


def _said(entry: Consent) -> tuple[str, str, str, datetime]:
    return entry.purpose, entry.channel, entry.state, entry.at


def _follow(session: Session, customer: Customer, entry: Consent) -> None:
    """`opted_out_at` after an entry about advertising; one that came late changes nothing."""
    assert customer.id is not None
    newest = newest_consent(session, customer.id, MARKETING, entry.channel)
    if newest is None or newest.id != entry.id:
        return
    if entry.state == ConsentState.GIVEN:
        customer.opted_out_at = None
    elif entry.state == ConsentState.WITHDRAWN and not entry.channel:
        customer.opted_out_at = customer.opted_out_at or entry.at
    session.add(customer)
