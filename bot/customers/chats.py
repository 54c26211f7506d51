"""One customer in several chats: joined by a code sent from one to the other, and parted again."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from bot.customers import linking
from storage.models.consents import copy_withdrawn
from storage.models.customers import Customer, Identity, identities_of
from storage.models.link_codes import LinkCode, forget_codes, live_code

LIFE = timedelta(minutes=10)
"""How long a code can be used."""
DIGITS = 6
WRONG_CODES = 50
"""Wrong codes in `LIFE` from all chats together, after which none is looked at for a while."""
_GUESSED = "link code"
"""What stands for an order's number where a wrong code is counted."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a code leads to. `other` is the chat that it was given to, unless it is wrong."""

    outcome: Literal["found", "same", "already", "different", "wrong", "locked"]
    other: Identity | None = None


def issue(session: Session, identity: Identity, at: datetime) -> str:
    """A new code for this chat; an earlier one is no longer good."""
    assert identity.id is not None
    forget_codes(session, identity.id, at)
    code = _new_code()
    while live_code(session, code, at) is not None:
        code = _new_code()
    session.add(LinkCode(code=code, identity_id=identity.id, expires_at=at + LIFE))
    return code


def look_up(session: Session, identity: Identity, code: str, at: datetime) -> Match:
    """What the code would do in this chat. A wrong one counts among the chat's wrong guesses.

    The caller holds the identity's row.
    """
    if _is_locked(session, identity, at):
        return Match("locked")
    found = live_code(session, code, at, lock=True)
    if found is None:
        linking.count_guess(session, identity, _GUESSED, at)
        return Match("wrong")
    other = session.get_one(Identity, found.identity_id, populate_existing=True)
    return Match(_outcome(identity, other), other)


def join(session: Session, identity: Identity, code: str, at: datetime) -> Match:
    """Make this chat and the one that got the code one customer's, when the code allows it.

    Whoever has proved who they are keeps what they have proved, and the other chat has it too.
    """
    match = look_up(session, identity, code, at)
    if match.outcome != "found" or match.other is None or match.other.id is None:
        return match
    forget_codes(session, match.other.id, at)
    known, unknown = match.other, identity
    if known.linked_at is None and unknown.linked_at is not None:
        known, unknown = unknown, known
    customer = session.get_one(Customer, known.customer_id, with_for_update=True)
    linking.join(session, unknown, customer, known.linked_at and at)
    return match


def part(session: Session, identity: Identity) -> bool:
    """Make the chat nobody's again; False when it is nobody's already.

    What the customer has bought stays theirs. The caller holds the identity's row.
    """
    is_alone = len(identities_of(session, identity.customer_id)) == 1
    if identity.linked_at is None and is_alone:
        return False
    before = identity.customer(session)
    nobody = Customer(
        name=identity.name, language=identity.language, opted_out_at=before.opted_out_at
    )
    session.add(nobody)
    session.flush()
    assert nobody.id is not None
    copy_withdrawn(session, identity.customer_id, nobody.id)
    identity.customer_id, identity.linked_at = nobody.id, None
    session.add(identity)
    session.flush()
    return True


def _outcome(
    identity: Identity, other: Identity
) -> Literal["found", "same", "already", "different"]:
    if other.id == identity.id:
        return "same"
    if other.customer_id == identity.customer_id:
        return "already"
    both_known = other.linked_at is not None and identity.linked_at is not None
    return "different" if both_known else "found"


def _is_locked(session: Session, identity: Identity, at: datetime) -> bool:
    return linking.is_guessing(session, identity, at) or (
        linking.guesses_at(session, _GUESSED, at - LIFE) >= WRONG_CODES
    )


def _new_code() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
