"""Agents' accounts: who may come in, and who is locked out."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.roles import Role
from bot.desk.accounts import create_agent, current_agent, disable, log_out
from bot.desk.door import Attempt, Door
from bot.desk.passes import LIFETIME
from storage.db import Database
from storage.models.agents import AgentLogin, agent_by_login
from storage.models.audit import Audit

PASSWORD = "correct horse battery"
AT = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def door(db: Database) -> Door:
    db.run(create_agent, "Lin", "林掌柜", PASSWORD)
    return Door(db)


async def guess(door: Door, times: int, login: str = "lin", at: datetime = AT) -> list[Attempt]:
    return [await door.log_in(login, "wrong password", at) for _ in range(times)]


async def test_the_right_password_lets_in(door: Door) -> None:
    attempt = await door.log_in(" LIN ", PASSWORD, AT)
    assert attempt.agent is not None
    assert attempt.token
    assert (attempt.agent.login, attempt.agent.name) == ("lin", "林掌柜")


async def test_wrong_login_and_wrong_password_look_the_same(door: Door) -> None:
    assert await door.log_in("lin", "wrong password", AT) == Attempt()
    assert await door.log_in("nobody", PASSWORD, AT) == Attempt()
    assert await door.log_in("lin", PASSWORD + "x" * 10_000, AT) == Attempt()
    assert await door.log_in("", "", AT) == Attempt()


async def inside(db: Database, token: str) -> str:
    """Whose running login the token is."""
    agent = await db.read(current_agent, token)
    return agent.login if agent else ""


@pytest.mark.parametrize("login", ["lin", "nobody"])
async def test_five_failures_lock_for_fifteen_minutes(door: Door, login: str) -> None:
    until = AT + timedelta(minutes=15)
    tries = await guess(door, 5, login)
    assert tries == [Attempt()] * 4 + [Attempt(locked_until=until)]
    later = AT + timedelta(minutes=14)
    assert await door.log_in(login, PASSWORD, later) == Attempt(locked_until=until)


async def test_tries_while_locked_do_not_lengthen_the_lock(door: Door) -> None:
    await guess(door, 5)
    await guess(door, 5, at=AT + timedelta(minutes=10))
    attempt = await door.log_in("lin", PASSWORD, AT + timedelta(minutes=15))
    assert attempt.agent is not None


async def test_after_the_lock_five_tries_are_free_again(door: Door) -> None:
    await guess(door, 5)
    tries = await guess(door, 5, at=AT + timedelta(minutes=16))
    assert [one.locked_until is not None for one in tries] == [False] * 4 + [True]


async def test_a_success_forgets_earlier_failures(door: Door) -> None:
    await guess(door, 4)
    await door.log_in("lin", PASSWORD, AT)
    assert await guess(door, 4) == [Attempt()] * 4


async def test_guesses_side_by_side_all_count(door: Door) -> None:
    tries = await asyncio.gather(*(door.log_in("lin", f"guess {n}", AT) for n in range(8)))
    assert sum(one.locked_until is not None for one in tries) == 4
    assert (await door.log_in("lin", PASSWORD, AT)).agent is None


async def test_a_disabled_agent_is_out_everywhere(door: Door, db: Database) -> None:
    logins = [(await door.log_in("lin", PASSWORD, AT)).token for _ in range(2)]
    assert [await inside(db, login) for login in logins] == ["lin", "lin"]
    await db.transact(create_agent, "boss", "Boss", PASSWORD, Role.OWNER)
    await db.transact(disable, "LIN")
    assert [await inside(db, login) for login in logins] == ["", ""]
    assert await door.log_in("lin", PASSWORD, AT) == Attempt()


async def test_logging_out_ends_that_login_and_no_other(door: Door, db: Database) -> None:
    here, there = [(await door.log_in("lin", PASSWORD, AT)).token for _ in range(2)]
    await db.transact(log_out, here)
    await db.transact(log_out, here)
    assert [await inside(db, login) for login in (here, there, "", "made up")] == [
        "",
        "lin",
        "",
        "",
    ]
    deeds = await db.read(lambda s: [row.action for row in s.exec(select(Audit))])
    assert deeds == ["agent.add", "log_in", "log_in", "log_out"]


async def test_logins_are_kept_as_hashes_and_old_ones_forgotten(door: Door, db: Database) -> None:
    token = (await door.log_in("lin", PASSWORD, now())).token
    rows = await db.read(lambda s: s.exec(select(AgentLogin)).all())
    assert [len(row.token_hash) for row in rows] == [64]
    assert token not in rows[0].token_hash
    await door.log_in("lin", PASSWORD, now() + LIFETIME + timedelta(minutes=1))
    assert len(await db.read(lambda s: s.exec(select(AgentLogin)).all())) == 1
    assert await inside(db, token) == ""


def test_passwords_are_stored_as_argon2_only(db: Database) -> None:
    db.run(create_agent, "lin", "Lin", PASSWORD)
    agent = db.run(agent_by_login, "lin")
    assert agent is not None
    assert agent.password_hash.startswith("$argon2id$")
    assert PASSWORD not in agent.password_hash


@pytest.mark.parametrize(
    ("login", "password"),
    [("key:till", PASSWORD), ("", PASSWORD), ("a b", PASSWORD), ("x" * 65, PASSWORD),
     ("lin2", "short"), ("lin2", "x" * 201)],
)  # fmt: skip
def test_bad_accounts_are_refused(db: Database, login: str, password: str) -> None:
    with pytest.raises(NotAllowed):
        db.run(create_agent, login, "Name", password)


def test_a_login_is_taken_once(db: Database) -> None:
    db.run(create_agent, "lin", "Lin", PASSWORD)
    with pytest.raises(NotAllowed, match="already taken"):
        db.run(create_agent, "LIN", "Lin", PASSWORD)


def test_only_known_agents_can_be_disabled(db: Database) -> None:
    with pytest.raises(NotFound):
        db.run(disable, "nobody")


def test_whoever_is_first_owns_the_shop(db: Database) -> None:
    roles = [db.run(create_agent, one, one, PASSWORD).role for one in ("lin", "amy")]
    assert roles == [Role.OWNER, Role.AGENT]
    assert db.run(create_agent, "bo", "Bo", PASSWORD, Role.VIEWER).role == Role.VIEWER
    with pytest.raises(NotAllowed, match="needs an owner"):
        db.run(disable, "lin")
    db.run(create_agent, "mo", "Mo", PASSWORD, Role.OWNER)
    assert not db.run(disable, "lin").active
