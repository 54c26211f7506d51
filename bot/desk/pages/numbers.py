"""The numbers page: how it is just now, and reports of a span of days."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

from nicegui import background_tasks, ui
from nicegui.element import Element
from sqlmodel import Session

from bot.core.clock import now
from bot.core.roles import Right
from bot.desk import figures
from bot.desk.charts import bars
from bot.desk.elements import box, text
from bot.desk.exports import titles
from bot.desk.figures import Card, Say, Table
from bot.desk.gap_groups import COMPARED, GapGroup, grouped
from bot.desk.live_board import LiveBoard
from bot.desk.visit import Place, Visit
from bot.insights.report import Report, report
from bot.insights.spans import DAYS, Wish
from storage.models.desk import agent_names
from storage.models.reports import channels, gaps_in

PLACE = Place("/numbers", "numbers", Right.NUMBERS)
ORDER = 20
CHARTS = ("days", "messages", "hours", "message_hours")
"""Tables that are drawn."""


async def build(visit: Visit) -> None:
    """Draw the page for the range and the filters in its address."""
    page = NumbersPage(visit)
    await page.build()


class NumbersPage:
    """One agent's numbers in one browser tab."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._say = Say(visit.texts)
        self._zone = visit.services.voice.words.shop.zone
        self._title = titles(visit.services.answerer, visit.texts.language)
        request = visit.client.request
        self._at = now()
        self._wish = Wish.read(request.query_params, self._at.astimezone(self._zone).date())

    async def build(self) -> None:
        """Draw all of it; what takes long comes later."""
        say, visit = self._say, self._visit
        found, names, known = await visit.read(Right.NUMBERS, self._read)
        with box("d-numbers"):
            text(visit.texts("numbers"), tag="h1")
            await LiveBoard(visit, say).build()
            self._filters(names, known)
            if found.is_empty and found.before.visits == 0:
                self._empty()
            else:
                self._report(found, names)
            self._definitions()

    def _read(self, session: Session) -> tuple[Report, dict[int, str], list[str]]:
        found = report(session, self._wish, self._zone, self._at)
        return found, agent_names(session), channels(session)

    # -- what is asked for

    def _filters(self, names: Mapping[int, str], known: list[str]) -> None:
        say, wish = self._say, self._wish
        spans = box("n-filters", "nav")
        spans.props["aria-label"] = say("span")
        with spans:
            for days in DAYS:
                chip = text(say(f"days_{days}"), "d-button n-chip", "a")
                others = {k: v for k, v in wish.query.items() if k in ("channel", "agent")}
                chip.props["href"] = f"/desk/numbers?{urlencode({'days': days} | others)}"
                if days == wish.days:
                    chip.props["aria-current"] = "true"
        with box("n-form", "form").props("method=get action=/desk/numbers"):
            self._date("from", wish.first.isoformat())
            self._date("to", wish.last.isoformat())
            places = [("", say("every_channel")), *((one, say.channel(one)) for one in known)]
            self._select("channel", places, wish.channel)
            people = [("", say("every_agent")), *((str(key), names[key]) for key in names)]
            self._select("agent", people, "" if wish.agent_id is None else str(wish.agent_id))
            text(say("show"), "d-button d-primary", "button").props("type=submit")

    def _date(self, name: str, value: str) -> None:
        with box("d-field", "label"):
            text(self._say(name), "n-label", "span")
            field = box("d-input", "input").props(f"type=date name={name} required")
            field.props["value"] = value

    def _select(self, name: str, options: list[tuple[str, str]], chosen: str) -> None:
        with box("d-field", "label"):
            text(self._say(name), "n-label", "span")
            with box("d-input", "select").props(f"name={name}"):
                for value, label in options:
                    option = text(label, tag="option")
                    option.props["value"] = value
                    if value == chosen:
                        option.props["selected"] = True

    # -- what is found

    def _empty(self) -> None:
        with box("n-empty"):
            text(self._say("empty_title"), tag="h2")
            text(self._say("empty").strip(), "d-pre d-empty")

    def _report(self, found: Report, names: Mapping[int, str]) -> None:
        say, until = self._say, found.counted_until
        time = self._visit.texts.time(until) if until else ""
        text(say("as_of", time=time) if until else say("not_counted"), "n-soft")
        with box("n-cards n-heads"):
            for card in figures.cards(found, say):
                _card(card)
        before = self._wish.before
        text(say("compared", first=say.day(before.first), last=say.day(before.last)), "n-soft")
        everything = figures.tables(found, say, self._title, names)
        for table in everything:
            if table.key in CHARTS:
                self._chart(table)
        with box("n-tables"):
            for table in everything:
                if table.key not in CHARTS:
                    with box("n-block", "section"):
                        self._head(table)
                        _table(table)
            with box("n-block", "section"):
                self._gap_groups()

    def _chart(self, table: Table) -> None:
        """A picture, and the same as a table for who cannot see it."""
        with box("n-block", "section"):
            self._head(table)
            chart = ui.echart(bars(table, [row[0][-5:] for row in table.rows]), renderer="svg")
            chart.classes("n-chart").props["aria-hidden"] = "true"
            with box("n-details", "details"):
                text(self._say("as_table"), tag="summary")
                _table(table)

    def _head(self, table: Table) -> None:
        with box("n-head"):
            text(table.title, tag="h2")
            link = text(self._say("export"), "n-export", "a")
            query = urlencode({"table": table.key} | self._wish.query)
            link.props["href"] = f"/desk/numbers/export?{query}"
            link.props["aria-label"] = f"{self._say('export')}: {table.title}"
            link.props("download")

    def _gap_groups(self) -> None:
        """The most frequent gaps; putting them together may take seconds."""
        text(self._say("t_gap_groups"), tag="h2")
        place = box("n-late")
        with place:
            text(self._say("gaps_wait"), "d-empty")
        working = background_tasks.create(self._show_groups(place), name="gaps")
        self._visit.client.on_delete(working.cancel)

    async def _show_groups(self, place: Element) -> None:
        scope, answerer = self._wish.scope(self._zone), self._visit.services.answerer
        asked = await self._visit.read(Right.NUMBERS, gaps_in, scope, COMPARED)
        groups: list[GapGroup] = []
        if answerer is not None and answerer.ready:
            groups = await asyncio.to_thread(grouped, asked, answerer)
        if place.is_deleted:
            return
        place.clear()
        with place:
            self._groups(len(asked), groups)

    def _groups(self, asked: int, groups: list[GapGroup]) -> None:
        say = self._say
        if not groups:
            text(say("gaps_none"), "d-empty")
            return
        columns = (say("c_question"), say("c_number"), say("c_nearest"))
        rows = tuple(
            (one.sample, str(one.size), self._title(one.nearest) if one.nearest else say("none"))
            for one in groups
        )
        _table(Table("gap_groups", "", columns, rows))
        text(say("gaps_some", count=asked), "n-soft")

    def _definitions(self) -> None:
        with box("n-details n-define", "details"):
            text(self._say("definitions"), tag="summary")
            for line in self._say("define").strip().splitlines():
                text(line, "n-definition", "p")


def _card(card: Card) -> None:
    with box("n-card"):
        text(card.label, "n-label")
        text(card.value, "n-value")
        if card.before:
            text(card.before, "n-soft")
        for line in card.details:
            text(line, "n-soft")


def _table(table: Table) -> None:
    with box("n-scroll"), box("n-table", "table"):
        with box("", "thead"), box("", "tr"):
            for column in table.columns:
                text(column, tag="th").props("scope=col")
        with box("", "tbody"):
            for row in table.rows:
                with box("", "tr"):
                    text(row[0], tag="th").props("scope=row")
                    for cell in row[1:]:
                        text(cell, tag="td")
