"""What can be said, and be true, to somebody who waits for a person: who is back when, how long."""

from collections.abc import Collection
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session

from bot.escalation.team import Team
from bot.escalation.teams import Teams
from bot.words.dates import span_text
from bot.words.week import back_text
from storage.models.conversations import recent_waits

LATELY = timedelta(days=14)
"""How far back waits tell something about today's."""
ENOUGH = 8
"""Fewer waits than these say nothing."""
_LOOK = 50
_MINUTE = 60


def values(
    session: Session, teams: Teams, name: str, at: datetime, language: str
) -> dict[str, str]:
    """What texts about waiting for the team `name` show: `back` is when it is back, empty while it
    works; `wait` is how long others waited lately, empty where nothing true can be said; `hours`
    are its own, empty where they are the shop's."""
    team = teams.called(name)
    hours = team.told.get(language, "") if team else ""
    back = back_at(team, at)
    if team is not None and back is not None:
        told = back_text(back, at, team.hours.zone, language)
        return {"back": told, "wait": "", "hours": hours}
    seconds = usual_wait(session, team, at, teams.queue(name))
    return {"back": "", "wait": span_text(seconds, language) if seconds else "", "hours": hours}


def back_at(team: Team | None, at: datetime) -> datetime | None:
    """When the team works again; None while it works, or where nobody knows."""
    if team is None:
        return None
    opening = team.hours.next_opening(at)
    return None if opening == at else opening


def usual_wait(
    session: Session, team: Team | None, at: datetime, queue: Collection[str] | None = None
) -> int | None:
    """The median of the latest waits for a person's first answer, in seconds of working time.

    None where there were too few; never less than a minute. Without a team all time counts; `queue`
    are the teams whose waits count, all unless it is given.
    """
    waits = [
        (team.hours.working_time_between(since, until) if team else until - since).total_seconds()
        for since, until in recent_waits(session, at - LATELY, _LOOK, queue)
    ]
    return max(_MINUTE, round(median(waits))) if len(waits) >= ENOUGH else None
