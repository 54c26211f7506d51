"""Sendings on the care page: a list, the form of a new one, and one with its steps."""

from urllib.parse import urlencode

from sqlmodel import Session

from bot.care import overview, sendings
from bot.care.house import House
from bot.care.overview import SendingLine
from bot.core.roles import Right, may
from bot.desk import care_form
from bot.desk.care_say import CareSay
from bot.desk.care_sending import OneSending
from bot.desk.elements import box, text
from bot.desk.forms import Filled, link, panel, row, table
from bot.desk.visit import Visit
from bot.shop import coupons
from bot.words.phrases import Voice
from storage.models.care import Sending
from storage.models.coupons import Pool
from storage.models.sendings import sending_named

_HEADS = ("name", "state", "ready", "sent", "waiting", "not_sent", "failed", "uncertain")
LIST = "/desk/care?show=sendings"


class Sendings:
    """The view in one tab."""

    def __init__(self, visit: Visit, say: CareSay, care: House) -> None:
        self._visit = visit
        self._say = say
        self._care = care
        self._body = box("")

    async def show(self, name: str = "", *, new: bool = False) -> None:
        """Draw the list; with `new` the form, filled with a draft; or the sending `name`."""
        self._body.clear()
        if new:
            await self._form(name)
        elif name:
            with self._body, box("d-deeds-row"):
                link(self._say("back"), LIST, "d-link")
            with self._body:
                await OneSending(self._visit, self._say, self._care, name).show()
        else:
            await self._list()

    async def _list(self) -> None:
        visit, say = self._visit, self._say
        lines = await visit.show(Right.LOOK, overview.sendings)
        with self._body:
            if visit.visitor is not None and may(visit.visitor.role, Right.SETTINGS):
                with box("d-deeds-row"):
                    link(say("new"), f"{LIST}&new=1", "d-button d-primary")
            if lines:
                self._table(lines)
            else:
                text(say("sendings_none"), "d-empty")

    def _table(self, lines: list[SendingLine]) -> None:
        say = self._say
        heads = [say(f"c_{name}") for name in _HEADS]
        with table([*heads, ""]):
            for one in lines:
                numbers = (one.ready, one.sent, one.waiting, one.refused, one.failed, one.uncertain)
                cells = [one.name, say(f"state_{one.state}"), *map(str, numbers)]
                with row(cells, heads), box("", "td"):
                    address = f"/desk/care?{urlencode({'sending': one.name})}"
                    link(say("open"), address, "d-button d-edit")

    async def _form(self, name: str) -> None:
        found = await self._visit.show(Right.SETTINGS, _draft, name)
        if found is None:
            return
        sending, pools = found
        with self._body:
            with box("d-deeds-row"):
                link(self._say("back"), LIST, "d-link")
            with panel(self._say("edit" if sending else "new")):
                care_form.draw(self._say, pools, sending, self._keep)

    async def _keep(self, filled: Filled) -> None:
        """Keep what was typed; a refusal loses nothing."""
        voice = self._visit.services.voice
        kept = await self._visit.do(Right.SETTINGS, _keep, voice, filled)
        if kept is not None:
            self._visit.go(f"/desk/care?{urlencode({'sending': kept})}")


def _draft(session: Session, name: str) -> tuple[Sending | None, list[Pool]]:
    return (sending_named(session, name) if name else None), coupons.pools(session)


def _keep(session: Session, agent_id: int, voice: Voice, filled: Filled) -> str:
    draft = care_form.draft(filled, voice.words.shop.languages)
    return sendings.create(session, agent_id, voice, draft).name
