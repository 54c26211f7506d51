"""Service-level targets: how long customers wait for people, and what happens when it is too long.

A clock runs in the team's working time and ends when a person, not the bot, has answered. When it
has to be looked at is worked out when it starts: a change of hours is for the clocks after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import traced
from bot.core.events import (
    AgentAnswered,
    Bus,
    ConversationResolved,
    ConversationTaken,
    CustomerAsked,
    HandoffRequested,
    HandoffWithdrawn,
    SlaBreached,
    SlaWarning,
    emit,
)
from bot.delivery import outbox
from bot.engine import Job
from bot.escalation.team import Target
from bot.escalation.teams import Teams
from storage.db import Database
from storage.models.conversations import Conversation, locked_conversation
from storage.models.sla import SlaClock, due_clocks, running

MET, LATE, DROPPED = "met", "late", "dropped"
ANSWERS = (Target.FIRST, Target.NEXT)
_AT_ONCE = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Promises:
    """Starts and ends the clocks of the teams as conversations go on."""

    teams: Teams

    def register(self, bus: Bus) -> None:
        """Follow who waits and who answers."""
        bus.on(HandoffRequested, self.waits)
        bus.on(CustomerAsked, self.asked)
        bus.on(ConversationTaken, self.taken)
        bus.on(AgentAnswered, self.answered)
        bus.on(ConversationResolved, self.resolved)
        bus.on(HandoffWithdrawn, self.withdrawn)

    def waits(self, session: Session, event: HandoffRequested) -> None:
        """From now on a person is awaited."""
        self._await_answer(session, event.conversation_id)
        self._start(session, event.conversation_id, Target.RESOLUTION)

    def asked(self, session: Session, event: CustomerAsked) -> None:
        """The customer wrote to a person; only the first message without an answer counts."""
        self._await_answer(session, event.conversation_id)

    def taken(self, session: Session, event: ConversationTaken) -> None:
        """An agent may step in where nobody asked for one."""
        self._start(session, event.conversation_id, Target.RESOLUTION)

    def answered(self, session: Session, event: AgentAnswered) -> None:
        """A person has answered."""
        _end(session, event.conversation_id, MET, ANSWERS)

    def resolved(self, session: Session, event: ConversationResolved) -> None:
        """All is done; an answer that was still owed is not owed any more."""
        _end(session, event.conversation_id, DROPPED, ANSWERS)
        _end(session, event.conversation_id, MET, (Target.RESOLUTION,))

    def withdrawn(self, session: Session, event: HandoffWithdrawn) -> None:
        """The customer would rather have the bot."""
        _end(session, event.conversation_id, DROPPED, tuple(Target))

    def _await_answer(self, session: Session, conversation_id: int) -> None:
        if not any(one.targets for one in self.teams.all):
            return
        conversation = session.get_one(Conversation, conversation_id)
        is_first = conversation.first_response_at is None
        if not any(one.kind in ANSWERS for one in running(session, conversation_id)):
            self._start(session, conversation_id, Target.FIRST if is_first else Target.NEXT)

    def _start(self, session: Session, conversation_id: int, target: Target) -> None:
        """Start a clock, unless nothing is promised or it runs already."""
        team = self.teams.called(session.get_one(Conversation, conversation_id).team)
        minutes = team.targets.get(target) if team else None
        if (
            team is None
            or minutes is None
            or any(o.kind == target for o in running(session, conversation_id))
        ):
            return
        started, hours = now(), team.hours
        due = hours.add_working_time(started, minutes)
        if due is None:  # nobody works as long as anybody knows
            return
        clock = SlaClock(
            conversation_id=conversation_id,
            kind=target,
            team=team.name,
            started_at=started,
            due_at=due,
            next_at=hours.add_working_time(started, minutes * team.warn_at),
        )
        session.add(clock)
        session.flush()


def jobs(db: Database) -> list[Job]:
    """Looks every minute for clocks that have come to their warning or their end."""
    return [Job("watch-targets", watch(db), "* * * * *")]


def watch(db: Database) -> Callable[[dict[str, Any]], None]:
    """The job: each clock in a transaction of its own, so that one that fails stops no other."""

    def run(_details: dict[str, Any]) -> None:
        at = now()
        for clock_id in db.run(due_clocks, at, _AT_ONCE):
            try:
                db.run(look_at, clock_id, at)
            except DBAPIError:
                raise
            except Exception as error:
                log.error("a target could not be looked at", clock=clock_id, error=traced(error))

    return run


def look_at(session: Session, clock_id: int, at: datetime) -> None:
    """Warn, or tell of the breach, if that is due and nobody has; the conversation is held."""
    clock = session.get_one(SlaClock, clock_id)
    conversation = locked_conversation(session, clock.conversation_id)
    session.refresh(clock)
    assert conversation is not None
    if clock.next_at is None or clock.next_at > at:  # ended, or done by another, meanwhile
        return
    _mark(session, clock, at)
    outbox.touch(session, conversation)


def _end(session: Session, conversation_id: int, outcome: str, kinds: tuple[Target, ...]) -> None:
    """End the clocks of these kinds; one that ran out since it was looked at is a breach first."""
    at = now()
    for clock in running(session, conversation_id):
        if clock.kind not in kinds:
            continue
        clock.ended_at = at  # before the breach is told: who was answered waits no more
        if clock.breached_at is None and clock.due_at <= at:
            _mark(session, clock, at)
        clock.outcome = LATE if outcome == MET and clock.breached_at else outcome
        clock.next_at = None
        session.add(clock)


def _mark(session: Session, clock: SlaClock, at: datetime) -> None:
    """Note in the row, and tell, how far the clock is. What has run out needs no warning."""
    news: type[SlaWarning | SlaBreached]
    clock.warned_at = clock.warned_at or at
    if clock.due_at <= at:
        clock.breached_at, clock.next_at, news = at, None, SlaBreached
    else:
        clock.next_at, news = clock.due_at, SlaWarning
    session.add(clock)
    session.flush()
    emit(session, news(clock.conversation_id, clock.kind, clock.team, clock.due_at))
