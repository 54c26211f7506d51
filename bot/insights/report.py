"""The figures of a report, with those of the span before beside them; see docs/numbers.md."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.core.messages import Author
from bot.insights.counting import SAME_QUESTION, Outcome
from bot.insights.spans import Wish
from storage.models import reports
from storage.models.desk import agent_names
from storage.models.reports import Ending, Scope, Spread
from storage.models.visits import counted_until

TOPICS = 20
"""How many of the busiest topics are listed."""
_ASKED = tuple(one for one in Outcome if one != Outcome.NOTHING)
_SAID = (Author.CUSTOMER, Author.BOT, Author.AGENT)


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures of a span. Shares are from 0 to 1, None where there is nothing to share.

    `visits` are all, `asked` those in which something was asked, `outcomes` theirs by kind.
    `provisional` of the resolved ones may still turn out otherwise. `rated` answered of `surveyed`.
    """

    visits: int
    messages: int
    asked: int
    outcomes: dict[str, int]
    provisional: int
    wait: Spread
    work: Spread
    whole: Spread
    targets: dict[str, tuple[int, int]]
    stars: dict[int, int]
    surveyed: int
    opt_outs: int
    gaps: int

    @property
    def resolution_rate(self) -> float | None:
        """The bot's: resolved of all visits in which something was asked, the unknown too."""
        return share(self.outcomes.get(Outcome.RESOLVED, 0), self.asked)

    @property
    def handoff_rate(self) -> float | None:
        """Visits with a person, of those in which something was asked."""
        return share(self.outcomes.get(Outcome.PERSON, 0), self.asked)

    @property
    def unknown_rate(self) -> float | None:
        """Visits that customers left in the middle, of those in which something was asked."""
        return share(self.outcomes.get(Outcome.UNKNOWN, 0), self.asked)

    @property
    def rated(self) -> int:
        """How many ratings came."""
        return sum(self.stars.values())

    @property
    def csat(self) -> float | None:
        """The average rating."""
        rated = self.rated
        return (
            sum(stars * number for stars, number in self.stars.items()) / rated if rated else None
        )

    @property
    def response_share(self) -> float | None:
        """How many of those who were asked for a rating gave one."""
        return share(self.rated, self.surveyed)

    @property
    def met_share(self) -> float | None:
        """Promises kept, of all that are decided."""
        numbers = self.targets.values()
        return share(sum(kept for _, kept in numbers), sum(number for number, _ in numbers))


@dataclass(frozen=True, slots=True)
class AgentLine:
    """What one agent did: visits they had, those that are over, messages, the mean wait for a
    first answer in seconds, ratings and their average."""

    id: int
    name: str
    visits: int = 0
    ended: int = 0
    messages: int = 0
    wait: float | None = None
    rated: int = 0
    csat: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures. `by_day` and `by_hour` have every day, and every hour with anything in it."""

    wish: Wish
    counted_until: datetime | None
    now: Headline
    before: Headline
    visits_by_day: dict[date, dict[str, int]]
    messages_by_day: dict[date, dict[str, int]]
    visits_by_hour: dict[str, dict[int, int]]
    messages_by_hour: dict[str, dict[int, int]]
    handoffs: dict[str, int]
    handoffs_before: dict[str, int]
    agents: list[AgentLine]
    topics: list[tuple[str, int, int]]
    gap_reasons: dict[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in the span."""
        return not (self.now.visits or self.now.messages)


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`, None of nothing."""
    return part / whole if whole else None


def report(session: Session, wish: Wish, zone: ZoneInfo, at: datetime) -> Report:
    """The report that is wished for, as it is at the moment `at`."""
    scope, before = wish.scope(zone), wish.before.scope(zone)
    ended, ended_before = (reports.endings(session, one, at - SAME_QUESTION)
                           for one in (scope, before))  # fmt: skip
    return Report(
        wish=wish,
        counted_until=counted_until(session),
        now=_headline(session, scope, ended),
        before=_headline(session, before, ended_before),
        visits_by_day=_by_day(wish, [(one.day, one.outcome, one.number) for one in ended]),
        messages_by_day=_by_day(wish, reports.tallies_by(session, scope, "message", "day", "name")),
        visits_by_hour=_by_hour(reports.visits_by_hour(session, scope)),
        messages_by_hour=_by_hour(reports.tallies_by(session, scope, "message", "channel", "hour")),
        handoffs=_handoffs(ended),
        handoffs_before=_handoffs(ended_before),
        agents=_agents(session, scope),
        topics=_topics(session, scope, before),
        gap_reasons=dict(reports.gap_reasons(session, scope)),
    )


def headline(session: Session, scope: Scope, at: datetime) -> Headline:
    """The figures of a span, as they are at the moment `at`."""
    return _headline(session, scope, reports.endings(session, scope, at - SAME_QUESTION))


def _headline(session: Session, scope: Scope, ended: Sequence[Ending]) -> Headline:
    outcomes: Counter[str] = Counter()
    for one in ended:
        outcomes[one.outcome] += one.number
    stars: Counter[int] = Counter()
    surveyed = 0
    for _agent, rating, number in reports.ratings(session, scope):
        surveyed += number
        if rating is not None:
            stars[rating] += number
    messages = dict(reports.tallies_by(session, scope, "message", "name"))
    return Headline(
        visits=sum(outcomes.values()),
        messages=sum(messages.get(author, 0) for author in _SAID),
        asked=sum(outcomes[one] for one in _ASKED if one in outcomes),
        outcomes=dict(outcomes),
        provisional=sum(one.late for one in ended if one.outcome == Outcome.RESOLVED),
        wait=reports.spread(session, scope, "wait"),
        work=reports.spread(session, scope, "work"),
        whole=reports.spread(session, scope, "whole"),
        targets={kind: (number, kept) for kind, number, kept in reports.targets(session, scope)},
        stars=dict(sorted(stars.items())),
        surveyed=surveyed,
        opt_outs=sum(number for _, number in reports.tallies_by(session, scope, "opt_out", "name")),
        gaps=sum(number for _, number in reports.gap_reasons(session, scope)),
    )


def _topics(session: Session, scope: Scope, before: Scope) -> list[tuple[str, int, int]]:
    """The busiest topics, each with its number and the one before."""
    found = reports.tallies_by(session, scope, "topic", "name")
    earlier = dict(reports.tallies_by(session, before, "topic", "name"))
    busiest = sorted(found, key=lambda one: (-one[1], one[0]))[:TOPICS]
    return [(name, number, earlier.get(name, 0)) for name, number in busiest]


def _by_day(wish: Wish, rows: Sequence[tuple[Any, ...]]) -> dict[date, dict[str, int]]:
    found: dict[date, Counter[str]] = {day: Counter() for day in wish.dates}
    for day, name, number in rows:
        found[day][str(name)] += number
    return {day: dict(numbers) for day, numbers in found.items()}


def _by_hour(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for channel, hour, number in sorted(rows):
        found[channel][hour] = number
    return dict(found)


def _handoffs(ended: Sequence[Ending]) -> dict[str, int]:
    """Why people came, the most frequent reason first."""
    found: Counter[str] = Counter()
    for one in ended:
        if one.handoff:
            found[one.handoff] += one.number
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _agents(session: Session, scope: Scope) -> list[AgentLine]:
    """One line for each agent who did anything in the span."""
    visits = {row[0]: row[1:] for row in reports.agent_visits(session, scope)}
    said = reports.tallies_by(session, scope, "message", "agent_id", "name")
    messages = {agent: number for agent, name, number in said if agent and name == Author.AGENT}
    stars: dict[int, Counter[int]] = defaultdict(Counter)
    for agent, rating, number in reports.ratings(session, scope):
        if agent is not None and rating is not None:
            stars[agent][rating] += number
    names = agent_names(session)
    lines = []
    for agent in sorted(visits.keys() | messages.keys() | stars.keys()):
        had, ended, wait = visits.get(agent, (0, 0, None))
        rated = sum(stars[agent].values())
        average = (
            sum(one * number for one, number in stars[agent].items()) / rated if rated else None
        )
        lines.append(
            AgentLine(
                agent,
                names.get(agent, ""),
                had,
                ended,
                messages.get(agent, 0),
                wait,
                rated,
                average,
            )
        )
    return sorted(lines, key=lambda line: (-line.visits, line.name))
