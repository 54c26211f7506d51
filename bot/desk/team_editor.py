"""The form of one team: says what is wrong while it is typed, and shows the days ahead."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from bot import config
from bot.core.clock import now
from bot.core.errors import Misread
from bot.desk.elements import box, button, set_class, text
from bot.desk.forms import KEPT, Filled, area, field, form, submit, tick
from bot.desk.team_sight import Ahead, TeamSight, ahead
from bot.desk.visit import Visit
from bot.escalation.team_form import EDITABLE, MINUTES, Read, read, typed

Keep = Callable[[str, Read, set[int]], Awaitable[None]]
_MEMBER = "member-"
_LISTS = ("closings", "openings")
_EXAMPLES = {
    "holidays": "CN, US, DE-BY",
    "closings": "2026-12-31\n2026-12-30 14:00-18:00",
    "openings": "2026-10-02 10:00-16:00",
}
_NUMBERS = (*MINUTES, "warn_at_percent")


class Editor:
    """The form in one tab. `keep` is given what was typed once nothing is wrong with it."""

    def __init__(
        self,
        visit: Visit,
        one: TeamSight,
        people: Mapping[int, str],
        keep: Keep,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._visit = visit
        self._texts = visit.texts
        self._one = one
        self._people = people
        self._keep = keep
        self._close = close
        self._fields: dict[str, tuple[Element, TextElement]] = {}
        self._looks = 0
        self._preview = box("d-preview").props("aria-live=polite")

    def draw(self, view: Ahead) -> None:
        """Draw it, with the days ahead as they are now."""
        texts = self._texts
        with self._preview:
            draw_ahead(view)
        with form(self._submitted, KEPT, on_change=self._changed):
            self._all_fields()
            self._members()
            submit(texts("save"))
            button(texts("cancel"), "", self._close)
        self._show_free(typed(self._one.team))

    def _all_fields(self) -> None:
        values = typed(self._one.team)
        for name in EDITABLE:
            if name == config.WEEKDAYS[0]:
                text(self._texts("team_week_hint"), "d-small d-wide")
            elif name == _LISTS[0]:
                text(self._texts("team_days_hint"), "d-small d-wide")
            elif name == MINUTES[0]:
                text(self._texts("team_promises_hint"), "d-small d-wide")
            self._field(name, values[name])

    def _field(self, name: str, value: str) -> None:
        label = self._texts(f"team_{name}")
        with box("d-checked d-wide" if name in _LISTS else "d-checked"):
            made = area(label, name, value) if name in _LISTS else field(label, name, value)
            self._explain(name, made)
            wrong = text("", "d-wrong").props("role=status")
            made.props["aria-describedby"] = wrong.html_id
            self._fields[name] = made, wrong

    def _explain(self, name: str, made: Element) -> None:
        """An example of what can stand in the field, and what the file says where it differs."""
        if name in _EXAMPLES:
            made.props["placeholder"] = _EXAMPLES[name]
        if name in _NUMBERS:
            made.props["inputmode"] = "numeric"
        if name == "timezone":
            made.props["placeholder"] = self._visit.services.voice.words.shop.timezone
        if self._one.file is not None and name in self._one.changed:
            usual = typed(self._one.file)[name] or self._texts("team_nothing")
            text(self._texts("team_in_file", value=usual), "d-small d-here-before")

    def _show_free(self, values: Mapping[str, str]) -> None:
        """What an empty day means: free, or in an empty week that somebody is always there."""
        is_always = not any(values.get(day, "").strip() for day in config.WEEKDAYS)
        for day in config.WEEKDAYS:
            made, _ = self._fields[day]
            made.props["placeholder"] = self._texts("team_all_day" if is_always else "team_free")
            made.update()

    def _members(self) -> None:
        if self._people:
            text(self._texts("team_members_hint"), "d-small d-wide")
        for number, name in self._people.items():
            tick(name, f"{_MEMBER}{number}", on=number in self._one.members)

    async def _changed(self, filled: Filled) -> None:
        """Say what is wrong, and show what the rest would mean; the latest look counts."""
        self._looks += 1
        look = self._looks
        found, view = await asyncio.to_thread(self._read, filled)
        if look != self._looks or self._preview.is_deleted:
            return
        self._tell(found.wrong)
        self._show_free(filled)
        self._preview.clear()
        with self._preview:
            draw_ahead(view)

    def _read(self, filled: Filled) -> tuple[Read, Ahead]:
        """Read it and look ahead, which is slow where a country's holidays are new."""
        found = read(filled)
        shop = self._visit.services.voice.words.shop
        return found, ahead(found.team(self._one.team), shop, now(), self._texts)

    def _tell(self, wrong: Mapping[str, Misread]) -> None:
        for name, (made, place) in self._fields.items():
            why = wrong.get(name)
            place.text = why.text(self._texts.language) if why else ""
            made.props["aria-invalid"] = "true" if why else "false"
            made.update()
            set_class(made, "d-invalid", on=why is not None)

    async def _submitted(self, filled: Filled) -> None:
        self._looks += 1
        found, _ = await asyncio.to_thread(self._read, filled)
        self._tell(found.wrong)
        if found.wrong:
            name, why = next(iter(found.wrong.items()))
            where = self._texts(f"team_{name}")
            said = self._texts("team_wrong", where=where, why=why.text(self._texts.language))
            self._visit.say(said, "warning")
            return
        await self._keep(self._one.team.name, found, _ticked(filled))


def draw_ahead(view: Ahead) -> None:
    """Whether somebody is there, and the days ahead."""
    text(view.now, f"d-now {'d-is-open' if view.is_open else ''}")
    with box("d-week", "ul"):
        for one in view.days:
            with box("", "li"):
                text(one.day, "d-day", "span")
                text(one.hours, "", "span")
                if one.why:
                    text(one.why, "d-mark", "span")


def _ticked(filled: Filled) -> set[int]:
    """The agents whose boxes are ticked."""
    numbers = (name.removeprefix(_MEMBER) for name in filled if name.startswith(_MEMBER))
    return {int(one) for one in numbers if one.isascii() and one.isdecimal() and len(one) < 18}
