"""Bringing a person: the conversation joins the queue and the bot falls silent."""

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import HandoffRequested, HandoffWithdrawn, emit
from bot.core.messages import State
from bot.delivery import outbox
from bot.escalation.teams import NO_TEAMS, Matter, Teams
from storage.models.conversations import Conversation, waiting_before

ELSEWHERE = "wecom"
"""`handoff_reason` of a conversation that somebody has in the company's own client."""


def hand_over(
    session: Session,
    conversation: Conversation,
    reason: str,
    matter: Matter | None = None,
    teams: Teams = NO_TEAMS,
) -> int:
    """Put the conversation in the queue for agents.

    `reason` is a short key: `asked`, `misses`, `entry:<id>`, `locked`, `rule:<name>`; by the
    `matter` it becomes one of the `teams`'. Returns the position in its team's queue, 1 for the
    next to be served. Handing over twice changes nothing.
    """
    if conversation.state == State.BOT:
        conversation.state = State.WAITING
        conversation.waiting_since = now()
        conversation.handoff_reason = reason
        conversation.prompt = None
        conversation.at_head = False
        if matter is not None:
            conversation.team, conversation.skill = teams.team_for(matter), teams.skill_for(matter)
        outbox.touch(session, conversation)
        assert conversation.id is not None
        emit(session, HandoffRequested(conversation.id, reason))
    return ahead_of(session, conversation, teams) + 1


def ahead_of(session: Session, conversation: Conversation, teams: Teams) -> int:
    """How many are served before this one, which waits in its team's queue."""
    return waiting_before(session, conversation, teams.queue(conversation.team))


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
