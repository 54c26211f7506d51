"""Birthdays of a month, for gifts made by hand: as a list, and as something for agents to do."""

import csv
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.answering.tables import neutral
from bot.care.say import Say
from bot.core.clock import now
from storage import live
from storage.models.audit import record
from storage.models.birthdays import Birthday, birthdays_in, reminded
from storage.models.remarks import FollowUp

BIRTHDAY = "birthday"
"""The kind of these follow-ups."""
MOST = 2000
"""Longest list; more birthdays are no work for hands."""
AHEAD = timedelta(days=7)
"""So long before the day agents are reminded: a parcel needs its time."""
REMINDED_AT = time(10)
HEADS = ["day", "name", "tags", "orders", "channel"]


def next_month(zone: ZoneInfo) -> int:
    """The month after this one, by the shop's clock."""
    return now().astimezone(zone).month % 12 + 1


def listed(session: Session, month: int) -> list[Birthday]:
    """Who has a birthday in a month from 1 to 12, day by day; at most `MOST`."""
    return birthdays_in(session, month, MOST)


def day_in(birthday: date, zone: ZoneInfo) -> date:
    """When the birthday comes next; 29 February is the 28th in other years."""
    today = now().astimezone(zone).date()
    found = [_in_year(birthday, year) for year in (today.year, today.year + 1)]
    return next(day for day in found if day >= today)


def remind(
    session: Session, agent_id: int | None, birthdays: Sequence[Birthday], zone: ZoneInfo
) -> int:
    """Give agents something to do for each of these, a week before the day. Returns for how many;
    those of whom no conversation is known are left out, and nobody is noted twice."""
    known = reminded(session, BIRTHDAY, now() - AHEAD)
    wanted = [one for one in birthdays if one.conversation_id and one.conversation_id not in known]
    session.add_all(_to_do(one, zone) for one in wanted)
    if wanted:
        actor = "command" if agent_id is None else f"agent:{agent_id}"
        months = ", ".join(sorted({f"{one.birthday.month:02}" for one in wanted}))
        record(session, actor, "birthday.remind", f"month:{months}")
        live.touch(session, live.QUEUE)
    return len(wanted)


def noted_text(say: Say, birthdays: Collection[Birthday], noted: int) -> str:
    """How many were noted, and why the others were not."""
    lacking = sum(one.conversation_id is None for one in birthdays)
    rest = {"b_lacking": lacking, "b_before": len(birthdays) - lacking - noted}
    said = [say("b_reminded", count=noted)]
    return " ".join(said + [say(key, count=count) for key, count in rest.items() if count])


def rows(birthdays: Collection[Birthday]) -> list[list[str]]:
    """The list as a table with these `HEADS`: no years, phones or addresses."""
    return [
        [
            one.birthday.strftime("%m-%d"),
            one.name,
            " ".join(one.tags),
            str(one.orders),
            one.channel or "",
        ]
        for one in birthdays
    ]


def to_csv(table: Collection[Collection[str]]) -> bytes:
    """For spreadsheets: UTF-8 with a mark of it; no cell is taken for a formula."""
    sheet = StringIO()
    writer = csv.writer(sheet)
    for row in table:
        writer.writerow([neutral(cell) for cell in row])
    return sheet.getvalue().encode("utf-8-sig")


def _to_do(one: Birthday, zone: ZoneInfo) -> FollowUp:
    assert one.conversation_id is not None
    day = datetime.combine(day_in(one.birthday, zone), REMINDED_AT, zone) - AHEAD
    return FollowUp(
        conversation_id=one.conversation_id, kind=BIRTHDAY, due_at=max(day.astimezone(), now())
    )


def _in_year(birthday: date, year: int) -> date:
    try:
        return birthday.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
