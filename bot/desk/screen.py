"""One agent's screen: joins the columns, keeps them live, and does what the agent asks."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from nicegui import background_tasks, ui
from nicegui.client import Client
from nicegui.events import GenericEventArguments
from sqlmodel import Session

from bot.core.errors import XiaoerError
from bot.desk.board import BoardColumn
from bot.desk.card import CardColumn
from bot.desk.elements import box, button, set_class, text
from bot.desk.login import HOME
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
_DIGITS = 18
"""How many digits a number may have to be sure to fit the tables' 64 bits."""
_HEAD = """<meta name="color-scheme" content="light dark">
<script>document.documentElement.lang = "%s"; window.xiaoerDesk = %s;</script>
<script>%s</script>"""
_SCRIPT_TEXTS = ("reply_placeholder", "note_placeholder", "kept", "not_sent")


@dataclass(frozen=True, slots=True)
class Services:
    """What every screen needs; `style` and `script` go into its page."""

    db: Database
    voice: Voice
    passes: Passes
    style: str
    script: str


def number_in(wanted: str) -> int | None:
    """The conversation in an address; 0, which none has, for what cannot be a number of one."""
    if not wanted:
        return None
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) <= _DIGITS
    return int(wanted) if is_number else 0


def desk_page(selected: int | None) -> str:
    """The desk's address with a conversation opened."""
    return f"{HOME}?c={selected}" if selected else HOME


def login_page(selected: int | None) -> str:
    """The login, which leads back to the conversation."""
    return f"/desk/login?next={quote(desk_page(selected), safe='')}"


class Screen:
    """One agent's page in one browser tab."""

    def __init__(self, services: Services, texts: Texts, cookie: str, selected: int | None) -> None:
        self._services = services
        self._texts = texts
        self._cookie = cookie
        self._selected = selected
        self._looking = asyncio.Lock()
        self._is_acting = False
        self._is_finishing = False
        self._client: Client = ui.context.client

    def build(self, sight: Sight) -> None:
        """Draw the page and start following the tables."""
        ui.add_head_html(self._head(sight.agent_id))
        self._root = box("d-desk")
        with self._root:
            text(self._texts("skip"), "d-button d-skip", "button").props("type=button")
            text(self._texts("lost"), "d-lost").props("role=status")
            self._bar(sight.agent_name)
            self._board = BoardColumn(self._texts, self._select, self._take_next)
            self._thread = ThreadColumn(self._texts, self._deeds())
            self._card = CardColumn(self._texts, partial(self._act, agents.unlink))
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

    def _head(self, agent_id: int) -> str:
        """The page's script, and what it has to know: whose drafts it keeps, and its words."""
        texts = self._texts
        known = {
            "agent": agent_id,
            "token": self._services.passes.form_token(self._cookie),
            "texts": {key: texts(key) for key in _SCRIPT_TEXTS},
        }
        facts = json.dumps(known).replace("<", "\\u003c")
        return _HEAD % ("zh-CN" if texts.language == "zh" else "en", facts, self._services.script)

    def _bar(self, agent_name: str) -> None:
        texts = self._texts
        with box("d-bar", "header"):
            text(texts("title"), "d-brand")
            with box("d-button d-quiet d-sound", "button").props("type=button aria-pressed=false"):
                text(texts("sound"), tag="span")
                text(texts("sound_off"), "d-is-off", "span")
                text(texts("sound_on"), "d-is-on", "span")
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
            back=partial(self._select, None),
            take=partial(self._act, agents.take),
            take_next=self._take_next,
            take_over=partial(self._act, agents.take_over),
            release=partial(self._finish, agents.release, "released_done"),
            resolve=partial(self._finish, agents.resolve, "resolved_done"),
        )

    def _show(self, sight: Sight) -> None:
        board = sight.board
        self._board.show(board)
        is_lost = sight.thread is None and self._selected is not None
        self._thread.show(sight.thread, board.waiting_count, is_lost=is_lost)
        self._card.show(sight.thread.card if sight.thread else None)
        set_class(self._root, "d-reading", on=sight.thread is not None or is_lost)
        self._root.props["data-news"] = str(board.news)
        title = f"({board.to_do}) {self._texts('title')}" if board.to_do else self._texts("title")
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
            except XiaoerError as error:  # the database rests: the next look will tell
                self._tell(error)

    async def _watch(self) -> None:
        """Follow the tables until the browser is gone."""
        with self._services.db.live.listen(live.QUEUE) as changed:
            while True:
                await changed.wait(TICK_SECONDS)
                await self._refresh()
                await asyncio.sleep(PAUSE_SECONDS)

    async def _select(self, conversation_id: int | None, *, remember: bool = True) -> None:
        before, self._selected = self._selected, conversation_id
        await self._refresh()
        if remember and before != conversation_id:
            with self._client:
                if before is None:
                    ui.navigate.history.push(desk_page(conversation_id))
                else:
                    ui.navigate.history.replace(desk_page(conversation_id))

    async def _went(self, event: GenericEventArguments) -> None:
        """The browser's back or forward button was pressed."""
        await self._select(number_in(str(event.args).removeprefix("?c=")), remember=False)

    async def _take_next(self) -> None:
        """Serve whoever has waited longest."""
        taken = await self._do(_next)
        if taken:
            await self._select(taken)

    async def _act(self, deed: Deed) -> None:
        await self._do(_as_agent, deed, self._selected)

    async def _finish(self, deed: Deed, done: str) -> None:
        """Do `deed`, after which the conversation is off the agent's hands; then say so.

        A second press before it is out of sight means nothing.
        """
        if self._selected is None or self._is_finishing:
            return
        self._is_finishing = True
        try:
            if await self._do(_as_agent, deed, self._selected):
                with self._client:
                    ui.notify(self._texts(done), type="positive", position="top")
                await self._select(None)
        finally:
            self._is_finishing = False

    async def _do(self, work: Callable[..., int | None], *args: Any) -> int | None:
        """Run `work` for this agent; None when it was refused, or nothing was to be done.

        A press while another is at work is an impatient second one, and means nothing.
        """
        if self._is_acting:
            return None
        self._is_acting = True
        try:
            return await self._services.db.transact(work, self._login(), *args)
        except LoggedOut:
            self._leave()
        except XiaoerError as error:
            self._tell(error)
        finally:
            self._is_acting = False
            await self._refresh()
        return None

    def _tell(self, error: XiaoerError) -> None:
        with self._client:
            ui.notify(error.text(self._texts.language), type="warning", position="top")

    def _speak(self, language: str) -> None:
        where = f"&c={self._selected}" if self._selected else ""
        self._go(f"/desk?lang={language}{where}")

    def _leave(self) -> None:
        self._go(login_page(self._selected))

    def _go(self, where: str) -> None:
        # NiceGUI's own way to navigate knows only what lies below its mount point.
        self._client.run_javascript(f"location.assign({json.dumps(where)})")


def _as_agent(session: Session, login: Pass, deed: Deed, conversation_id: int | None) -> int | None:
    """Do `deed` to the conversation as the agent who is logged in. Raises `LoggedOut`."""
    agent = require_agent(session, login)
    if conversation_id:
        deed(session, conversation_id, agent.id)
    return conversation_id


def _next(session: Session, login: Pass) -> int | None:
    agent = require_agent(session, login)
    assert agent.id is not None
    taken = agents.take_next(session, agent.id)
    return taken.id if taken is not None else None
