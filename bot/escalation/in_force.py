"""The teams that are in force: the file's, and over them what was said at the desk.

What the desk changes stands in the database and not in the file: any number of processes, on
several machines, answer from one database, while each has a file of its own, often one that it may
only read. Only what differs from the file is kept, so that the rest goes on following the file. A
process hears of a change by the commit that makes it (`live.TEAMS`), looks itself now and then,
for news may get lost, and needs no restart.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from pydantic import ValidationError

from bot import config
from bot.core.errors import Unavailable
from bot.escalation.teams import Teams
from bot.words.sandbox import Words
from bot.words.week import week_text
from storage import live
from storage.db import Database
from storage.models.teams import TeamEdit, team_edits

TICK_SECONDS = 60.0
"""How often is looked when nothing is heard."""

log = structlog.get_logger()


def in_force(file: Sequence[config.Team], edits: Sequence[TeamEdit]) -> tuple[config.Team, ...]:
    """The file's teams in its order, then the desk's own, each as it was changed."""
    named = {one.name: one for one in edits}
    known = {one.name for one in file}
    own = [config.Team(name=one.name) for one in edits if one.made_here and one.name not in known]
    return tuple(changed(team, named.get(team.name)) for team in (*file, *own))


def changed(team: config.Team, edit: TeamEdit | None) -> config.Team:
    """The team with what was said of it; as the file has it where that cannot be used any more."""
    if edit is None:
        return team
    try:
        return config.Team(**(dict(team) | edit.settings))
    except ValidationError as error:
        wrong = [".".join(map(str, one["loc"])) for one in error.errors()]
        log.error("what was said of a team cannot be used", team=team.name, keys=wrong)
        return team


def told_shop(settings: config.Config) -> config.Shop:
    """The shop's facts; when people answer is what their working hours say, where those are set."""
    team = next(iter(settings.teams), None)
    if team is None or not team.has_hours:
        return settings.shop
    hours = {
        language: week_text(team.week, language, holidays=bool(team.holidays))
        for language in settings.shop.languages
    }
    return settings.shop.model_copy(update={"agent_hours": hours})


class TeamsInForce:
    """Keeps one process's `teams`, and what answers say of their hours, as they are in force."""

    def __init__(self, settings: config.Config, teams: Teams, words: Words) -> None:
        self._settings = settings
        self._teams = teams
        self._words = words
        self._taken: tuple[config.Team, ...] = settings.teams

    def take(self, edits: Sequence[TeamEdit]) -> None:
        """From now on these hold; from any thread."""
        taken = in_force(self._settings.teams, edits)
        if taken == self._taken:
            return
        settings = self._settings.model_copy(update={"teams": taken})
        self._teams.all = Teams.of(settings).all
        self._words.tell(told_shop(settings))
        self._taken = taken

    async def follow(self, db: Database) -> None:
        """Take up what is said at any desk; runs until cancelled."""
        with db.live.listen(live.TEAMS) as news:
            while True:
                with suppress(Unavailable):
                    await asyncio.to_thread(self.take, await db.read(team_edits))
                await news.wait(TICK_SECONDS)
