"""Who works at the desk: what owners, admins and commands may change, and what it does."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.roles import Role
from bot.desk import mine, staff
from bot.desk.accounts import current_agent, hashed, new_agent
from bot.desk.door import Door
from bot.desk.passes import LIFETIME
from storage.db import Database
from storage.models.agents import Agent, AgentLogin, begin_login
from storage.models.audit import Audit, Origin, acting
from tests.support.service import Service

PASSWORD = "correct horse battery"
HASH = hashed(PASSWORD)
Deed = Callable[[Session, int, int], object]


@pytest.fixture
def people(db: Database) -> dict[str, int]:
    """Two owners, two admins, an agent and an API key's agent, by login."""
    roles = {"lin": Role.OWNER, "mo": Role.OWNER, "amy": Role.ADMIN, "ann": Role.ADMIN}

    def made(session: Session) -> dict[str, int]:
        for login, role in {**roles, "bo": Role.AGENT}.items():
            new_agent(session, login, login.title(), HASH, role)
        session.add(Agent(login="key:till", name="till", password_hash="!", active=False))
        session.flush()
        return {one.login: one.id or 0 for one in session.exec(select(Agent))}

    return db.run(made)


DEEDS: dict[str, Deed] = {
    "name": lambda s, by, who: staff.change(s, by, who, "New", Role(s.get_one(Agent, who).role)),
    "demote": lambda s, by, who: staff.change(s, by, who, "", Role.VIEWER),
    "disable": lambda s, by, who: staff.set_active(s, by, who, active=False),
    "renew": lambda s, by, who: staff.renew(s, by, who, HASH),
    "end": staff.end_everywhere,
    "factor": staff.drop_factor,
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_only_owners_touch_owners(db: Database, people: dict[str, int], deed: Deed) -> None:
    with pytest.raises(NotAllowed, match="Only owners"):
        db.run(deed, people["amy"], people["lin"])
    db.run(deed, people["amy"], people["ann"])
    db.run(deed, people["lin"], people["mo"])


def test_only_owners_make_owners(db: Database, people: dict[str, int]) -> None:
    with pytest.raises(NotAllowed, match="Only owners"):
        db.run(staff.add, people["amy"], "new", "New", Role.OWNER, HASH)
    for who in ("amy", "bo"):
        with pytest.raises(NotAllowed, match="Only owners"):
            db.run(staff.change, people["amy"], people[who], "", Role.OWNER)
    made = db.run(staff.add, people["lin"], "new", "New", Role.OWNER, HASH)
    assert (made.role, made.must_renew) == (Role.OWNER, True)


@pytest.mark.parametrize("by", ["lin", None], ids=["owner", "command"])
def test_the_last_owner_stays(db: Database, people: dict[str, int], by: str | None) -> None:
    actor = people[by] if by else None
    db.run(staff.set_active, actor, people["mo"], active=False)
    for deed in (
        lambda s: staff.set_active(s, actor, people["lin"], active=False),
        lambda s: staff.change(s, actor, people["lin"], "Lin", Role.ADMIN),
    ):
        with pytest.raises(NotAllowed, match="needs an owner"):
            db.run(deed)
    db.run(staff.set_active, actor, people["mo"], active=True)
    assert db.run(staff.change, actor, people["lin"], "Lin", Role.ADMIN).role == Role.ADMIN


@pytest.mark.parametrize("who", ["0", "999999999", "key:till"])
@pytest.mark.parametrize("deed", sorted(set(DEEDS) - {"name"}))
def test_keys_are_nobody_to_be_changed(
    db: Database, people: dict[str, int], who: str, deed: str
) -> None:
    number = int(who) if who.isdecimal() else people[who]
    with pytest.raises(NotFound):
        db.run(DEEDS[deed], people["lin"], number)


def test_keys_are_not_among_the_people(db: Database, people: dict[str, int]) -> None:
    listed = {one.login for one in db.run(staff.workers)}
    assert listed == people.keys() - {"key:till"}


@pytest.mark.parametrize("deed", ["demote", "disable", "renew", "end"])
async def test_their_logins_end(db: Database, people: dict[str, int], deed: str) -> None:
    token = (await Door(db).log_in("bo", PASSWORD, now())).token
    assert await db.read(current_agent, token) is not None
    await db.transact(DEEDS[deed], people["lin"], people["bo"])
    assert await db.read(current_agent, token) is None


async def test_a_lock_ends_with_a_new_password(db: Database, people: dict[str, int]) -> None:
    door = Door(db)
    for _ in range(5):
        await door.log_in("bo", "wrong password", now())
    assert [one.login for one in await db.read(staff.workers) if one.locked] == ["bo"]
    await db.transact(staff.renew, people["amy"], people["bo"], HASH)
    attempt = await door.log_in("bo", PASSWORD, now())
    assert (attempt.step, attempt.token) == ("renew", "")


def test_every_change_is_written_down(db: Database, people: dict[str, int]) -> None:
    def change(session: Session) -> None:
        acting(session, Origin.DESK, f"agent:{people['lin']}")
        staff.change(session, people["lin"], people["bo"], "Bob", Role.ADMIN)
        staff.change(session, people["lin"], people["bo"], "Bob", Role.ADMIN)  # nothing new
        staff.set_active(session, people["lin"], people["bo"], active=False)

    before = len(db.run(lambda s: s.exec(select(Audit)).all()))
    db.run(change)
    rows = db.run(lambda s: s.exec(select(Audit)).all())[before:]
    lin, bo = f"agent:{people['lin']}", f"agent:{people['bo']}"
    assert [(one.actor, one.action, one.subject, one.origin) for one in rows] == [
        (lin, "agent.name", bo, "desk"),
        (lin, "agent.role.admin", bo, "desk"),
        (lin, "agent.disable", bo, "desk"),
    ]


def test_devices_are_ended_by_whose_they_are(db: Database, people: dict[str, int]) -> None:
    def three(session: Session) -> list[int]:
        at = session.get_one(Agent, people["bo"]).created_at
        for login, token in (("bo", "here"), ("bo", "there"), ("amy", "hers")):
            begin_login(session, people[login], token, at, f"the browser of {token}")
        session.flush()
        return [one.id or 0 for one in session.exec(select(AgentLogin))]

    _here, there, hers = db.run(three)
    db.run(mine.end, people["bo"], hers)  # not his to end
    devices = db.run(mine.mine, people["bo"], "here").devices
    assert [(one.device, one.here) for one in devices] == [
        ("the browser of here", True),
        ("the browser of there", False),
    ]
    db.run(mine.end, people["bo"], there)
    db.run(begin_login, people["bo"], "again", now() - LIFETIME)
    db.run(mine.end_others, people["bo"], "here")
    assert [one.here for one in db.run(mine.mine, people["bo"], "here").devices] == [True]
    assert db.run(current_agent, "hers") is not None


@pytest.fixture
def shop(own_service: Service) -> Service:
    """An installation that is configured and does not run."""
    own_service.write_config()
    return own_service


def test_commands(shop: Service) -> None:
    for words in (
        ("add", "lin"),
        ("add", "bo"),
        ("set", "bo", "--role", "admin", "--name", "Bob"),
        ("password", "bo"),
        ("reset-factor", "bo"),
        ("disable", "bo"),
        ("enable", "bo"),
    ):
        done = shop.command("agent", *words)
        assert done.returncode == 0, (words, done.stderr)
    for words in (("set", "lin", "--role", "agent"), ("disable", "lin"), ("password", "nobody")):
        done = shop.command("agent", *words)
        assert (done.returncode, done.stdout) == (1, ""), words
    bo = shop.look(lambda s: s.exec(select(Agent).where(Agent.login == "bo")).one())
    assert (bo.name, bo.role, bo.active, bo.must_renew) == ("Bob", "admin", True, True)
