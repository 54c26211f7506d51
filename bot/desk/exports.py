"""Hands out a report's tables as CSV files."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from bot.answering.answerer import Answerer
from bot.core.clock import now
from bot.core.roles import Right
from bot.desk import figures
from bot.desk.figures import Say, Table, Title
from bot.desk.login import language_of
from bot.desk.passes import Pass, Passes
from bot.desk.rights import BareRoute, login_of, require
from bot.desk.texts import Texts
from bot.insights.report import report
from bot.insights.spans import Wish
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.desk import agent_names


def titles(answerer: Answerer | None, language: str) -> Title:
    """Gives an entry's title in `language`, or its id where it is no more."""

    def title(entry_id: str) -> str:
        is_ready = answerer is not None and answerer.ready
        entry = answerer.entry(entry_id, language) if answerer and is_ready else None
        return entry.title if entry else entry_id

    return title


def exports(db: Database, voice: Voice, passes: Passes, answerer: Answerer | None) -> APIRouter:
    """`/desk/numbers/export?table=…` with the range and the filters of the page."""
    router = APIRouter(include_in_schema=False, route_class=BareRoute)

    @router.get("/desk/numbers/export")
    async def export(request: Request, table: str = "") -> Response:
        login = login_of(request, passes)
        say = Say(Texts(voice, language_of(request, voice.words.shop)))
        found = await db.read(_tables, login, say, request.query_params, answerer)
        wanted = next((one for one in found if one.key == table), None)
        return Response(status_code=404) if wanted is None else _file(wanted)

    return router


def _tables(
    session: Session,
    login: Pass,
    say: Say,
    query: Mapping[str, str],
    answerer: Answerer | None,
) -> list[Table]:
    require(session, login, Right.NUMBERS)
    zone, at = say.texts.voice.words.shop.zone, now()
    wish = Wish.read(query, at.astimezone(zone).date())
    title = titles(answerer, say.language)
    return figures.tables(report(session, wish, zone, at), say, title, agent_names(session))


def _file(table: Table) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="xiaoer-{table.key}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(figures.to_csv(table), media_type="text/csv; charset=utf-8", headers=headers)
