"""Teams: what they are called, who belongs to them, when they work, and what they promise."""

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlmodel import Session

from bot import config
from bot.core.clock import now
from bot.core.roles import Right
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import Filled, field, form, panel, submit
from bot.desk.team_editor import Editor, draw_ahead
from bot.desk.team_sight import Ahead, Sight, TeamSight, ahead, look
from bot.desk.texts import Texts
from bot.desk.visit import Place, Visit
from bot.escalation import team_edits
from bot.escalation.team_form import MINUTES, Read
from storage.models.agents import all_agents
from storage.models.teams import members_of

PLACE = Place("/teams", "teams", Right.SETTINGS)
ORDER = 50


async def build(visit: Visit) -> None:
    """Draw the page."""
    text(visit.texts("teams"), tag="h1")
    text(visit.texts("teams_hint"), "d-small d-lead")
    await _Teams(visit).show()


class _Teams:
    """The page in one tab; `_editing` is the team whose form is open."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts = visit.texts
        self._file = visit.services.transfers.teams.file
        self._editing = ""
        self._body = box("")

    async def show(self) -> None:
        """Read all teams again, and draw."""
        sight = await self._visit.show(Right.SETTINGS, look, self._file)
        if sight is None:
            return
        shop, texts = self._visit.services.voice.words.shop, self._texts
        views = await asyncio.to_thread(
            lambda: [ahead(one.team, shop, now(), texts) for one in sight.teams]
        )
        self._body.clear()
        with self._body:
            for place, (one, view) in enumerate(zip(sight.teams, views, strict=True)):
                self._team(sight, one, view, is_first=place == 0)
            self._adding(is_first=not sight.teams)

    def _team(self, sight: Sight, one: TeamSight, view: Ahead, *, is_first: bool) -> None:
        team = one.team
        with panel(f"{team.title} · {team.name}" if team.title else team.name) as shown:
            shown.props["data-team"] = team.name
            self._mark(one)
            if self._editing == team.name:
                Editor(self._visit, one, sight.people, self._keep, self._close).draw(view)
                return
            draw_ahead(view)
            for line in _facts(one, sight, self._texts, is_first=is_first):
                text(line, "d-fact")
            self._deeds(one)

    def _mark(self, one: TeamSight) -> None:
        """What is in force: the file's, or the desk's."""
        texts = self._texts
        if one.at is None:
            text(texts("team_as_file"), "d-mark", "span")
            return
        with box("d-marks"):
            text(texts("team_changed" if one.file else "team_made"), "d-mark d-here", "span")
            names = texts.listed(texts(f"team_{key}") for key in one.changed)
            since = texts("team_by", name=one.by, at=texts.time(one.at))
            text(" · ".join(part for part in (names, since) if part), "d-small", "span")

    def _deeds(self, one: TeamSight) -> None:
        texts, name = self._texts, one.team.name
        with box("d-deeds-row"):
            button(texts("change"), "d-primary", partial(self._open, name))
            if one.at is not None:
                away = SureButton("", partial(self._back, name))
                away.show(texts("team_back" if one.file else "team_remove"), texts("sure"))

    def _adding(self, *, is_first: bool) -> None:
        texts = self._texts
        with panel(texts("team_add")), form(self._add):
            if is_first:
                text(texts("teams_none"), "d-small")
            value = "service" if is_first else ""
            field(texts("team_name"), "name", value, maxlength=32, required=True)
            submit(texts("add"))

    async def _open(self, name: str) -> None:
        self._editing = name
        await self.show()

    async def _close(self) -> None:
        await self._open("")

    async def _keep(self, name: str, found: Read, members: set[int]) -> None:
        kept = await self._visit.do(
            Right.SETTINGS, _keep, self._file, name, dict(found.settings), members
        )
        if kept is not None:
            self._visit.say(self._texts("saved"))
            await self._close()

    async def _add(self, filled: Filled) -> None:
        name = filled.get("name", "")
        if made := await self._visit.do(Right.SETTINGS, team_edits.add, self._file, name):
            await self._open(made)

    async def _back(self, name: str) -> None:
        if await self._visit.do(Right.SETTINGS, _back, self._file, name):
            self._visit.say(self._texts("saved"))
        await self._close()


def _facts(one: TeamSight, sight: Sight, texts: Texts, *, is_first: bool) -> list[str]:
    """What else there is to a team: its promises, its people, which conversations are its own."""
    team = one.team
    promises = [
        texts(f"promises_{key}", count=count)
        for key in MINUTES
        if (count := getattr(team, key)) is not None
    ]
    people = [name for number, name in sight.people.items() if number in one.members]
    rules = [*team.reasons, *team.languages, *team.channels, *team.topics]
    gets = texts("team_gets_rest") if is_first else texts("team_gets_transfers")
    return [
        texts("team_promises", what=texts.listed(promises) or texts("team_promises_none")),
        texts("team_members", names=texts.listed(people) or texts("team_members_none")),
        texts("team_gets", what=texts.listed(rules)) if rules else gets,
    ]


def _keep(
    session: Session,
    agent_id: int,
    file: Sequence[config.Team],
    name: str,
    settings: dict[str, object],
    members: set[int],
) -> str:
    """Keep what was typed; who cannot be seen in the form stays a member."""
    team_edits.change(session, agent_id, file, name, settings)
    shown = {one.id for one in all_agents(session) if one.active}
    wanted = (members & shown) | (members_of(session, name) - shown)
    team_edits.set_members(session, agent_id, file, name, {one for one in wanted if one})
    return name


def _back(session: Session, agent_id: int, file: Sequence[config.Team], name: str) -> str:
    team_edits.back_to_file(session, agent_id, file, name)
    return name
