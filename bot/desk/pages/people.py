"""Who works at the desk, and as what."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from bot.core.ids import password
from bot.core.roles import Right, Role
from bot.desk import accounts, staff
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import Filled, field, form, panel, row, secret, select, submit, table
from bot.desk.staff import Worker
from bot.desk.visit import Place, Visit

PLACE = Place("/people", "people", Right.PEOPLE)
ORDER = 80


async def build(visit: Visit) -> None:
    """Draw the page."""
    text(visit.texts("people"), tag="h1")
    await _People(visit).show()


class _People:
    """The page in one tab; `_editing` is whose account is open."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts = visit.texts
        self._editing: int | None = None
        self._news = box("d-once-place")
        self._body = box("")

    async def show(self) -> None:
        """Read everybody again, and draw."""
        workers = await self._visit.show(Right.PEOPLE, staff.workers)
        if workers is None:
            return
        self._body.clear()
        with self._body:
            self._list(workers)
            for worker in workers:
                if worker.id == self._editing:
                    self._editor(worker)
            self._adding()

    def _list(self, workers: list[Worker]) -> None:
        texts = self._texts
        heads = [texts(f"people_{one}") for one in ("name", "login", "role", "seen", "factor")]
        with table([*heads, ""]):
            for one in workers:
                seen = texts.time(one.seen_at) if one.seen_at else texts("never")
                state = texts("people_disabled") if not one.active else seen
                factor = texts("on" if one.has_factor else "off")
                cells = [one.name, one.login, texts(f"role_{one.role}"), state, factor]
                with row(cells, heads, "" if one.active else "d-off"), box("", "td"):
                    if self._may_change(one):
                        button(texts("change"), "d-edit", partial(self._open, one.id))

    def _may_change(self, worker: Worker) -> bool:
        return worker.role != Role.OWNER or self._is_owner

    @property
    def _is_owner(self) -> bool:
        visitor = self._visit.visitor
        return visitor is not None and visitor.role == Role.OWNER

    def _roles(self) -> dict[str, str]:
        roles = [one for one in Role if one != Role.OWNER or self._is_owner]
        return {str(one): self._texts(f"role_{one}") for one in roles}

    async def _open(self, agent_id: int) -> None:
        self._editing = None if self._editing == agent_id else agent_id
        await self.show()

    def _editor(self, worker: Worker) -> None:
        texts = self._texts
        with panel(worker.login):
            with form(partial(self._change, worker.id)):
                field(texts("people_name"), "name", worker.name, maxlength=accounts.MAX_NAME)
                select(texts("people_role"), "role", self._roles(), worker.role)
                submit(texts("save"))
            with box("d-deeds-row"):
                for deed, label, question in self._deeds(worker):
                    SureButton("", deed).show(label, question)

    def _deeds(self, worker: Worker) -> list[tuple[Callable[[], Any], str, str]]:
        """What can be done to the account: the deed, its name, and the question before it."""
        texts, number = self._texts, worker.id
        sure = texts("sure")
        deeds: list[tuple[Callable[[], Any], str, str]] = [
            (partial(self._renew, worker), texts("people_renew"), sure)
        ]
        if worker.logins:
            label = texts("people_end", count=worker.logins)
            deeds.append((partial(self._do, staff.end_everywhere, number), label, sure))
        if worker.has_factor:
            label = texts("people_drop_factor")
            deeds.append((partial(self._do, staff.drop_factor, number), label, sure))
        active = partial(self._set_active, number, not worker.active)
        label = texts("people_disable" if worker.active else "people_enable")
        return [*deeds, (active, label, sure if worker.active else "")]

    def _adding(self) -> None:
        texts = self._texts
        with panel(texts("people_add")), form(self._add):
            field(
                texts("people_login"), "login", maxlength=64, required=True, autocapitalize="none"
            )
            field(texts("people_name"), "name", maxlength=accounts.MAX_NAME)
            select(texts("people_role"), "role", self._roles(), Role.AGENT)
            submit(texts("add"))

    async def _add(self, filled: Filled) -> None:
        first = password()
        made = await self._visit.do(
            Right.PEOPLE,
            staff.add,
            filled.get("login", ""),
            filled.get("name", ""),
            _role(filled),
            await asyncio.to_thread(accounts.hashed, first),
        )
        await self._done(made, made.login if made else "", first)

    async def _renew(self, worker: Worker) -> None:
        first = password()
        kept = await asyncio.to_thread(accounts.hashed, first)
        made = await self._visit.do(Right.PEOPLE, staff.renew, worker.id, kept)
        await self._done(made, worker.login, first)

    async def _change(self, number: int, filled: Filled) -> None:
        name = filled.get("name", "")
        await self._do(staff.change, number, name, _role(filled))

    async def _set_active(self, number: int, active: bool) -> None:
        await self._done(await self._visit.do(Right.PEOPLE, _activate, number, active))

    async def _do(self, deed: Callable[..., object], *args: Any) -> None:
        await self._done(await self._visit.do(Right.PEOPLE, deed, *args))

    async def _done(self, made: object, login: str = "", first: str = "") -> None:
        """Say that it is done; a password is shown once, until something else is done."""
        if made is None:
            return
        self._news.clear()
        if first:
            with self._news, panel(self._texts("people_password", login=login)):
                secret(first)
                text(self._texts("people_password_once"), "d-small")
        else:
            self._visit.say(self._texts("saved"))
        await self.show()


def _role(filled: Filled) -> Role:
    """The role that was chosen; the least one for what is none."""
    wanted = filled.get("role", "")
    return Role(wanted) if wanted in list(Role) else Role.VIEWER


def _activate(session: Any, by: int, agent_id: int, active: bool) -> object:
    return staff.set_active(session, by, agent_id, active=active)
