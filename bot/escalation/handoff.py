"""Bringing a person: the conversation joins the queue and the bot falls silent."""

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import HandoffRequested, HandoffWithdrawn, emit
from bot.core.messages import State
from bot.delivery import outbox
from storage.models.conversations import Conversation, waiting_before


def hand_over(session: Session, conversation: Conversation, reason: str) -> int:
    """Put the conversation in the queue for agents.

    `reason` is a short key: `asked`, `misses`, `entry:<id>`, `locked`. Returns the position
    in the queue, 1 for the next to be served. Handing over twice changes nothing.
    """
    if conversation.state == State.BOT:
        conversation.state = State.WAITING
        conversation.waiting_since = now()
        conversation.handoff_reason = reason
        conversation.prompt = None
        outbox.touch(session, conversation)
        assert conversation.id is not None
        emit(session, HandoffRequested(conversation.id, reason))
    return waiting_before(session, conversation) + 1


def back_to_bot(session: Session, conversation: Conversation) -> bool:
    """Take the conversation out of the queue at the customer's wish, unless a person has it."""
    if conversation.state != State.WAITING:
        return False
    conversation.state = State.BOT
    conversation.waiting_since = None
    conversation.misses = 0
    outbox.touch(session, conversation)
    assert conversation.id is not None
    emit(session, HandoffWithdrawn(conversation.id))
    return True
