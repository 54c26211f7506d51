"""Serves the desk: its pages, its login and what agents write, all under /desk."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from nicegui import app as nicegui_app
from nicegui import ui

from bot.desk import login
from bot.desk.files import files
from bot.desk.gate import Gate, cookie_of
from bot.desk.passes import COOKIE, Passes
from bot.desk.say import sayings
from bot.desk.screen import Screen, Services, login_page, number_in
from bot.desk.texts import Texts
from bot.desk.views import LoggedOut
from bot.words.phrases import Voice
from storage.db import Database

AWAY_SECONDS = 60
"""How long a page may be without a connection before it has to be built anew."""
PING_SECONDS = 10
"""From this NiceGUI derives how soon a dead connection is noticed: after 12 seconds at most."""


def mount(
    app: FastAPI,
    db: Database,
    voice: Voice,
    secret: str,
    templates: Path,
    kept_in: Path,
    *,
    secure: bool,
) -> None:
    """Serve the desk under /desk of `app`.

    `secret` signs logins; `templates` is the folder of the shop's texts, `kept_in` that of
    customers' files; `secure` is true where agents reach the site by https. `app` must not have
    started yet.
    """
    folder = templates / "desk"
    services = Services(
        db, voice, Passes(secret), _text(folder / "desk.css"), _text(folder / "desk.js")
    )
    passes = services.passes
    app.include_router(login.entrance(db, voice, passes, templates / "web", secure=secure))
    app.include_router(sayings(db, voice, passes))
    app.include_router(files(db, passes, kept_in))
    app.add_middleware(Gate, passes=passes)

    @ui.page("/", response_timeout=10, reconnect_timeout=AWAY_SECONDS)
    async def desk(request: Request, c: str = "") -> Response | None:
        return await _open(services, request, number_in(c))

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
    texts = Texts(services.voice, login.language_of(request, services.voice.words.shop))
    screen = Screen(services, texts, cookie, selected)
    try:
        sight = await screen.look()
    except LoggedOut:
        response = RedirectResponse(login_page(selected), 303)
        response.delete_cookie(COOKIE, path="/desk")
        return response
    ui.add_css(services.style)
    screen.build(sight)
    return None
