"""Reads the audit log for those who may: as lines of a page, and as a file."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from bot.answering.tables import neutral
from bot.core.roles import Right
from bot.desk.login import language_of
from bot.desk.passes import Pass, Passes
from bot.desk.rights import BareRoute, login_of, require
from bot.desk.texts import Texts
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import all_agents
from storage.models.audit import Audit, Look, Origin, Wanted, rows
from storage.trail import Trail

SHOWN = 100
"""Lines on a page."""
_AT_ONCE = 500
"""Rows that a file is written from at once."""
HEADS = ("at", "who", "action", "subject", "origin")


@dataclass(frozen=True, slots=True)
class Line:
    """One look or deed in words."""

    id: int
    at: str
    who: str
    action: str
    subject: str
    origin: str


def wanted(asked: Mapping[str, str], zone: ZoneInfo) -> Wanted:
    """Which rows an address asks for; what makes no sense is left out."""
    before = asked.get("before", "")
    until = _day(asked.get("until", ""), zone)
    return Wanted(
        actor=asked.get("who", "")[:100],
        action=asked.get("action", "")[:100],
        subject=_subject(asked.get("subject", "")),
        since=_day(asked.get("since", ""), zone),
        until=until + timedelta(days=1) if until else None,
        before=int(before)
        if before.isascii() and before.isdecimal() and len(before) < 19
        else None,
    )


def _subject(typed: str) -> str:
    """A number alone means a conversation."""
    plain = typed.strip()[:100]
    return f"conversation:{plain}" if plain.isdecimal() else plain


def _day(day: str, zone: ZoneInfo) -> datetime | None:
    """The beginning of a day such as 2026-03-05."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        return None


def people(session: Session) -> dict[str, str]:
    """Everybody who can be in the log, by what they are called there."""
    found = {"command": "command"}
    for one in all_agents(session):
        found[f"agent:{one.id}"] = one.name
        if one.is_program:
            found[one.login] = one.login
    return found


def lines(session: Session, texts: Texts, which: Wanted, most: int = SHOWN) -> list[Line]:
    """At most `most` lines, the newest first."""
    names = people(session)
    return [_line(texts, names, one) for one in rows(session, which, most)]


def _line(texts: Texts, names: Mapping[str, str], row: Audit) -> Line:
    who = texts("audit_command") if row.actor == "command" else names.get(row.actor, row.actor)
    return Line(
        id=row.id or 0,
        at=_moment(texts, row.at),
        who=who,
        action=action_text(texts, row.action),
        subject=_subject_text(texts, names, row.subject),
        origin=texts.known(f"origin_{row.origin}", row.origin),
    )


def action_text(texts: Texts, action: str) -> str:
    """What was done, in words."""
    return texts.known(f"did_{action.replace('.', '_')}", action)


def actions(texts: Texts) -> dict[str, str]:
    """What can be looked for, in words."""
    return {one: action_text(texts, one) for one in ACTIONS}


ACTIONS = (
    "look", "open_file", "export", "reply", "note", "take", "take_over", "assign", "release",
    "reword", "link", "unlink", "resolve", "transfer", "tag", "untag", "remember", "forget",
    "consent.given", "consent.withdrawn",
    "snooze", "wake", "follow_up", "wrong", "retry", "canned.write", "canned.delete", "team.change",
    "team.members", "team.file", "team.add", "team.remove", "log_in", "log_out",
    "agent.add", "agent.name", "agent.role", "agent.password", "agent.disable", "agent.enable",
    "sending.write", "sending.confirm", "sending.pause", "sending.resume", "sending.stop",
    "sending.test", "journey.on", "journey.off", "journey.paused", "journey.file",
    "birthday.remind", "agent.log_out", "agent.link", "factor.on", "factor.off", "factor.codes",
    "factor.recovered",
)  # fmt: skip
"""The kinds of looks and deeds that can be looked for."""


def _subject_text(texts: Texts, names: Mapping[str, str], subject: str) -> str:
    kind, _, number = subject.partition(":")
    if kind == "agent":
        return names.get(subject, subject)
    return f"{texts.known(f'subject_{kind}', kind)} {number}".strip()


def _moment(texts: Texts, at: datetime) -> str:
    return at.astimezone(texts.voice.words.shop.zone).strftime("%Y-%m-%d %H:%M:%S")


def audit_file(db: Database, voice: Voice, passes: Passes, trail: Trail) -> APIRouter:
    """`GET /desk/audit.csv`: all lines that the address asks for, however many."""
    router = APIRouter(include_in_schema=False, route_class=BareRoute)

    @router.get("/desk/audit.csv")
    async def write(request: Request) -> Response:
        login = login_of(request, passes)
        texts = Texts(voice, language_of(request, voice.words.shop))
        agent = await db.read(require, login, Right.AUDIT)
        trail.looked(Look(f"agent:{agent.id}", "export", "audit", Origin.DESK))
        which = wanted(request.query_params, voice.words.shop.zone)
        return StreamingResponse(
            _file(db, login, texts, which),
            media_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="audit.csv"',
                "Cache-Control": "no-store",
            },
        )

    return router


async def _file(db: Database, login: Pass, texts: Texts, which: Wanted) -> AsyncIterator[str]:
    yield "\ufeff" + _csv([[texts(f"audit_{head}") for head in HEADS]])  # Excel needs the mark
    while found := await db.read(_permitted_lines, login, texts, which):
        yield _csv([[getattr(one, head) for head in HEADS] for one in found])
        which = replace(which, before=found[-1].id)


def _permitted_lines(session: Session, login: Pass, texts: Texts, which: Wanted) -> list[Line]:
    """The right is asked again: a long file must end with the login."""
    require(session, login, Right.AUDIT)
    return lines(session, texts, which, _AT_ONCE)


def _csv(table: list[list[str]]) -> str:
    """Lines of a file that no spreadsheet takes for formulas."""
    out = io.StringIO()
    csv.writer(out).writerows([[neutral(cell) for cell in cells] for cells in table])
    return out.getvalue()
