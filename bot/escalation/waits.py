"""What can be said, and be true, to somebody who waits for a person: who is back when, how long."""

from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session

from bot.escalation.team import Team
from bot.words.dates import span_text
from bot.words.week import back_text
from storage.models.conversations import recent_waits

LATELY = timedelta(days=14)
"""How far back waits tell something about today's."""
ENOUGH = 8
"""Fewer waits than these say nothing."""
_LOOK = 50
_MINUTE = 60


def values(session: Session, team: Team | None, at: datetime, language: str) -> dict[str, str]:
    """What texts about waiting show: `back` is when the team is back, empty while it works;
    `wait` is how long others waited lately, empty where nothing true can be said."""
    back = back_at(team, at)
    if team is not None and back is not None:
        return {"back": back_text(back, at, team.hours.zone, language), "wait": ""}
    seconds = usual_wait(session, team, at)
    return {"back": "", "wait": span_text(seconds, language) if seconds else ""}


def back_at(team: Team | None, at: datetime) -> datetime | None:
    """When the team works again; None while it works, or where nobody knows."""
    if team is None:
        return None
    opening = team.hours.next_opening(at)
    return None if opening == at else opening


def usual_wait(session: Session, team: Team | None, at: datetime) -> int | None:
    """The median of the latest waits for a person's first answer, in seconds of working time.

    None where there were too few; never less than a minute. Without a team all time counts.
    """
    waits = [
        (team.hours.working_time_between(since, until) if team else until - since).total_seconds()
        for since, until in recent_waits(session, at - LATELY, _LOOK)
    ]
    return max(_MINUTE, round(median(waits))) if len(waits) >= ENOUGH else None
