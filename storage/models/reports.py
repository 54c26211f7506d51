"""What reports ask of the tables: sums over a span of the shop's days, and how it is just now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from bot.core.messages import State
from bot.core.roles import Role
from storage.models.agents import Agent, AgentLogin
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.feedback import Feedback
from storage.models.gaps import Gap
from storage.models.sla import SlaClock
from storage.models.visits import Tally, Visit


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are meant: the shop's days from `first` to `last`, both counted; the moments at
    which they begin and end; a channel, an agent."""

    first: date
    last: date
    begin: datetime
    end: datetime
    channel: str = ""
    agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some spans in seconds: how many, the median and the 90th percentile (by nearest rank)."""

    number: int = 0
    median: int | None = None
    p90: int | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """How it is just now; `open_by_agent` has numbers by agents' ids."""

    waiting: int
    waiting_since: datetime | None
    open: int
    open_by_agent: dict[int, int]
    agents: dict[int, str]
    warned: int
    breached: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How many visits that began on a day ended in one way; `late` of them after a moment."""

    day: date
    outcome: str
    handoff: str
    number: int
    late: int


def endings(session: Session, scope: Scope, since: datetime) -> list[Ending]:
    """How visits ended; `late` are those in which something was said after `since`."""
    named = col(Visit.day), col(Visit.outcome), col(Visit.handoff)
    late = func.sum(case((col(Visit.last_at) > since, 1), else_=0))
    query = select_columns(*named, func.count(), late).where(*_visits(scope)).group_by(*named)
    return [
        Ending(day, outcome, handoff, number, int(late))
        for day, outcome, handoff, number, late in session.execute(query)
    ]


def visits_by_hour(session: Session, scope: Scope) -> list[tuple[str, int, int]]:
    """Numbers of visits by channel and hour."""
    named = col(Visit.channel), col(Visit.hour)
    query = select_columns(*named, func.count()).where(*_visits(scope)).group_by(*named)
    return [tuple(row) for row in session.execute(query)]


def tallies_by(session: Session, scope: Scope, kind: str, *columns: str) -> list[tuple[Any, ...]]:
    """What was counted of a kind by the values of `columns`, each row ending with its number."""
    named = [col(getattr(Tally, name)) for name in columns]
    where: list[Any] = [
        Tally.kind == kind,
        col(Tally.day) >= scope.first,
        col(Tally.day) <= scope.last,
    ]
    if scope.channel:
        where.append(Tally.channel == scope.channel)
    if scope.agent_id is not None and kind == "message":
        where.append(Tally.agent_id == scope.agent_id)
    query = select_columns(*named, func.sum(col(Tally.number))).where(*where).group_by(*named)
    return [(*row[:-1], int(row[-1])) for row in session.execute(query)]


def spread(session: Session, scope: Scope, name: str) -> Spread:
    """How the seconds in the column `name` of visits (`wait`, `work`, `whole`) are spread."""
    column = col(getattr(Visit, name))
    placed = (
        select_columns(
            column.label("value"),
            func.row_number().over(order_by=column).label("place"),
            func.count().over().label("number"),
        )
        .where(*_visits(scope), column.is_not(None))
        .subquery()
    )
    value, place, number = placed.c
    median, p90 = ((number * percent + 99) // 100 for percent in (50, 90))
    query = select_columns(number, value).where(place.in_([median, p90])).order_by(place)
    found = session.execute(query).all()  # one row where both are the same place
    return Spread(found[0].number, found[0].value, found[-1].value) if found else Spread()


def agent_visits(session: Session, scope: Scope) -> list[tuple[int, int, int, float | None]]:
    """For each agent: id, visits they had, those that are over, the mean wait in seconds."""
    agent = col(Visit.agent_id)
    query = (
        select_columns(agent, func.count(), func.count(col(Visit.whole)), func.avg(col(Visit.wait)))
        .where(*_visits(scope), agent.is_not(None))
        .group_by(agent)
    )
    return [
        (row[0], row[1], row[2], None if row[3] is None else float(row[3]))
        for row in session.execute(query)
    ]


def targets(session: Session, scope: Scope) -> list[tuple[str, int, int]]:
    """Of the promises that began in the span and are decided, by kind: how many, how many kept."""
    kept = func.sum(case((col(SlaClock.outcome) == "met", 1), else_=0))
    where = [
        col(SlaClock.started_at) >= scope.begin,
        col(SlaClock.started_at) < scope.end,
        (col(SlaClock.outcome) == "met") | col(SlaClock.breached_at).is_not(None),
    ]
    query = select_columns(col(SlaClock.kind), func.count(), kept).where(*where)
    query = _of_conversation(query, col(SlaClock.conversation_id), scope)
    return [(row[0], row[1], int(row[2])) for row in session.execute(query.group_by(SlaClock.kind))]


def ratings(session: Session, scope: Scope) -> list[tuple[int | None, int | None, int]]:
    """Of the ratings asked for in the span: agent, rating (None: no answer), how many."""
    agent, rating = col(Feedback.agent_id), col(Feedback.rating)
    where = [col(Feedback.asked_at) >= scope.begin, col(Feedback.asked_at) < scope.end]
    where.append(~col(Feedback.of_purchase))
    if scope.agent_id is not None:
        where.append(agent == scope.agent_id)
    query = select_columns(agent, rating, func.count()).where(*where)
    if scope.channel:
        query = _of_channel(query, col(Feedback.conversation_id), scope.channel)
    return [tuple(row) for row in session.execute(query.group_by(agent, rating))]


def gap_reasons(session: Session, scope: Scope) -> list[tuple[str, int]]:
    """Why questions of the span are gaps of the FAQ that nobody has closed, and how many."""
    where = [
        col(Gap.created_at) >= scope.begin,
        col(Gap.created_at) < scope.end,
        col(Gap.closed_at).is_(None),
    ]
    query = select_columns(col(Gap.reason), func.count()).where(*where).group_by(Gap.reason)
    return [tuple(row) for row in session.execute(query)]


def gaps_in(session: Session, scope: Scope, most: int) -> list[Gap]:
    """The open gaps of the span, newest first, at most `most`."""
    query = (
        select(Gap)
        .where(
            col(Gap.created_at) >= scope.begin,
            col(Gap.created_at) < scope.end,
            col(Gap.closed_at).is_(None),
        )
        .order_by(col(Gap.created_at).desc())
        .limit(most)
    )
    return list(session.exec(query))


def longest_waits(
    session: Session, scope: Scope, most: int
) -> list[tuple[int, str, str, int | None]]:
    """The visits of the span that waited longest for a person: conversation, the customer's name
    in that chat, channel, seconds."""
    query = (
        select_columns(
            col(Visit.conversation_id), col(Identity.name), col(Visit.channel), col(Visit.wait)
        )
        .join(Identity, col(Identity.id) == Visit.identity_id)
        .where(*_visits(scope), col(Visit.wait).is_not(None))
        .order_by(col(Visit.wait).desc(), col(Visit.id))
        .limit(most)
    )
    return [tuple(row) for row in session.execute(query)]


def channels(session: Session) -> list[str]:
    """The channels that customers came by, ever."""
    return sorted(session.exec(select(Visit.channel).distinct()))


def just_now(session: Session, logged_in_since: datetime) -> Now:
    """How it is just now; an agent is there who logged in since a moment and has not logged out."""
    state, since = col(Conversation.state), func.min(Conversation.waiting_since)
    busy = [State.WAITING, State.OPEN]
    query = select_columns(state, col(Conversation.agent_id), func.count(), since)
    rows = session.execute(
        query.where(state.in_(busy)).group_by(state, col(Conversation.agent_id))
    ).all()
    waits = [row for row in rows if row[0] == State.WAITING]
    taken = [row for row in rows if row[0] == State.OPEN]
    began = [row[3] for row in waits if row[3] is not None]
    warned, breached = _alerts(session, busy)
    return Now(
        waiting=sum(row[2] for row in waits),
        waiting_since=min(began, default=None),
        open=sum(row[2] for row in taken),
        open_by_agent={row[1]: row[2] for row in taken if row[1] is not None},
        agents=_logged_in(session, logged_in_since),
        warned=warned,
        breached=breached,
    )


def _alerts(session: Session, states: Sequence[str]) -> tuple[int, int]:
    """How many conversations have a running clock that warned, and one that ran out."""
    breached = func.max(case((col(SlaClock.breached_at).is_not(None), 1), else_=0))
    query = (
        select_columns(breached)
        .join(Conversation, col(Conversation.id) == SlaClock.conversation_id)
        .where(
            col(Conversation.state).in_(states),
            col(SlaClock.ended_at).is_(None),
            col(SlaClock.warned_at).is_not(None),
        )
        .group_by(col(SlaClock.conversation_id))
    )
    found = [row[0] for row in session.execute(query)]
    return len(found) - sum(found), sum(found)


def _logged_in(session: Session, since: datetime) -> dict[int, str]:
    query = (
        select(Agent)
        .join(AgentLogin, col(AgentLogin.agent_id) == Agent.id)
        .where(
            col(Agent.active).is_(True),
            col(AgentLogin.ended_at).is_(None),
            col(AgentLogin.created_at) >= since,
        )
        .order_by(col(Agent.name))
    )
    return {agent.id: agent.name for agent in session.exec(query) if agent.id is not None}


def _visits(scope: Scope) -> list[Any]:
    """That a visit is in the scope."""
    where: list[Any] = [col(Visit.day) >= scope.first, col(Visit.day) <= scope.last]
    if scope.channel:
        where.append(Visit.channel == scope.channel)
    if scope.agent_id is not None:
        where.append(Visit.agent_id == scope.agent_id)
    return where


def _of_conversation(query: Any, conversation_id: Any, scope: Scope) -> Any:
    """The query for the scope's channel and agent, by the conversation."""
    if scope.channel:
        query = _of_channel(query, conversation_id, scope.channel)
    elif scope.agent_id is not None:
        query = query.join(Conversation, col(Conversation.id) == conversation_id)
    if scope.agent_id is not None:
        query = query.where(Conversation.agent_id == scope.agent_id)
    return query


def _of_channel(query: Any, conversation_id: Any, channel: str) -> Any:
    return (
        query.join(Conversation, col(Conversation.id) == conversation_id)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .where(Identity.channel == channel)
    )


def owners_in_wecom(session: Session) -> list[str]:
    """The WeCom user ids of the owners at work, in the order of their logins."""
    query = select(Agent.wecom_id).where(
        col(Agent.wecom_id).is_not(None), col(Agent.active).is_(True), Agent.role == Role.OWNER
    )
    return [one for one in session.exec(query.order_by(col(Agent.login))) if one]
