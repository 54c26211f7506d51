"""The desk page: joins the columns, keeps them live, and does what the agent asks."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from nicegui import app as nicegui_app
from nicegui import background_tasks, ui
from nicegui.client import Client
from nicegui.events import GenericEventArguments
from sqlmodel import Session

from bot.core.errors import XiaoerError
from bot.desk import login
from bot.desk.board import BoardColumn
from bot.desk.card import CardColumn
from bot.desk.elements import box, button, set_class, text
from bot.desk.gate import Gate, cookie_of
from bot.desk.passes import Pass, Passes
from bot.desk.sight import Sight
from bot.desk.texts import Texts
from bot.desk.thread import Deeds, ThreadColumn
from bot.desk.views import LoggedOut, look, require_agent
from bot.escalation import agents
from bot.words.phrases import Voice
from storage import live
from storage.db import Database

PAUSE_SECONDS = 0.1
"""Least time between two looks at the tables, however much happens."""
TICK_SECONDS = 20
"""How often waiting times and parcels are looked at when nothing happens."""

Deed = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Services:
    """What every desk page needs."""

    db: Database
    voice: Voice
    passes: Passes


def mount(
    app: FastAPI, db: Database, voice: Voice, secret: str, templates: Path, *, secure: bool
) -> None:
    """Serve the desk under /desk of `app`.

    `secret` signs logins; `templates` is the folder of the shop's texts; `secure` is true where
    agents reach the site by https. `app` must not have started yet.
    """
    services = Services(db, voice, Passes(secret))
    app.include_router(login.entrance(db, voice, services.passes, templates / "web", secure=secure))
    app.add_middleware(Gate, passes=services.passes)
    style = (templates / "desk" / "desk.css").read_text(encoding="utf-8")

    @ui.page("/", response_timeout=10)
    async def desk(request: Request, c: int | None = None) -> Response | None:
        return await _open(services, request, c, style)

    # NiceGUI has one application per process; a second service in it (tests) starts afresh.
    nicegui_app.middleware_stack = None
    nicegui_app.user_middleware.clear()
    ui.run_with(
        app,
        mount_path="/desk",
        title="Xiaoer 店小二",
        favicon=templates / "web" / "icon.svg",
        dark=None,
        reconnect_timeout=10,
        tailwind=False,
        show_welcome_message=False,
    )


async def _open(services: Services, request: Request, c: int | None, style: str) -> Response | None:
    cookie = cookie_of(request.headers) or ""
    texts = Texts(services.voice, login.language_of(request, services.voice.words.shop))
    desk = Desk(services, texts, cookie, c)
    try:
        sight = await desk.look()
    except LoggedOut:
        response = RedirectResponse("/desk/login", 303)
        response.delete_cookie("xiaoer_desk", path="/desk")
        return response
    ui.add_css(style)
    ui.add_head_html(_HEAD % ("zh-CN" if texts.language == "zh" else "en"))
    desk.build(sight)
    return None


_HEAD = """<meta name="color-scheme" content="light dark">
<script>document.documentElement.lang = "%s";
addEventListener("popstate", () => emitEvent("desk-at", location.search));</script>"""


class Desk:
    """One agent's page in one browser tab."""

    def __init__(self, services: Services, texts: Texts, cookie: str, selected: int | None) -> None:
        self._services = services
        self._texts = texts
        self._cookie = cookie
        self._selected = selected
        self._looking = asyncio.Lock()
        self._client: Client = ui.context.client

    def build(self, sight: Sight) -> None:
        """Draw the page and start following the tables."""
        self._root = box("d-desk")
        with self._root:
            self._bar(sight.agent_name)
            self._board = BoardColumn(self._texts, self._select)
            self._thread = ThreadColumn(self._texts, self._deeds())
            self._card = CardColumn(self._texts)
        ui.on("desk-at", self._went)
        self._show(sight)
        watching = background_tasks.create(self._watch(), name="desk")
        self._client.on_delete(watching.cancel)

    async def look(self) -> Sight:
        """What is to be seen now. Raises `LoggedOut`."""
        return await self._services.db.read(look, self._login(), self._texts, self._selected)

    def _login(self) -> Pass:
        """The login, whose time may have run out since the page was opened."""
        found = self._services.passes.read(self._cookie)
        if found is None:
            raise LoggedOut
        return found

    def _bar(self, agent_name: str) -> None:
        texts = self._texts
        with box("d-bar", "header"):
            text(texts("title"), "d-brand")
            for code in self._services.voice.words.shop.languages:
                if code != texts.language:
                    button(texts(f"in_{code}"), "d-quiet", partial(self._speak, code))
            text(agent_name, "d-me")
            with box("d-logout", "form").props("method=post action=/desk/logout"):
                token = box("", "input").props("type=hidden name=token")
                token.props["value"] = self._services.passes.form_token(self._cookie)
                text(texts("log_out"), "d-button d-quiet", "button").props("type=submit")

    def _deeds(self) -> Deeds:
        return Deeds(
            back=lambda: self._select(None),
            take=self._take,
            resolve=self._resolve,
            reply=lambda words: self._act(agents.reply, words),
            note=lambda words: self._act(agents.note, words),
            toggle_card=self._toggle_card,
        )

    def _toggle_card(self) -> None:
        self._root.classes(toggle="d-with-card")

    def _show(self, sight: Sight) -> None:
        self._board.show(sight.board)
        self._thread.show(sight.thread)
        self._card.show(sight.thread.card if sight.thread else None)
        set_class(self._root, "d-reading", on=sight.thread is not None)
        waiting = sight.board.waiting_count
        title = f"({waiting}) {self._texts('title')}" if waiting else self._texts("title")
        if title != self._client.title:
            with self._client:
                ui.page_title(title)

    async def _refresh(self) -> None:
        """Look again and show it; one look at a time, so that an older one never wins."""
        async with self._looking:
            try:
                self._show(await self.look())
            except LoggedOut:
                self._leave()

    async def _watch(self) -> None:
        """Follow the tables until the browser is gone."""
        with self._services.db.live.listen(live.QUEUE) as changed:
            while True:
                await changed.wait(TICK_SECONDS)
                try:
                    await self._refresh()
                except XiaoerError as error:  # the database rests: the next look will tell
                    self._tell(error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _select(self, conversation_id: int | None, *, remember: bool = True) -> None:
        before, self._selected = self._selected, conversation_id
        self._root.classes(remove="d-with-card")
        await self._refresh()
        if remember and before != conversation_id:
            where = f"/desk/?c={conversation_id}" if conversation_id else "/desk/"
            with self._client:
                if before is None:
                    ui.navigate.history.push(where)
                else:
                    ui.navigate.history.replace(where)

    async def _went(self, event: GenericEventArguments) -> None:
        """The browser's back or forward button was pressed."""
        number = str(event.args).removeprefix("?c=")
        await self._select(int(number) if number.isdecimal() else None, remember=False)

    async def _take(self) -> None:
        await self._act(agents.take)

    async def _resolve(self) -> None:
        if await self._act(agents.resolve):
            with self._client:
                ui.notify(self._texts("resolved_done"), type="positive", position="top")
            await self._select(None)

    async def _act(self, deed: Deed, *args: Any) -> bool:
        """Do `deed` to the opened conversation as this agent. False when it was refused."""
        try:
            await self._services.db.transact(_as_agent, self._login(), deed, self._selected, *args)
        except LoggedOut:
            self._leave()
            return False
        except XiaoerError as error:
            self._tell(error)
            await self._refresh()
            return False
        await self._refresh()
        return True

    def _tell(self, error: XiaoerError) -> None:
        with self._client:
            ui.notify(error.text(self._texts.language), type="warning", position="top")

    def _speak(self, language: str) -> None:
        where = f"&c={self._selected}" if self._selected else ""
        self._go(f"/desk?lang={language}{where}")

    def _leave(self) -> None:
        self._go("/desk/login")

    def _go(self, where: str) -> None:
        # NiceGUI's own way to navigate knows only what lies below its mount point.
        self._client.run_javascript(f"location.assign({json.dumps(where)})")


def _as_agent(
    session: Session, login: Pass, deed: Deed, conversation_id: int | None, *args: Any
) -> None:
    agent = require_agent(session, login)
    if conversation_id is not None:
        deed(session, conversation_id, agent.id, *args)
