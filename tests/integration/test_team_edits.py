"""What the desk says of teams wins over the file, is heard everywhere, and can be taken back."""

import asyncio
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.config import Config, Team, validate
from bot.core.errors import NotAllowed, NotFound
from bot.core.messages import State
from bot.core.roles import Role
from bot.desk.accounts import new_agent
from bot.escalation import team_edits
from bot.escalation.in_force import TeamsInForce, in_force
from bot.escalation.team import Target
from bot.escalation.team_form import plain, read, typed
from bot.escalation.teams import Teams
from bot.words.sandbox import Words
from storage.db import Database
from storage.models.audit import Audit
from storage.models.conversations import Conversation
from storage.models.routing import set_teams, teams_by_agent
from storage.models.teams import TeamEdit
from storage.models.teams import team_edits as stored
from tests.integration.test_routing import wait

MONDAY = {"name": "service", "mon": ["9:00-12:00"], "first_response_minutes": 10}


def shop(*teams: Any) -> Config:
    return validate({"shop": {"name": "A"}, "teams": teams})


FILE = shop(MONDAY, {"name": "wholesale", "topics": ["wholesale"]}).teams


@pytest.fixture
def lin(db: Database) -> int:
    def made(session: Session) -> int:
        return new_agent(session, "lin", "Lin", "!", Role.OWNER).id or 0

    return db.run(made)


def said(db: Database, agent: int, name: str = "service", **fields: str) -> Team:
    """Change some fields of the form as it stands."""
    (team,) = (one for one in db.run(lambda s: in_force(FILE, stored(s))) if one.name == name)
    found = read(typed(team) | fields)
    assert found.wrong == {}
    return db.run(team_edits.change, agent, FILE, name, found.settings)


def names(teams: tuple[Team, ...]) -> list[str]:
    return [one.name for one in teams]


def done(db: Database) -> list[str]:
    rows = db.run(lambda s: list(s.exec(select(Audit).order_by(col(Audit.id)))))
    return [one.action for one in rows if one.subject.startswith("team:")]


def test_only_what_differs_is_kept_and_the_rest_follows_the_file(db: Database, lin: int) -> None:
    said(db, lin, closings="2026-12-31", title="客服")
    (edit,) = db.run(stored)
    assert edit.settings == {"closings": ["2026-12-31"], "title": "客服"}
    longer = shop({**MONDAY, "mon": ["8:00-20:00"]}).teams
    (team,) = in_force(longer, [edit])
    assert (team.title, str(team.mon[0])) == ("客服", "8:00-20:00")
    said(db, lin, closings="", title="")
    assert db.run(stored) == []  # as in the file again
    assert done(db) == ["team.change", "team.change"]


def test_going_back_leaves_the_file_and_the_other_teams(db: Database, lin: int) -> None:
    said(db, lin, mon="10-11")
    said(db, lin, "wholesale", tue="10-11")
    db.run(team_edits.back_to_file, lin, FILE, "service")
    assert [one.name for one in db.run(stored)] == ["wholesale"]
    assert in_force(FILE, db.run(stored))[0] == FILE[0]
    with pytest.raises(NotFound):
        db.run(team_edits.back_to_file, lin, FILE, "service")
    with pytest.raises(NotFound):
        db.run(team_edits.change, lin, FILE, "nobody", plain(FILE[0]))
    with pytest.raises(NotAllowed):
        db.run(team_edits.change, lin, FILE, "service", plain(FILE[0]) | {"mon": ["9:00-8:00"]})


def test_a_team_of_the_desks_own_goes_and_leaves_nobody_waiting(db: Database, lin: int) -> None:
    assert db.run(team_edits.add, lin, FILE, " night ") == "night"
    for wrong in ("night", "service", "no good", ""):
        with pytest.raises(NotAllowed):
            db.run(team_edits.add, lin, FILE, wrong)
    db.run(team_edits.set_members, lin, FILE, "night", {lin})
    said(db, lin, "night", mon="22-24")
    assert names(in_force(FILE, db.run(stored))) == ["service", "wholesale", "night"]

    def people(session: Session) -> tuple[int, int]:
        late, over = wait(session, "late", "night"), wait(session, "over", "night")
        session.get_one(Conversation, over).state = State.RESOLVED
        return late, over

    late, over = db.run(people)
    db.run(team_edits.back_to_file, lin, FILE, "night")
    teams = db.run(lambda s: {one: s.get_one(Conversation, one).team for one in (late, over)})
    assert teams == {late: "service", over: "night"}
    assert db.run(teams_by_agent) == {}
    assert done(db)[-1] == "team.remove"


def test_members_are_set_for_one_team_alone(db: Database, lin: int) -> None:
    def more(session: Session) -> int:
        set_teams(session, lin, ["wholesale", "service"])
        return new_agent(session, "mo", "Mo", "!", Role.AGENT).id or 0

    mo = db.run(more)
    db.run(team_edits.set_members, lin, FILE, "service", {mo})
    db.run(team_edits.set_members, lin, FILE, "service", {mo})
    assert db.run(teams_by_agent) == {lin: {"wholesale"}, mo: {"service"}}
    assert done(db) == ["team.members"]


def test_what_cannot_be_used_any_more_lets_the_file_hold() -> None:
    edits = [
        TeamEdit(name="service", settings={"mon": ["sometimes"]}, agent_id=1),
        TeamEdit(name="gone", settings={"mon": ["9:00-10:00"]}, agent_id=1),
        TeamEdit(name="own", settings={"colour": "red"}, made_here=True, agent_id=1),
    ]
    assert in_force(FILE, edits) == (*FILE, Team(name="own"))


async def test_a_running_process_takes_a_change_up(database_url: str) -> None:
    """One process says it, another one hears it: hours, promises, and what answers tell of them."""
    here, there = Database(database_url), Database(database_url)
    settings = shop(MONDAY)
    teams, words = Teams.of(settings), Words(settings.shop)
    shown = "{{ shop.agent_hours }}"
    lin = here.run(lambda s: new_agent(s, "lin", "Lin", "!", Role.OWNER).id or 0)
    there.listen_to_others()
    follower = there if not there.is_sqlite else here  # on SQLite there is one process
    following = asyncio.create_task(TeamsInForce(settings, teams, words).follow(follower))
    try:
        await follower.read(stored)  # the one before it in the queue was the follower's
        changes = plain(settings.teams[0]) | {"mon": [], "sun": ["1:00-2:00"], "title": "夜班"}
        changes["next_response_minutes"] = 7
        await here.transact(team_edits.change, lin, settings.teams, "service", changes)
        async with asyncio.timeout(30):
            while teams.all[0].title != "夜班":
                await asyncio.sleep(0.01)
        assert teams.all[0].targets == {Target.FIRST: 10, Target.NEXT: 7}
        assert words.render(shown, "zh") == "周日 1:00–2:00"
        await here.transact(team_edits.back_to_file, lin, settings.teams, "service")
        async with asyncio.timeout(30):
            while words.render(shown, "en") != "Monday 9:00–12:00":
                await asyncio.sleep(0.01)
        assert teams.all[0].title == ""
    finally:
        following.cancel()
        await asyncio.to_thread(here.close)
        await asyncio.to_thread(there.close)
