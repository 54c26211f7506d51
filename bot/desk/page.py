"""Serves the desk: its pages, its login and what agents write, all under /desk."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from nicegui import app as nicegui_app
from nicegui import ui

from bot.answering.answerer import Answerer
from bot.care.house import House
from bot.config import Desk as DeskSettings
from bot.core.roles import Right, may
from bot.desk import login
from bot.desk.audit import audit_file
from bot.desk.care_more import birthday_file
from bot.desk.door import Door
from bot.desk.elements import box, text
from bot.desk.exports import exports
from bot.desk.files import files
from bot.desk.gate import Gate, cookie_of
from bot.desk.hints import hints
from bot.desk.overview import Overview
from bot.desk.own import own_password
from bot.desk.pages import Page, discover
from bot.desk.passes import COOKIE, Passes
from bot.desk.rights import Forbidden, LoggedOut
from bot.desk.say import sayings
from bot.desk.screen import Screen, desk_page, number_in
from bot.desk.texts import Texts
from bot.desk.uploads import Uploads, uploads
from bot.desk.visit import Place, Services, Visit, login_page
from bot.escalation.transfers import Transfers
from bot.words.phrases import Voice
from storage.db import Database
from storage.trail import Trail

AWAY_SECONDS = 60
"""How long a page may be without a connection before it has to be built anew."""
PING_SECONDS = 10
"""From this NiceGUI derives how soon a dead connection is noticed: after 12 seconds at most."""
SCRIPTS = ("desk.js", "hints.js")
CONVERSATIONS = Place("/", "conversations", Right.LOOK)


def mount(
    app: FastAPI,
    db: Database,
    voice: Voice,
    secret: str,
    answerer: Answerer,
    templates: Path,
    taker: Uploads,
    trail: Trail,
    settings: DeskSettings,
    transfers: Transfers,
    care: House,
    *,
    secure: bool,
) -> None:
    """Serve the desk under /desk of `app`.

    `secret` signs logins; `templates` is the folder of the shop's texts; `taker` knows where files
    are kept; `trail` is told who looked at what; `secure` is true where agents reach the site by
    https. `app` must not have started yet.
    """
    folder = templates / "desk"
    further = discover()
    services = Services(
        db,
        voice,
        Passes(secret),
        _text(folder / "desk.css"),
        "".join(_text(folder / name) for name in SCRIPTS),
        trail,
        taker.files.max_bytes,
        transfers,
        Overview(db),
        (CONVERSATIONS, *(one.place for one in further)),
        strict=settings.require_totp,
        own_teams_only=settings.own_teams_only,
        answerer=answerer,
        templates=templates,
        care=care,
    )
    passes = services.passes
    door = Door(db, settings.require_totp)
    web = templates / "web"
    app.include_router(login.entrance(db, voice, passes, web, secure=secure, door=door))
    app.include_router(own_password(passes, door, db, secure=secure))
    app.include_router(audit_file(db, voice, passes, trail))
    own_only = settings.own_teams_only
    app.include_router(sayings(db, voice, passes, own_teams_only=own_only))
    app.include_router(hints(db, voice, answerer, passes, own_teams_only=own_only))
    app.include_router(uploads(taker, voice, passes))
    app.include_router(files(db, passes, taker.files.folder, trail, own_teams_only=own_only))
    app.include_router(exports(db, voice, passes, answerer))
    app.include_router(birthday_file(db, voice, passes, trail))
    app.add_middleware(Gate, passes=passes, seen=trail.seen)

    @ui.page("/", response_timeout=10, reconnect_timeout=AWAY_SECONDS)
    async def desk(request: Request, c: str = "") -> Response | None:
        return await _open(services, request, number_in(c))

    for page in further:
        _serve(services, page)

    # NiceGUI has one application per process; a second service in it (tests) starts afresh.
    nicegui_app.middleware_stack = None
    nicegui_app.user_middleware.clear()
    nowhere = _text(folder / "404.html")
    nicegui_app.add_exception_handler(404, lambda *_: HTMLResponse(nowhere, 404))
    ui.run_with(
        app,
        mount_path="/desk",
        title="Xiaoer 店小二",
        favicon=templates / "web" / "icon.svg",
        dark=None,
        reconnect_timeout=PING_SECONDS,
        tailwind=False,
        show_welcome_message=False,
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def _open(services: Services, request: Request, selected: int | None) -> Response | None:
    cookie = cookie_of(request.headers) or ""
    screen = Screen(services, _texts(services, request), cookie, selected)
    try:
        visitor = await screen.visit.enter(Right.LOOK)
        sight = await screen.look()
        choices, tags = await screen.choices(), await screen.tags()
    except LoggedOut:
        return _to_login(desk_page(selected))
    screen.build(visitor, sight, choices, tags)
    return None


def _serve(services: Services, page: Page) -> None:
    """Serve one of the further pages."""
    address = f"/desk{page.place.path}"

    @ui.page(page.place.path, response_timeout=10, reconnect_timeout=AWAY_SECONDS)
    async def further(request: Request) -> Response | None:
        query = f"?{request.url.query}" if request.url.query else ""
        cookie = cookie_of(request.headers) or ""
        visit = Visit(services, _texts(services, request), cookie, lambda: address + query)
        try:
            visitor = await visit.enter(Right.LOOK)
        except LoggedOut:
            return _to_login(address + query)
        visit.head(visitor)
        ui.page_title(f"{visit.texts(page.place.name)} · {visit.texts('title')}")
        with box("d-further"):
            visit.bar(visitor)
            with box("d-main", "main"):
                if may(visitor.role, page.place.right):
                    await page.build(visit)
                else:
                    text(Forbidden().text(visit.texts.language), "d-empty")
        return None


def _texts(services: Services, request: Request) -> Texts:
    return Texts(services.voice, login.language_of(request, services.voice.words.shop))


def _to_login(back: str) -> Response:
    response = RedirectResponse(login_page(back), 303)
    response.delete_cookie(COOKIE, path="/desk")
    return response
