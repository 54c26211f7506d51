"""The journeys on the care page: a list, and one of them with its texts, reasons and outcomes."""

from functools import partial
from urllib.parse import urlencode

from sqlmodel import Session

from bot.care import overview
from bot.care.house import House
from bot.care.outcomes import DAYS
from bot.care.overview import JourneyLine
from bot.core.clock import now
from bot.core.roles import Right, may
from bot.desk import care_outcomes
from bot.desk.care_say import CareSay
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import link, panel, row, table
from bot.desk.visit import Visit
from storage.models.care_switches import OFF, ON, PAUSED
from storage.models.outcomes import refusals

_HEADS = ("name", "state", "trigger", "purpose", "due", "written", "refused")


class Journeys:
    """The view in one tab; `care` is the room of the installation."""

    def __init__(self, visit: Visit, say: CareSay, care: House) -> None:
        self._visit = visit
        self._say = say
        self._care = care
        self._body = box("")

    async def show(self, name: str = "") -> None:
        """Read again, and draw the list, or the journey `name`."""
        lines = await self._visit.show(Right.LOOK, overview.journeys, self._care.book)
        if lines is None:
            return
        one = next((line for line in lines if line.name == name), None)
        self._body.clear()
        if one is None:
            with self._body:
                self._list(lines)
            return
        await self._one(one)

    def _list(self, lines: list[JourneyLine]) -> None:
        say = self._say
        heads = [say(f"c_{name}") for name in _HEADS]
        with box("d-compact"), table([*heads, ""]):
            for one in lines:
                cells = [
                    say.known("j", one.name),
                    say(f"state_{one.state}"),
                    say.known("trigger", one.trigger),
                    say(f"purpose_{one.purpose}"),
                    *(str(count) for count in (one.due, one.written, one.refused)),
                ]
                with row(cells, heads, "" if one.state == ON else "d-off"), box("", "td"):
                    address = f"/desk/care?{urlencode({'journey': one.name})}"
                    link(say("open"), address, "d-button d-edit")

    async def _one(self, one: JourneyLine) -> None:
        visit, say = self._visit, self._say
        found = await visit.show(Right.LOOK, _reasons, one.name)
        report = await visit.show(Right.LOOK, overview.report, one.name, 30, DAYS)
        with self._body:
            with box("d-deeds-row"):
                link(say("back"), "/desk/care", "d-link")
            with panel(say.known("j", one.name)):
                self._facts(one)
                if visit.visitor is not None and may(visit.visitor.role, Right.SETTINGS):
                    self._switches(one)
            self._texts(one.name)
            text(say("refusals"), tag="h2")
            self._refusals(found or {})
            care_outcomes.draw(say, report or [], whole=False)

    def _facts(self, one: JourneyLine) -> None:
        say = self._say
        with box("d-marks"):
            text(
                say(f"state_{one.state}"), "d-mark" + (" d-here" if one.state != ON else ""), "span"
            )
            if one.switched:
                text(say("by_hand"), "d-small", "span")
        facts = {
            "f_file": f"{one.name}.toml",
            "c_trigger": say.known("trigger", one.trigger),
            "c_purpose": say(f"purpose_{one.purpose}"),
            "f_pool": one.pool,
        }
        text(" · ".join(f"{say(name)}: {fact}" for name, fact in facts.items() if fact), "d-fact")

    def _switches(self, one: JourneyLine) -> None:
        say = self._say
        with box("d-deeds-row"):
            if one.state == ON:
                button(say("pause"), "", partial(self._turn, one.name, PAUSED))
                off = SureButton("", partial(self._turn, one.name, OFF))
                off.show(say("switch_off"), self._visit.texts("sure"))
            else:
                label = "resume" if one.state == PAUSED else "switch_on"
                button(say(label), "d-primary", partial(self._turn, one.name, ON))
            if one.switched:
                button(say("as_file"), "", partial(self._turn, one.name, ""))

    async def _turn(self, name: str, state: str) -> None:
        done = await self._visit.do(Right.SETTINGS, overview.switch_journey, name, state)
        if done is not None:
            self._visit.say(self._visit.texts("saved"))
        await self.show(name)

    def _texts(self, name: str) -> None:
        """What it says, in each language and voice, with what only a customer has by its name."""
        say, journey = self._say, self._care.book.journeys[name]
        words = self._visit.services.voice.words
        text(say("texts"), tag="h2")
        with box("d-versions"):
            for language in words.shop.languages:
                for voice, source in journey.texts.get(language, {}).items():
                    with box("d-version"):
                        label = self._visit.texts(f"language_{language}")
                        text(f"{label} · {say(f'voice_{voice}')}", "d-small")
                        text(words.preview(source, language), "d-says d-pre")

    def _refusals(self, found: dict[str, int]) -> None:
        say = self._say
        if not found:
            text(say("none_refused"), "d-empty")
            return
        heads = [say("c_reason"), say("c_number")]
        with table(heads):
            for reason, count in sorted(found.items(), key=lambda one: -one[1]):
                row([say.known("reason", reason), str(count)], heads)


def _reasons(session: Session, name: str) -> dict[str, int]:
    return refusals(session, name, now() - overview.RECENT)
