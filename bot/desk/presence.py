"""In the agent's menu: whether they are there."""

from functools import partial
from typing import TYPE_CHECKING

from nicegui.element import Element

from bot.core.roles import Presence, Right, may
from bot.desk.elements import box, button, text
from bot.escalation import presence

if TYPE_CHECKING:
    from bot.desk.visit import Visit, Visitor


class PresenceMenu:
    """Three buttons, and a mark beside the agent's name; nothing for those who only look."""

    def __init__(self, visit: "Visit", visitor: "Visitor") -> None:
        self._visit = visit
        self._visitor = visitor
        self._mark: Element | None = None
        self._buttons: dict[Presence, Element] = {}

    @property
    def is_shown(self) -> bool:
        """Whether the agent serves customers at all."""
        return may(self._visitor.role, Right.SERVE)

    def mark(self) -> None:
        """Draw the mark."""
        if self.is_shown:
            self._mark = text("", "d-presence", "span")

    def buttons(self) -> None:
        """Draw the choice."""
        if not self.is_shown:
            return
        texts = self._visit.texts
        with box("d-presences").props("role=group") as group:
            group.props["aria-label"] = texts("presence")
            for one in Presence:
                label, deed = texts(f"presence_{one}"), partial(self._choose, one)
                self._buttons[one] = button(label, f"d-is-{one}", deed)
        self._show(Presence(self._visitor.presence))

    def _show(self, chosen: Presence) -> None:
        if self._mark is not None:
            self._mark.props["data-presence"] = chosen
            self._mark.props["title"] = self._visit.texts(f"presence_{chosen}")
        for one, element in self._buttons.items():
            element.props["aria-pressed"] = "true" if one == chosen else "false"

    async def _choose(self, wanted: Presence) -> None:
        chosen = await self._visit.do(Right.SERVE, presence.choose, wanted)
        if chosen is not None:
            self._show(chosen)
