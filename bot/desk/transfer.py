"""The form below the thread's header by which a conversation is handed on, and why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments
from sqlmodel import Session

from bot.desk.elements import box, button, text
from bot.desk.texts import Texts
from bot.escalation.transfers import MAX_REASON, Transfers

AGENT, TEAM = "agent:", "team:"
_SEND = """(event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  emit([String(form.get("to") || ""), String(form.get("why") || "")]);
}"""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a conversation can go: a value for `transfer`, and what it is called."""

    value: str
    name: str


Destinations = tuple[list[Destination], list[Destination]]
"""Teams and colleagues."""


def destinations(session: Session, agent_id: int, transfers: Transfers) -> Destinations:
    """The teams, where there are several, and the agent's colleagues."""
    teams = transfers.teams.all if len(transfers.teams.all) > 1 else ()
    colleagues = transfers.colleagues(session, agent_id)
    return (
        [Destination(TEAM + one.name, one.label) for one in teams],
        [Destination(AGENT + one.login, one.name) for one in colleagues],
    )


def transfer(
    session: Session, conversation_id: int, agent_id: int, transfers: Transfers, to: str, why: str
) -> None:
    """Hand on to a destination's value. Raises what `Transfers` raises."""
    if to.startswith(TEAM):
        transfers.to_team(session, conversation_id, agent_id, to.removeprefix(TEAM), why)
    else:
        transfers.to_agent(session, conversation_id, agent_id, to.removeprefix(AGENT), why)


Look = Callable[[], Awaitable[Destinations | None]]


class TransferForm:
    """A select and a reason; `look` gives the destinations, `send` hands on.

    The button that opens it is drawn by `opener`, where it belongs.
    """

    def __init__(
        self,
        texts: Texts,
        look: Look,
        send: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._texts = texts
        self._look = look
        self._send = send

    def opener(self) -> Element:
        """Draw the button that opens the form, and closes it."""
        self._button = button(self._texts("transfer"), "d-to-transfer", self._toggle)
        self._button.props["aria-expanded"] = "false"
        return self._button

    def draw(self) -> None:
        """Draw the form, closed."""
        texts = self._texts
        with Element("form").classes("d-transfer") as self._form:
            self._to = box("d-input", "select").props("name=to")
            self._to.props["aria-label"] = texts("transfer_to")
            why = box("d-input", "input").props(f"name=why maxlength={MAX_REASON}")
            why.props["placeholder"] = why.props["aria-label"] = texts("transfer_reason")
            text(texts("transfer_send"), "d-button d-primary", "button").props("type=submit")
            button(texts("cancel"), "d-cancel", self.close)
        self._form.on("submit", self._submitted, js_handler=_SEND)
        self.close()

    def close(self) -> None:
        """Put the form away."""
        self._form.set_visibility(False)
        self._button.props["aria-expanded"] = "false"

    async def _toggle(self) -> None:
        if self._form.visible:
            self.close()
            return
        found = await self._look()
        if found is None:
            return
        self._fill(*found)
        self._form.set_visibility(True)
        self._button.props["aria-expanded"] = "true"

    def _fill(self, teams: list[Destination], colleagues: list[Destination]) -> None:
        self._to.clear()
        with self._to:
            text(self._texts("transfer_to"), tag="option").props["value"] = ""
            for label, group in (("transfer_teams", teams), ("transfer_agents", colleagues)):
                if not group:
                    continue
                with box("", "optgroup") as shown:
                    shown.props["label"] = self._texts(label)
                    for one in group:
                        text(one.name, tag="option").props["value"] = one.value

    async def _submitted(self, event: GenericEventArguments) -> None:
        to, why = (str(one) for one in event.args)
        await self._send(to, why)
