"""Reports for programs: the figures of the numbers page as JSON."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlmodel import Session

from bot.config import ApiKey
from bot.core.clock import now
from bot.insights.report import AgentLine, Headline, Report, report
from bot.insights.spans import LONGEST, USUAL, Wish
from bot.web import problems
from bot.web.api.kinds import Plain
from bot.web.keys import Bearer, key_for
from bot.web.problem_route import ProblemRoute
from storage.db import Database
from storage.models.desk import agent_names
from storage.models.reports import Spread, just_now

_LOGIN_LASTS = timedelta(hours=12)
_Day = date
_Asked = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
"""A day that a report can be about."""
Share = Annotated[float | None, Field(description="From 0 to 1; null of nothing.")]


class SpreadView(BaseModel):
    """Spans in seconds, by nearest rank."""

    number: int
    median: int | None
    p90: int | None


class TargetView(BaseModel):
    """Promises that began in the span and are decided."""

    kind: str = Field(examples=["first", "next", "resolution"])
    number: int
    kept: int


class FiguresView(BaseModel):
    """The figures of one span; docs/numbers.md defines them."""

    visits: int
    messages: int
    asked: int = Field(description="Visits in which something was asked: the whole of the shares.")
    outcomes: dict[str, int] = Field(examples=[{"resolved": 61, "person": 20, "unknown": 9}])
    provisional: int = Field(description="Resolved visits whose 72 hours are not over.")
    resolution_rate: Share
    handoff_rate: Share
    unknown_rate: Share
    first_response: SpreadView = Field(description="By the clock.")
    first_response_working: SpreadView = Field(description="In working time.")
    resolution: SpreadView
    targets: list[TargetView]
    ratings: dict[int, int]
    rated: int
    surveyed: int
    csat: float | None
    opt_outs: int
    gaps: int


class AgentFigures(BaseModel):
    """What one agent did."""

    id: int
    name: str
    visits: int
    ended: int
    messages: int
    first_response_mean: float | None = Field(description="Seconds.")
    rated: int
    csat: float | None


class TopicView(BaseModel):
    """How often an FAQ entry was answered, and in the span before."""

    entry: str
    number: int
    before: int


class NumbersView(BaseModel):
    """A report: a span of the shop's days, the same length before it, and what it is made of."""

    first: _Day
    last: _Day
    timezone: str
    counted_until: datetime | None
    figures: FiguresView
    before: FiguresView
    visits_by_day: dict[_Day, dict[str, int]]
    messages_by_day: dict[_Day, dict[str, int]]
    visits_by_hour: dict[str, dict[int, int]] = Field(description="By channel and hour.")
    messages_by_hour: dict[str, dict[int, int]] = Field(description="By channel and hour.")
    handoffs: dict[str, int]
    agents: list[AgentFigures]
    topics: list[TopicView]
    gap_reasons: dict[str, int]


class NowView(BaseModel):
    """How it is just now."""

    waiting: int
    waiting_since: datetime | None
    open: int
    open_by_agent: dict[str, int]
    logged_in: list[str]
    warned: int
    breached: int


def reports_router(db: Database, keys: Sequence[ApiKey], zone: ZoneInfo) -> APIRouter:
    """`/api/v1/reports/…`, for callers with one of `keys` that has the scope `reports:read`.

    `zone` is the shop's: it says where days begin.
    """
    check = key_for(keys, "reports:read")

    def caller(bearer: Bearer) -> str:
        return check(bearer).name

    key = Annotated[str, Depends(caller)]
    router = APIRouter(
        prefix="/api/v1/reports",
        tags=["reports"],
        route_class=ProblemRoute,
        responses=problems.documented(
            _401="No key, or an unknown one.",
            _403="The key lacks the scope `reports:read`.",
            _422="Not as documented; `errors` names each field.",
            _503="The database cannot serve just now: try again after `Retry-After`.",
        ),
    )

    @router.get("/numbers", summary="Figures of a span of days")
    async def numbers(
        _caller: key,
        days: Annotated[int, Query(ge=1, le=LONGEST)] = USUAL,
        first: Annotated[_Asked | None, Query(alias="from")] = None,
        last: Annotated[_Asked | None, Query(alias="to")] = None,
        channel: Annotated[str, Query(max_length=40), Plain] = "",
        agent: Annotated[int | None, Query(ge=1, lt=1 << 31)] = None,
    ) -> NumbersView:
        """The last `days` up to today, or the days `from` to `to`; at most a year."""
        at = now()
        end = last or at.astimezone(zone).date()
        begin = first or end - timedelta(days=days - 1)
        begin = min(end, max(begin, end - timedelta(days=LONGEST - 1)))
        wish = Wish(begin, end, 0, channel, agent)
        return _numbers_view(await db.read(report, wish, zone, at), zone)

    @router.get("/now", summary="How it is just now")
    async def now_(_caller: key) -> NowView:
        """Who waits, who is served, and which promises are at risk."""
        return await db.read(_now)

    return router


def _now(session: Session) -> NowView:
    found, names = just_now(session, now() - _LOGIN_LASTS), agent_names(session)
    return NowView(
        waiting=found.waiting,
        waiting_since=found.waiting_since,
        open=found.open,
        open_by_agent={names.get(agent, ""): n for agent, n in found.open_by_agent.items()},
        logged_in=list(found.agents.values()),
        warned=found.warned,
        breached=found.breached,
    )


def _numbers_view(found: Report, zone: ZoneInfo) -> NumbersView:
    return NumbersView(
        first=found.wish.first,
        last=found.wish.last,
        timezone=zone.key,
        counted_until=found.counted_until,
        figures=_figures_view(found.now),
        before=_figures_view(found.before),
        visits_by_day=found.visits_by_day,
        messages_by_day=found.messages_by_day,
        visits_by_hour=found.visits_by_hour,
        messages_by_hour=found.messages_by_hour,
        handoffs=found.handoffs,
        agents=[_agent_view(one) for one in found.agents],
        topics=[TopicView(entry=name, number=n, before=was) for name, n, was in found.topics],
        gap_reasons=found.gap_reasons,
    )


def _figures_view(found: Headline) -> FiguresView:
    shared = (
        "visits", "messages", "asked", "outcomes", "provisional", "resolution_rate",
        "handoff_rate", "unknown_rate", "rated", "surveyed", "csat", "opt_outs", "gaps",
    )  # fmt: skip
    values: dict[str, Any] = {name: getattr(found, name) for name in shared}
    return FiguresView(
        first_response=_spread_view(found.wait),
        first_response_working=_spread_view(found.work),
        resolution=_spread_view(found.whole),
        targets=[
            TargetView(kind=kind, number=number, kept=kept)
            for kind, (number, kept) in sorted(found.targets.items())
        ],
        ratings=found.stars,
        **values,
    )


def _spread_view(found: Spread) -> SpreadView:
    return SpreadView(number=found.number, median=found.median, p90=found.p90)


def _agent_view(one: AgentLine) -> AgentFigures:
    return AgentFigures(
        id=one.id, name=one.name, visits=one.visits, ended=one.ended, messages=one.messages,
        first_response_mean=one.wait, rated=one.rated, csat=one.csat,
    )  # fmt: skip
