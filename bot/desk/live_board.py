"""How it is just now, at the top of the numbers page: it follows what happens."""

import asyncio
from datetime import datetime

from nicegui import background_tasks
from nicegui.elements.mixins.text_element import TextElement
from sqlmodel import Session

from bot.core.clock import now
from bot.core.roles import Right
from bot.desk.elements import box, set_class, text
from bot.desk.figures import Say, waited
from bot.desk.passes import LIFETIME
from bot.desk.visit import Visit
from storage import live
from storage.models.desk import agent_names
from storage.models.reports import Now, just_now

PAUSE_SECONDS = 2.0
"""Least time between two looks at the tables, however much happens."""
TICK_SECONDS = 20
"""How often waiting times are looked at when nothing happens."""
_FIGURES = ("n_waiting", "longest", "n_open", "n_warned", "n_breached")


class LiveBoard:
    """The figures and who has how many conversations."""

    def __init__(self, visit: Visit, say: Say) -> None:
        self._visit = visit
        self._say = say
        self._values: dict[str, TextElement] = {}

    async def build(self) -> None:
        """Draw it and begin to follow the tables."""
        say = self._say
        with box("n-live", "section"):
            text(say("now"), tag="h2")
            with box("n-cards"):
                for key in _FIGURES:
                    with box("n-card"):
                        text(say(key), "n-label")
                        self._values[key] = text("", "n-value")
            for key in ("there", "per_agent"):
                with box("n-line"):
                    text(say(key), "n-label", "span")
                    self._values[key] = text("", "", "span")
        await self._refresh()
        watching = background_tasks.create(self._watch(), name="numbers")
        self._visit.client.on_delete(watching.cancel)

    async def _watch(self) -> None:
        with self._visit.services.db.live.listen(live.QUEUE) as changed:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                await changed.wait(TICK_SECONDS)
                await self._refresh()

    async def _refresh(self) -> None:
        visit = self._visit
        seen = await visit.show(Right.NUMBERS, _seen, now() - LIFETIME)
        if seen is not None:
            self._show(*seen)

    def _show(self, found: Now, names: dict[int, str]) -> None:
        say, values = self._say, self._values
        values["n_waiting"].text = str(found.waiting)
        values["longest"].text = waited(found.waiting_since, now(), say)
        values["n_open"].text = str(found.open)
        values["n_warned"].text = str(found.warned)
        values["n_breached"].text = str(found.breached)
        set_class(values["n_breached"], "n-alarm", on=found.breached > 0)
        values["there"].text = ", ".join(found.agents.values()) or say("nobody")
        busiest = sorted(found.open_by_agent.items(), key=lambda one: (-one[1], one[0]))
        lines = [f"{names.get(agent, '')} {number}" for agent, number in busiest]
        values["per_agent"].text = " · ".join(lines) or say("none")


def _seen(session: Session, since: datetime) -> tuple[Now, dict[int, str]]:
    return just_now(session, since), agent_names(session)
