"""What customers tell agents about offers: put into the ledger, with the words that were said."""

from sqlmodel import Session

from bot.core.errors import NotAllowed
from bot.customers import consent
from bot.customers.consent import MAX_WORDING
from bot.delivery import outbox
from bot.escalation.agents import held
from storage.models.audit import record
from storage.models.consents import MARKETING, Consent, ConsentState
from storage.models.customers import Customer, Identity


def note(
    session: Session,
    conversation_id: int,
    agent_id: int,
    state: ConsentState,
    wording: str,
    channel: str = "",
    source: str = "desk",
) -> Consent:
    """Note that the customer of a conversation agreed to offers, or wants none any more.

    `wording` is what they said, or where it stands. Raises `NotAllowed` without it.
    """
    if not 0 < len(wording.strip()) <= MAX_WORDING:
        raise NotAllowed(
            f"请写下客人是怎么说的（1 到 {MAX_WORDING} 个字符）。",
            f"Write down what the customer said, in 1 to {MAX_WORDING} characters.",
        )
    conversation = held(session, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    customer = session.get_one(Customer, identity.customer_id, with_for_update=True)
    entry = consent.enter(
        session, customer, state, source, wording, purpose=MARKETING, channel=channel
    )
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", f"consent.{state}", f"conversation:{conversation_id}")
    return entry


def agreed(session: Session, conversation_id: int, agent_id: int, wording: str) -> Consent:
    """`note` that they want offers."""
    return note(session, conversation_id, agent_id, ConsentState.GIVEN, wording)


def declined(session: Session, conversation_id: int, agent_id: int, wording: str) -> Consent:
    """`note` that they want none."""
    return note(session, conversation_id, agent_id, ConsentState.WITHDRAWN, wording)
