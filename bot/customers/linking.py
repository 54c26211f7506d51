"""Proves that a chat belongs to an order's customer, and limits guessing."""

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from bot.customers import consent
from storage.models.care import can_be_told, move_care
from storage.models.coupons import move_coupons
from storage.models.customers import Customer, Identity, by_phone, identities_of
from storage.models.orders import LookupAttempt, Order, attempts_since, order_by_number
from storage.models.profiles import is_nobody, move_profile
from storage.models.remarks import move_notes

CHAT_GUESSES, CHAT_WINDOW = 5, timedelta(hours=1)
"""Wrong guesses that one chat has, and in what time."""
ORDER_GUESSES, ORDER_WINDOW = 10, timedelta(days=1)
"""Wrong guesses that one order stands from all chats together, and in what time."""
_LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it; `order` is there only when the outcome is `linked`."""

    outcome: Literal["linked", "wrong", "locked"]
    order: Order | None = None


def prove(
    session: Session, identity: Identity, order_number: str, last4: str, at: datetime
) -> Proof:
    """Try an order's number with the last four digits of the phone it was ordered with.

    On success a chat that is nobody's yet becomes the chat of the order's customer; a chat that
    is already another customer's stays theirs, and the proof counts for this order only. An
    order without a customer (a guest's) becomes the customer's behind the chat. A wrong number
    and a wrong phone are told apart by nothing. The caller holds the identity's row.
    """
    number = _canonical(order_number)
    order = find_order(session, order_number, lock=True)
    if _is_locked(session, identity, number, at):
        return Proof("locked")
    if order is None or not _matches(session, order, last4):
        count_guess(session, identity, number, at)
        return Proof("wrong")
    _link(session, identity, order, at)
    return Proof("linked", order)


def vouch(session: Session, identity: Identity, order_number: str, at: datetime) -> Order | None:
    """Link a chat to an order's customer as somebody of the shop says; None for an unknown order.

    With them join the customer's other chats, orders and notes. A chat that is another customer's
    stays theirs. The caller holds the identity's row.
    """
    order = find_order(session, order_number, lock=True)
    if order is not None:
        _link(session, identity, order, at)
    return order


def prove_by_phone(session: Session, identity: Identity, phone: str, at: datetime) -> bool:
    """Link a chat by a phone number that the platform vouches for; True when it is linked now.

    It has to be the number of exactly one customer of the shop, and the chat nobody's yet: one
    that is another customer's stays theirs. `phone` is in international form, with or without +.
    The caller holds the identity's row.
    """
    found = by_phone(session, spellings(phone))
    if identity.linked_at is not None:
        return identity.customer(session) in found
    if len(found) != 1:
        return False
    join(session, identity, found[0], at)
    return True


def spellings(phone: str) -> list[str]:
    """The ways in which a shop may write the number `phone`, which is in international form.

    Without the country's code only Chinese mobile numbers are recognised: elsewhere the same
    digits may be somebody else's in another country.
    """
    digits = "".join(one for one in phone if one in "0123456789")
    if len(digits) < 8:
        return []
    national = digits.removeprefix("86")
    is_chinese = digits.startswith("861") and len(national) == 11
    ways = [f"+{digits}", f"00{digits}", *([national, f"+86 {national}"] if is_chinese else [])]
    return ways if digits[0] == "1" and len(digits) == 11 else [*ways, digits]


def may_see(session: Session, identity: Identity, order: Order) -> bool:
    """Whether this chat is linked to the customer whose order this is."""
    return identity.linked_at is not None and identity.customer_id == order.customer_id


def find_order(session: Session, number: str, *, lock: bool = False) -> Order | None:
    """The order that a customer calls `number`, in whatever case or width it was typed.

    Some shops write their numbers with a `#` and customers leave it out, or the other way round.
    """
    plain = unicodedata.normalize("NFKC", number).strip()[:_LONGEST_NUMBER].lstrip("#")
    for spelling in dict.fromkeys((plain, plain.upper(), plain.lower(), f"#{plain}")):
        order = order_by_number(session, spelling, lock=lock)
        if order is not None:
            return order
    return None


def _canonical(number: str) -> str:
    return unicodedata.normalize("NFKC", number).strip()[:_LONGEST_NUMBER].lstrip("#").upper()


def count_guess(session: Session, identity: Identity, number: str, at: datetime) -> None:
    """Remember that the chat guessed wrongly at `number`."""
    assert identity.id is not None
    session.add(LookupAttempt(identity_id=identity.id, order_number=number, at=at))
    session.flush()


def is_guessing(session: Session, identity: Identity, at: datetime) -> bool:
    """Whether the chat has guessed wrongly too often."""
    return attempts_since(session, at - CHAT_WINDOW, identity_id=identity.id) >= CHAT_GUESSES


def guesses_at(session: Session, number: str, since: datetime) -> int:
    """How often any chat has guessed wrongly at `number`."""
    return attempts_since(session, since, order_number=number)


def _is_locked(session: Session, identity: Identity, number: str, at: datetime) -> bool:
    at_order = guesses_at(session, number, at - ORDER_WINDOW)
    return is_guessing(session, identity, at) or at_order >= ORDER_GUESSES


def _matches(session: Session, order: Order, last4: str) -> bool:
    """Compare in constant time; an order without a phone number matches nothing."""
    customer = session.get(Customer, order.customer_id) if order.customer_id else None
    phone = order.phone or (customer.phone if customer else "")
    known = phone[-4:] if len(phone) >= 4 else "none"
    same = hmac.compare_digest(known.encode(), last4.encode())
    return same and known != "none"


def _link(session: Session, identity: Identity, order: Order, at: datetime) -> None:
    if order.customer_id is None:
        order.customer_id = identity.customer_id
        session.add(order)
    if identity.linked_at is None:
        join(session, identity, session.get_one(Customer, order.customer_id), at)


def join(session: Session, identity: Identity, customer: Customer, at: datetime | None) -> None:
    """From now on the chat is `customer`'s, and so are those that were joined with it.

    `at` is when that was proved by an order or a phone number, None when it was not.
    """
    before = session.get_one(Customer, identity.customer_id)
    assert customer.id is not None
    assert before.id is not None
    for chat in identities_of(session, before.id):
        if chat.linked_at is None:
            chat.customer_id, chat.linked_at = customer.id, at
            session.add(chat)
    session.flush()
    _take_over(session, before, customer)
    can_be_told(session, customer.id)


def _take_over(session: Session, anonymous: Customer, customer: Customer) -> None:
    """What was said to us while we did not know who it was still holds."""
    customer.opted_out_at = customer.opted_out_at or anonymous.opted_out_at
    customer.language = customer.language or anonymous.language
    session.add(customer)
    assert anonymous.id is not None
    if anonymous is not customer and is_nobody(session, anonymous.id):
        assert customer.id is not None
        for move in (move_notes, move_care, move_coupons, move_profile):
            move(session, anonymous.id, customer.id)
        consent.take_over(session, anonymous.id, customer)
        session.delete(anonymous)
    session.flush()
