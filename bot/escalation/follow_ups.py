"""What is to be done about a conversation, by whom and by when: somebody rated it low, or was
named in a note."""

import re
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotFound
from bot.core.events import Bus, Rated
from bot.escalation.team import Team
from bot.escalation.teams import Teams
from storage import live
from storage.models.agents import Agent, all_agents
from storage.models.audit import record
from storage.models.conversations import Conversation
from storage.models.feedback import LOW, latest_feedback
from storage.models.remarks import FollowUp, open_follow_ups

LOW_RATING = "low_rating"
"""The kind of these follow-ups."""
MENTION = "mention"
"""The kind of those for whom a colleague named in a note."""
MOST = 100
"""Of one conversation; more are not looked at."""
WITHIN_MINUTES = 8 * 60
"""How soon, in working time: the same hour of the next working day, roughly."""


def register(bus: Bus, teams: Teams) -> None:
    """Give whoever resolved a conversation with a low rating something to do."""

    def rated(session: Session, event: Rated) -> None:
        number = event.conversation_id
        if event.rating > LOW or LOW_RATING in (one.kind for one in _open(session, number)):
            return
        feedback = latest_feedback(session, number)
        team = session.get_one(Conversation, number).team
        follow_up = FollowUp(
            conversation_id=number,
            agent_id=feedback.agent_id if feedback is not None else None,
            kind=LOW_RATING,
            due_at=due(teams.called(team), now()),
        )
        session.add(follow_up)
        live.touch(session, live.QUEUE)

    bus.on(Rated, rated)


def mention(session: Session, conversation_id: int, by: int, note: str) -> None:
    """Give the colleagues whom a note names, as `@login` or `@name`, something to look at."""
    told = {one.agent_id for one in _open(session, conversation_id) if one.kind == MENTION}
    for agent in all_agents(session):
        if agent.active and agent.id not in {by, *told} and _is_named(agent, note):
            due_at = now() + timedelta(days=1)
            session.add(
                FollowUp(
                    conversation_id=conversation_id, agent_id=agent.id, kind=MENTION, due_at=due_at
                )
            )  # fmt: skip
            live.touch(session, live.QUEUE)


def is_for(follow_up: FollowUp, agent_id: int | None) -> bool:
    """Whether an agent sees it among what is to be done: who was named alone, else everybody."""
    return follow_up.kind != MENTION or follow_up.agent_id == agent_id


def done(session: Session, follow_up_id: int, agent_id: int) -> None:
    """It has been done; doing it twice changes nothing. Raises `NotFound`."""
    follow_up = session.get(FollowUp, follow_up_id, with_for_update=True)
    if follow_up is None:
        raise NotFound("没有这项待办。", "There is no such follow-up.")
    if follow_up.done_at is not None:
        return
    follow_up.done_at, follow_up.done_by = now(), agent_id
    session.add(follow_up)
    record(session, f"agent:{agent_id}", "follow_up", f"conversation:{follow_up.conversation_id}")
    live.touch(session, live.QUEUE)


def _open(session: Session, conversation_id: int) -> list[FollowUp]:
    return [one for one, *_ in open_follow_ups(session, MOST, conversation_id)]


def _is_named(agent: Agent, note: str) -> bool:
    """As in "请@小满帮看一下", not within a Latin word or an address: "@amybeth", "me@amy.io"."""
    names = "|".join(re.escape(one) for one in (agent.login, agent.name) if one)
    pattern = rf"(?<![a-z0-9_.+-])@(?:{names})(?![a-z0-9_])"
    return re.search(pattern, note, re.IGNORECASE) is not None


def due(team: Team | None, at: datetime) -> datetime:
    """When a follow-up of `team` that comes up at `at` is to be done."""
    due_at = team.hours.add_working_time(at, WITHIN_MINUTES) if team is not None else None
    return due_at or at + timedelta(days=1)
