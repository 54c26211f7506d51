"""One agent's screen: joins the columns, keeps them live, and does what the agent asks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from typing import Any

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments
from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Address, Author
from bot.core.roles import Right
from bot.desk.board import BoardColumn
from bot.desk.card import CardColumn, CardDeeds
from bot.desk.elements import box, set_class, text
from bot.desk.eyes import Eyes
from bot.desk.hits import Asked, Choices, choices, find
from bot.desk.login import HOME
from bot.desk.rights import seen
from bot.desk.search import SearchColumn
from bot.desk.sight import HitLine, Hits, Sight
from bot.desk.texts import Texts
from bot.desk.thread import Deeds, ThreadColumn
from bot.desk.transfer import Destinations, destinations, transfer
from bot.desk.visit import Services, Visit, Visitor
from bot.escalation import agents, consents, follow_ups, remarks, second_look
from storage import live
from storage.models.agents import Agent
from storage.models.remarks import usual_tags
from storage.models.search import Cursor

PAUSE_SECONDS = 0.1
"""Least time between two looks at the tables, however much happens."""
TYPING_SECONDS = 1.0
"""How often is looked who is writing; that costs no look at the tables."""
TICK_SECONDS = 20
"""How often waiting times and parcels are looked at when nothing happens."""

Deed = Callable[..., object]
MORNING, EVENING = 9, 18
"""When what was put off until the morning or the evening comes back, in hours of local time."""
MESSAGE_DEEDS: Mapping[str, Deed] = {
    "remember": remarks.remember_message,
    "wrong": second_look.was_wrong,
    "resend": second_look.send_again,
}
"""What an agent can do with one message."""
SHOWN_TAGS = 20
"""How many of the most used tags are offered."""
_DIGITS = 18
"""How many digits a number may have to be sure to fit the tables' 64 bits."""


def number_in(wanted: str) -> int | None:
    """The conversation in an address; 0, which none has, for what cannot be a number of one."""
    if not wanted:
        return None
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) <= _DIGITS
    return int(wanted) if is_number else 0


def desk_page(selected: int | None) -> str:
    """The desk's address with a conversation opened."""
    return f"{HOME}?c={selected}" if selected else HOME


class Screen:
    """One agent's page in one browser tab."""

    def __init__(self, services: Services, texts: Texts, cookie: str, selected: int | None) -> None:
        self.visit = Visit(services, texts, cookie, lambda: desk_page(self._selected))
        self._texts = texts
        self._selected = selected
        self._looking = asyncio.Lock()
        self._eyes = Eyes(services, texts, own_teams_only=services.own_teams_only)
        self._todo = 0
        self._customer = ""
        self._answers: Address | None = None
        self._is_acting = False
        self._is_finishing = False
        self._since: datetime | None = None
        self._jumps = 0

    def build(self, visitor: Visitor, sight: Sight, choices: Choices, tags: Sequence[str]) -> None:
        """Draw the page and start following the tables; `tags` are those that are used most."""
        self.visit.head(visitor)
        self._root = box("d-desk")
        with self._root:
            text(self._texts("skip"), "d-button d-skip", "button").props("type=button")
            text(self._texts("lost"), "d-lost").props("role=status")
            self.visit.bar(visitor)
            self._board = BoardColumn(
                self._texts,
                self._select,
                self._take_next,
                lambda: SearchColumn(self._texts, choices, self._find, self._open_hit),
            )
            self._thread = ThreadColumn(self._texts, self._deeds())
            self._card = CardColumn(self._texts, self._card_deeds(), tags)
        ui.on("desk-at", self._went)
        ui.on("desk-search", self._search)
        ui.on("desk-do", self._do_to_message)
        ui.on("desk-typing", partial(self._typed, visitor))
        self._show(sight)
        self.visit.client.on_delete(self._eyes.close)
        for watching in (self._watch(), self._watch_typing(visitor)):
            self.visit.client.on_delete(background_tasks.create(watching, name="desk").cancel)

    async def look(self) -> Sight:
        """What is to be seen now. Raises `LoggedOut` and `Forbidden`."""
        sight = await self._eyes.look(self.visit.login, self._selected, self._since)
        if sight.thread is not None:
            self.visit.looked("look", f"conversation:{sight.thread.id}")
        return sight

    async def choices(self) -> Choices:
        """What a search can be narrowed down to."""
        return await self.visit.read(Right.LOOK, choices, self._texts)

    async def tags(self) -> list[str]:
        """The tags that are used most."""
        return await self.visit.read(Right.LOOK, usual_tags, SHOWN_TAGS)

    def _deeds(self) -> Deeds:
        return Deeds(
            back=partial(self._select, None),
            take=partial(self._act, agents.take),
            take_next=self._take_next,
            take_over=partial(self._act, agents.take_over),
            release=partial(self._finish, agents.release, "released_done"),
            resolve=partial(self._finish, agents.resolve, "resolved_done"),
            done=self._followed_up,
            select=self._select,
            destinations=self._destinations,
            transfer=self._transfer,
        )

    def _card_deeds(self) -> CardDeeds:
        return CardDeeds(
            link=partial(self._act, agents.link),
            unlink=partial(self._act, agents.unlink),
            tag=partial(self._act, remarks.tag),
            untag=partial(self._act, remarks.untag),
            remember=partial(self._act, remarks.remember),
            forget=partial(self._act, remarks.forget),
            agreed=partial(self._act, consents.agreed),
            declined=partial(self._act, consents.declined),
            snooze=self._snooze,
            wake=partial(self._act, remarks.snooze, None),
            select=self._select,
        )

    def _show(self, sight: Sight) -> None:
        board = sight.board
        self._board.show(board)
        is_lost = sight.thread is None and self._selected is not None
        self._thread.show(sight.thread, board.waiting_count, is_lost=is_lost)
        self._card.show(sight.thread)
        thread = sight.thread
        self._todo = thread.todo if thread else 0
        self._customer = thread.card.name if thread else ""
        self._answers = thread.address if thread and thread.mine else None
        set_class(self._root, "d-reading", on=sight.thread is not None or is_lost)
        self._root.props["data-news"] = str(board.news)
        set_class(self._root, "d-watching", on=not sight.may_serve)
        title = f"({board.to_do}) {self._texts('title')}" if board.to_do else self._texts("title")
        if title != self.visit.client.title:
            with self.visit.client:
                ui.page_title(title)

    async def _refresh(self, *, anew: bool = False) -> None:
        """Look again and show it; one look at a time, so that an older one never wins.

        With `anew` also at what seems unchanged.
        """
        async with self._looking:
            if anew:
                self._eyes.forget()
            sight = await self.visit.told(self.look)
            if sight is not None:  # else the next look will tell
                self._show(sight)

    async def _watch(self) -> None:
        """Follow the tables until the browser is gone."""
        services = self.visit.services
        with services.db.live.listen(live.QUEUE) as changed, services.overview.watched():
            while True:
                spread = uniform(0.75, 1.25)  # noqa: S311 (no secret): desks opened together look apart
                happened = await changed.wait(TICK_SECONDS * spread)
                if happened:
                    await self._eyes.wait_for_turn()
                    changed.take()
                await self._refresh(anew=not happened)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _watch_typing(self, visitor: Visitor) -> None:
        """Show who is writing, which is nowhere stored, and what customers have read."""
        while True:
            await asyncio.sleep(TYPING_SECONDS)
            names = self.visit.services.typing.others(self._selected, visitor.id)
            if self._eyes.customer_writes():
                names.append(self._customer)
            self._thread.tell_typing(names)
            if self._eyes.has_news:
                await self._refresh()

    async def _typed(self, visitor: Visitor, event: GenericEventArguments) -> None:
        """The agent is writing, as `{"in": number, "note": …}` tells; colleagues see it, and of an
        answer the customer, too."""
        told = event.args if isinstance(event.args, dict) else {}
        if not self._selected or told.get("in") != self._selected:
            return
        self.visit.services.typing.typed(self._selected, visitor.id, visitor.name)
        if self._answers is not None and told.get("note") is False:
            await self.visit.services.db.announce(live.writing(self._answers, Author.AGENT))

    async def _select(self, conversation_id: int | None, *, remember: bool = True) -> None:
        before, self._selected = self._selected, conversation_id
        if conversation_id != before:
            self._since = None
            if self.visit.visitor is not None:
                self.visit.services.typing.stopped(before, self.visit.visitor.id)
        if remember and before != conversation_id:
            self._remember(before)
        await self._refresh()

    def _remember(self, before: int | None) -> None:
        """Let the browser's address say what is opened, before it is: a reload at once finds it."""
        with self.visit.client:
            if before is None:
                ui.navigate.history.push(desk_page(self._selected))
            else:
                ui.navigate.history.replace(desk_page(self._selected))

    async def _went(self, event: GenericEventArguments) -> None:
        """The browser's back or forward button was pressed."""
        await self._select(number_in(str(event.args).removeprefix("?c=")), remember=False)

    async def _search(self, event: GenericEventArguments) -> None:
        """Something was typed into the search, or chosen beside it."""
        if isinstance(event.args, dict):
            await self._board.ask(Asked.told(event.args))

    async def _find(self, asked: Asked, before: Cursor | None) -> Hits | None:
        """A page of what is found; None when it cannot be looked for now."""
        visit, own_only = self.visit, self._own_only
        return await visit.told(
            lambda: visit.services.db.read(
                find, visit.login, self._texts, asked, before, own_teams_only=own_only
            )
        )

    async def _open_hit(self, line: HitLine) -> None:
        """Open the conversation with what was found in view."""
        before, self._selected = self._selected, line.conversation
        self._since = line.said_at
        self._jumps += 1
        self._root.props["data-target"] = f"{line.key} {self._jumps}"
        if before != line.conversation:
            self._remember(before)
        await self._refresh()

    async def _take_next(self) -> None:
        """Serve whoever has waited longest."""
        taken = await self._do(_next)
        if taken:
            await self._select(taken)

    async def _act(self, deed: Deed, *args: Any) -> bool:
        """Do `deed` to the opened conversation; False when it was refused."""
        return bool(await self._do(_deed, deed, self._selected, self._own_only, *args))

    @property
    def _own_only(self) -> bool:
        return self.visit.services.own_teams_only

    async def _snooze(self, kind: str) -> None:
        zone = self.visit.services.voice.words.shop.zone
        await self._act(remarks.snooze, snoozed_until(kind, now().astimezone(zone)))

    async def _followed_up(self) -> None:
        await self._do(_followed_up, self._todo)

    async def _do_to_message(self, event: GenericEventArguments) -> None:
        """Something was chosen at a message: `{"deed": …, "key": "m17"}`."""
        asked = event.args if isinstance(event.args, dict) else {}
        deed, number = str(asked.get("deed")), number_in(str(asked.get("key")).removeprefix("m"))
        if deed not in MESSAGE_DEEDS or not number:
            return
        if await self._do(_deed, MESSAGE_DEEDS[deed], self._selected, self._own_only, number):
            self.visit.say(self._texts(f"done_{deed}"))

    async def _destinations(self) -> Destinations | None:
        return await self.visit.do(Right.SERVE, destinations, self.visit.services.transfers)

    async def _transfer(self, to: str, why: str) -> None:
        if not to:
            self.visit.say(self._texts("transfer_choose"), "warning")
            return
        await self._finish(transfer, "transfer_done", self.visit.services.transfers, to, why)

    async def _finish(self, deed: Deed, done: str, *args: Any) -> None:
        """Do `deed`, after which the conversation is off the agent's hands; then say so.

        A second press before it is out of sight means nothing.
        """
        if self._selected is None or self._is_finishing:
            return
        self._is_finishing = True
        try:
            if await self._do(_deed, deed, self._selected, self._own_only, *args):
                self.visit.say(self._texts(done))
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
            return await self.visit.do(Right.SERVE, work, *args)
        finally:
            self._is_acting = False
            await self._refresh(anew=True)


def snoozed_until(kind: str, at: datetime) -> datetime:
    """Until when a conversation is put off at the local time `at`; `kind` is one of `SNOOZES`."""
    days, hour = {
        "hour": (0, None),
        "evening": (0 if at.hour < EVENING else 1, EVENING),
        "tomorrow": (1, MORNING),
        "monday": (7 - at.weekday(), MORNING),
    }[kind]
    if hour is None:
        return at + timedelta(hours=1)
    return (at + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


def _deed(
    session: Session,
    agent_id: int,
    deed: Deed,
    conversation_id: int | None,
    own_only: bool,
    *args: Any,
) -> int | None:
    """Do `deed` to the conversation, if one is opened that the agent sees."""
    if conversation_id:
        agent = session.get_one(Agent, agent_id)
        seen(session, agent, conversation_id, own_only=own_only)
        deed(session, conversation_id, agent_id, *args)
    return conversation_id


def _followed_up(session: Session, agent_id: int, follow_up_id: int) -> None:
    if follow_up_id:
        follow_ups.done(session, follow_up_id, agent_id)


def _next(session: Session, agent_id: int) -> int | None:
    taken = agents.take_next(session, agent_id)
    return taken.id if taken is not None else None
