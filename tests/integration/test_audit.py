"""The audit log: looks are gathered, rows are found by what is asked for, files are safe."""

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlmodel import Session, select

from bot import upkeep
from bot.core.clock import now
from bot.core.roles import Role
from bot.desk.accounts import current_agent, new_agent
from bot.desk.audit import SHOWN, audit_file, lines, wanted
from bot.desk.passes import COOKIE, Passes
from bot.desk.texts import Texts
from storage import trail as trails
from storage.db import Database
from storage.models.agents import Agent, begin_login, running_login
from storage.models.audit import Audit, Look, Origin, Wanted, record, rows
from storage.trail import Trail
from tests.support import world

PASSES = Passes("a-secret-of-the-desk")
LOOK = Look("agent:1", "look", "conversation:17", Origin.DESK)
AT = datetime(2026, 3, 5, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def written(db: Database) -> list[tuple[str, str]]:
    found = db.run(lambda s: s.exec(select(Audit)).all())
    return [(one.actor, one.subject) for one in found]


async def test_the_same_look_within_minutes_is_one_look(
    db: Database, clock: time_machine.Traveller
) -> None:
    trail = Trail(db)
    for _ in range(20):  # the desk refreshes all the time
        trail.looked(LOOK)
        clock.shift(25)
    trail.looked(Look("agent:2", "look", "conversation:17", Origin.DESK))
    await trail.write()
    assert written(db) == [("agent:1", "conversation:17"), ("agent:2", "conversation:17")]
    clock.shift(trails.LOOKED_AGAIN)
    trail.looked(LOOK)
    await trail.close()
    assert len(written(db)) == 3


async def test_a_look_keeps_its_moment_and_nobody_waits_for_it(
    db: Database, clock: time_machine.Traveller
) -> None:
    trail = Trail(db)
    trail.looked(LOOK)
    assert written(db) == []
    clock.shift(3)
    await trail.close()
    found = db.run(lambda s: s.exec(select(Audit)).one())
    assert (found.at, found.origin) == (AT, "desk")


async def test_looks_are_written_by_themselves(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "PAUSE_SECONDS", 0.01)
    trail = Trail(db)
    trail.looked(LOOK)
    async with asyncio.timeout(30):
        while not await db.read(lambda s: s.exec(select(Audit)).all()):
            await asyncio.sleep(0.01)
    await trail.close()


async def test_what_a_resting_database_did_not_take_is_written_later(
    sqlite_url: str, tmp_path: object
) -> None:
    db = Database(sqlite_url)
    with db.engine.connect() as busy:  # holds the write lock, as a long import would
        trail = Trail(db)
        trail.looked(LOOK)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(db, "transact", _rests)
            await trail.write()
        busy.rollback()
    await trail.close()
    assert written(db) == [("agent:1", "conversation:17")]
    db.close()


async def _rests(*_args: object) -> None:
    from storage.group_writer import unavailable

    raise unavailable()


def agent_with(session: Session, token: str, role: Role = Role.OWNER) -> int:
    agent = new_agent(session, f"a{token}", "=cmd|' /C calc'!A0", "!", role)
    assert agent.id is not None
    begin_login(session, agent.id, token, agent.created_at)
    return agent.id


async def test_a_login_that_is_not_used_ends_and_stays_ended(
    db: Database, clock: time_machine.Traveller
) -> None:
    number = await db.transact(agent_with, "token")
    trail = Trail(db)
    for _ in range(3):
        clock.shift(timedelta(minutes=90))
        trail.seen("token")
        await trail.write()
        assert await db.read(current_agent, "token") is not None
    assert (await db.read(lambda s: s.get_one(Agent, number))).seen_at == now()
    clock.shift(timedelta(hours=2, minutes=1))
    assert await db.read(current_agent, "token") is None
    trail.seen("token")  # a stolen cookie that knocks again
    await trail.close()
    assert await db.read(running_login, "token") is None


def many(session: Session, count: int) -> None:
    for one in range(count):
        record(session, f"agent:{one % 3}", "look" if one % 2 else "reply", f"conversation:{one}")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 12),
        ({"who": "agent:1"}, 4),
        ({"action": "look"}, 6),
        ({"who": "agent:1", "action": "look"}, 2),
        ({"subject": "7"}, 1),
        ({"subject": " conversation:7 "}, 1),
        ({"subject": "conversation:"}, 0),
        ({"since": "2026-03-05"}, 12),
        ({"since": "2026-03-06"}, 0),
        ({"until": "2026-03-05"}, 12),
        ({"until": "2026-03-04"}, 0),
        ({"since": "nonsense", "before": "x", "until": "2026-13-01"}, 12),
        ({"before": "٣"}, 12),
        ({"action": "%"}, 0),
    ],
)
def test_rows_are_found_by_what_is_asked_for(
    db: Database, clock: time_machine.Traveller, asked: dict[str, str], found: int
) -> None:
    db.run(many, 12)
    zone = world.voice().words.shop.zone
    assert len(db.run(rows, wanted(asked, zone), 100)) == found


def test_a_role_is_found_with_and_without_its_name(db: Database) -> None:
    db.run(record, "agent:1", "agent.role.owner", "agent:2")
    db.run(record, "agent:1", "agent.roles", "agent:2")
    assert len(db.run(rows, Wanted(action="agent.role"), 100)) == 1
    assert len(db.run(rows, Wanted(action="agent.role.owner"), 100)) == 1


def test_pages_go_on_where_the_last_one_ended(db: Database) -> None:
    db.run(many, SHOWN + 7)
    texts = Texts(world.voice(), "en")
    first = db.run(lines, texts, Wanted())
    second = db.run(lines, texts, Wanted(before=first[-1].id))
    assert [len(first), len(second)] == [SHOWN, 7]
    assert len({one.id for one in (*first, *second)}) == SHOWN + 7


async def exported(db: Database, token: str, query: str = "") -> tuple[int, list[list[str]]]:
    app = FastAPI()
    trail = Trail(db)
    app.include_router(audit_file(db, world.voice(), PASSES, trail))
    transport = ASGITransport(app)
    cookies = {COOKIE: PASSES.issue(token)}
    async with AsyncClient(transport=transport, base_url="http://t", cookies=cookies) as client:
        answer = await client.get(f"/desk/audit.csv?lang=en{query}")
    await trail.close()
    return answer.status_code, list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_a_file_has_all_rows_and_no_formulas(db: Database) -> None:
    number = await db.transact(agent_with, "token")
    await db.transact(many, 1203)
    await db.transact(record, f"agent:{number}", "@SUM(1)", "=1+1")
    status, table = await exported(db, "token")
    assert (status, len(table)) == (200, 1 + 1203 + 2)  # its head; and the agent was added
    assert table[1][1:4] == ["'=cmd|' /C calc'!A0", "'@SUM(1)", "'=1+1"]
    only, few = await exported(db, "token", "&subject=7")
    assert (only, len(few)) == (200, 2)
    found = await db.read(lambda s: s.exec(select(Audit).where(Audit.action == "export")).all())
    assert [one.actor for one in found] == [f"agent:{number}"] * 2


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMIN, 200), (Role.AGENT, 403), (Role.VIEWER, 403)]
)
async def test_a_file_is_for_those_who_may(db: Database, role: Role, status: int) -> None:
    await db.transact(agent_with, "token", role)
    assert (await exported(db, "token"))[0] == status
    assert (await exported(db, "no such login"))[0] == 401


def test_old_rows_are_deleted_by_the_job(db: Database, clock: time_machine.Traveller) -> None:
    db.run(many, 3)
    clock.shift(timedelta(days=40))
    db.run(record, "agent:1", "look", "conversation:99")
    [job] = [
        one
        for one in upkeep.jobs(db, None, timedelta(1), timedelta(days=30))  # type: ignore[arg-type]
        if one.name == "forget-audit"
    ]
    job.run({})
    assert written(db) == [("agent:1", "conversation:99")]
