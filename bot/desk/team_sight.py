"""Reads teams for their page: what holds and since when, who belongs to them, the days ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import config
from bot.desk.texts import Texts
from bot.escalation.in_force import in_force
from bot.escalation.team import Team
from bot.words.week import back_text, hours_text
from storage.models.agents import all_agents
from storage.models.desk import agent_names
from storage.models.routing import teams_by_agent
from storage.models.teams import TeamEdit, team_edits

DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class TeamSight:
    """One team as it is in force. `file` is it as the file has it, None for one of the desk's own;
    `changed` are the settings that the desk says; `by` whom and since when."""

    team: config.Team
    file: config.Team | None
    changed: tuple[str, ...]
    by: str
    at: datetime | None
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class Sight:
    """All teams, and the names of those who can belong to one, by id."""

    teams: tuple[TeamSight, ...]
    people: Mapping[int, str]


def look(session: Session, file: Sequence[config.Team]) -> Sight:
    """The teams just now."""
    edits = team_edits(session)
    named = {one.name: one for one in edits}
    names = agent_names(session)
    belongs = teams_by_agent(session)
    people = {
        one.id: one.name
        for one in all_agents(session)
        if one.active and one.id is not None and not one.is_program
    }
    known = {one.name: one for one in file}
    return Sight(
        tuple(
            _sight(
                one,
                known.get(one.name),
                named.get(one.name),
                names,
                frozenset(who for who in people if one.name in belongs.get(who, ())),
            )
            for one in in_force(file, edits)
        ),
        people,
    )


def _sight(
    team: config.Team,
    file: config.Team | None,
    edit: TeamEdit | None,
    names: Mapping[int, str],
    members: frozenset[int],
) -> TeamSight:
    if edit is None:
        return TeamSight(team, file, (), "", None, members)
    by = names.get(edit.agent_id, "")
    return TeamSight(team, file, tuple(edit.settings), by, edit.changed_at, members)


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day in words: which, its hours, and why they are not its weekday's."""

    day: str
    hours: str
    why: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """Whether somebody is there, until or from when, and the days ahead."""

    is_open: bool
    now: str
    days: tuple[DayLine, ...]


def ahead(settings: config.Team, shop: config.Shop, at: datetime, texts: Texts) -> Ahead:
    """What is ahead of a team at the moment `at`; slow where a country's holidays are new."""
    hours = Team.of(settings, shop).hours
    opening = hours.next_opening(at)
    today = at.astimezone(hours.zone).date()
    lines = []
    for number in range(DAYS_AHEAD):
        day = today + timedelta(days=number)
        parts, why = hours.on(day), hours.exception(day)
        lines.append(
            DayLine(
                texts.weekday(day),
                hours_text(parts, texts.language) if parts else texts("team_free"),
                texts(f"team_{why}") if why else "",
            )
        )
    if opening == at:
        closing = hours.next_closing(at)
        key, moment = ("team_open", closing) if closing else ("team_always", None)
    else:
        key, moment = ("team_shut", opening) if opening else ("team_never", None)
    told = back_text(moment, at, hours.zone, texts.language) if moment else ""
    return Ahead(opening == at, texts(key, at=told), tuple(lines))
