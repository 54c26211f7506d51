"""Coupons and birthdays on the care page, and the birthdays as a file."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from bot.care import birthdays
from bot.core.roles import Right, may
from bot.desk.care_say import CareSay
from bot.desk.elements import box, button, text
from bot.desk.forms import asked, hidden, link, row, select, submit, table
from bot.desk.login import language_of
from bot.desk.passes import Passes
from bot.desk.rights import BareRoute, login_of, require
from bot.desk.texts import Texts
from bot.desk.visit import Visit
from bot.shop import coupons
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.audit import Look, Origin
from storage.models.birthdays import Birthday
from storage.trail import Trail

_POOL = ("pool", "free", "given", "expired", "recent", "expires")
_BIRTHDAY = ("day", "name", "tags", "orders", "channel")
MONTHS = range(1, 13)


async def draw_coupons(visit: Visit, say: CareSay) -> None:
    """The pools and what is left in them."""
    found = await visit.show(Right.LOOK, coupons.pools)
    if not found:
        text(say("coupons_none"), "d-empty")
        return
    heads = [say(f"p_{name}") for name in _POOL]
    zone = visit.services.voice.words.shop.zone
    with table([*heads, ""]):
        for one in found:
            expires = (
                one.expires_at.astimezone(zone).strftime("%Y-%m-%d") if one.expires_at else "–"
            )
            counts = map(str, (one.free, one.given, one.expired, one.recent))
            with row([one.name, *counts, expires], heads), box("", "td"):
                if coupons.is_low(one):
                    text(say("p_low"), "d-mark d-here", "span")


async def draw_birthdays(visit: Visit, say: CareSay) -> None:
    """Whose birthday it is in a month; the next one where nothing else is asked."""
    zone = visit.services.voice.words.shop.zone
    month = month_in(visit.asked.get("month", "")) or birthdays.next_month(zone)
    found = await visit.show(Right.LOOK, birthdays.listed, month)
    if found is None:
        return
    visit.looked("look", f"birthdays:{month:02}")
    text(say("b_hint"), "d-small")
    with asked("/desk/care"):
        hidden("show", "birthdays")
        select(say("b_month"), "month", {str(one): str(one) for one in MONTHS}, str(month))
        submit(say("b_show"), "")
    if not found:
        text(say("b_none"), "d-empty")
        return
    with box("d-deeds-row"):
        if visit.visitor is not None and may(visit.visitor.role, Right.SERVE):
            button(say("b_remind"), "", partial(_remind, visit, say, found))
        address = f"/desk/care/birthdays.csv?{urlencode({'month': month})}"
        link(say("b_file"), address).props("download")
    _list(say, found)


def _list(say: CareSay, found: Sequence[Birthday]) -> None:
    heads = [say(f"b_{name}") for name in _BIRTHDAY]
    with table([*heads, ""]):
        for one, cells in zip(found, birthdays.rows(found), strict=True):
            shown = [say.texts.day(one.birthday), *cells[1:-1], say.channel(one.channel or "")]
            with row(shown, heads), box("", "td"):
                if one.conversation_id:
                    link(say("b_talk"), f"/desk/?c={one.conversation_id}", "d-button d-edit")


async def _remind(visit: Visit, say: CareSay, found: Sequence[Birthday]) -> None:
    zone = visit.services.voice.words.shop.zone
    count = await visit.do(Right.SERVE, birthdays.remind, found, zone)
    if count is not None:
        visit.say(birthdays.noted_text(say, found, count))


def month_in(typed: str) -> int:
    """A month from 1 to 12, 0 for anything else."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 3 and (
        int(typed) in MONTHS) else 0  # fmt: skip


def birthday_file(db: Database, voice: Voice, passes: Passes, trail: Trail) -> APIRouter:
    """`GET /desk/care/birthdays.csv?month=`: the list for those who make the gifts."""
    router = APIRouter(include_in_schema=False, route_class=BareRoute)

    @router.get("/desk/care/birthdays.csv")
    async def write(request: Request) -> Response:
        agent = await db.read(require, login_of(request, passes), Right.LOOK)
        say = CareSay(Texts(voice, language_of(request, voice.words.shop)))
        month = month_in(request.query_params.get("month", ""))
        month = month or birthdays.next_month(voice.words.shop.zone)
        found = await db.read(birthdays.listed, month)
        trail.looked(Look(f"agent:{agent.id}", "export", f"birthdays:{month:02}", Origin.DESK))
        heads = [say(f"b_{name}") for name in _BIRTHDAY]
        name = f"birthdays-{month:02}.csv"
        return Response(
            birthdays.to_csv([heads, *birthdays.rows(found)]),
            media_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )

    return router
