"""Two-step login: codes from a phone, recovery codes, roles that need them, and given passwords."""

import re
from base64 import b32decode
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlmodel import Session, select

from bot.config import ROOT
from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.core.roles import Role
from bot.desk import mine, second, staff
from bot.desk.accounts import current_agent, hashed, new_agent
from bot.desk.door import Door
from bot.desk.login import entrance
from bot.desk.own import own_password
from bot.desk.passes import COOKIE, Passes, Ticket
from bot.desk.steps import Step, fingerprint
from storage.db import Database
from storage.models.agents import Agent, agent_by_login
from storage.models.second_factors import RecoveryCode, SecondFactor, codes_left, with_factor
from tests.support import world

PASSWORD = "correct horse battery"
FRESH = "a password of my own"
HASH = hashed(PASSWORD)
GIVEN = hashed("given by the boss")
PASSES = Passes("a-secret-of-the-desk")


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of either kind, for what the tables do themselves."""
    kind = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    database = Database(request.getfixturevalue(kind))
    yield database
    database.close()


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


def code_at(shared: str, at: datetime) -> str:
    """What a phone that knows the secret shows at a moment."""
    return TOTP(b32decode(shared), 6, SHA1(), 30).generate(int(at.timestamp())).decode()


@pytest.fixture
async def browser(db: Database) -> AsyncIterator[AsyncClient]:
    """A browser at the login; `lin` is the owner, `amy` an admin, whose role needs codes."""
    await db.transact(new_agent, "lin", "Lin", HASH)
    await db.transact(new_agent, "amy", "Amy", HASH, Role.ADMIN)
    app = FastAPI()
    door = Door(db, (Role.ADMIN,))
    templates = ROOT / "templates" / "web"
    app.include_router(entrance(db, world.voice(), PASSES, templates, secure=False, door=door))
    app.include_router(own_password(PASSES, door, db, secure=False))
    transport = ASGITransport(app)
    headers = {"Accept-Language": "en", "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}
    async with AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        yield client


def hidden(page: Response) -> dict[str, str]:
    """The fields that a form sends along."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


async def log_in(browser: AsyncClient, login: str = "lin", password: str = PASSWORD) -> Response:
    form = hidden(await browser.get("/desk/login")) | {"login": login, "password": password}
    return await browser.post("/desk/login", data=form)


async def step(browser: AsyncClient, page: Response, answer: str, **more: str) -> Response:
    form = hidden(page) | {"answer": answer} | more
    return await browser.post("/desk/login", data=form)


def is_in(browser: AsyncClient, answer: Response) -> bool:
    return answer.status_code == 303 and COOKIE in browser.cookies


async def number(db: Database, login: str = "lin") -> int:
    agent = await db.read(agent_by_login, login)
    assert agent is not None
    return agent.id or 0


async def turned_on(db: Database) -> tuple[str, tuple[str, ...]]:
    """`lin` has a second factor, confirmed two steps ago: its secret and recovery codes."""
    lin = await number(db)
    shared = await db.transact(second.begin, lin)
    before = now() - timedelta(seconds=90)

    def confirm(session: Session) -> tuple[str, ...]:
        agent = session.get_one(Agent, lin)
        codes = second.answer(session, agent, code_at(shared, before), before)
        assert codes is not None
        return codes

    return shared, await db.transact(confirm)


async def test_a_login_takes_the_password_and_the_code(browser: AsyncClient, db: Database) -> None:
    shared, _codes = await turned_on(db)
    page = await log_in(browser)
    assert (page.status_code, COOKIE in browser.cookies) == (200, False)
    wrong = await step(browser, page, "000000")
    assert (wrong.status_code, "not right" in wrong.text) == (401, True)
    typed = code_at(shared, now())
    assert is_in(browser, await step(browser, wrong, f" {typed[:3]} {typed[3:]} "))


async def test_a_code_is_good_once(browser: AsyncClient, db: Database) -> None:
    shared, _codes = await turned_on(db)
    typed = code_at(shared, now())
    assert is_in(browser, await step(browser, await log_in(browser), typed))
    browser.cookies.clear()
    again = await step(browser, await log_in(browser), typed)
    assert (again.status_code, COOKIE in browser.cookies) == (401, False)


@pytest.mark.parametrize(("seconds", "good"), [(-60, False), (-30, True), (30, True), (60, False)])
async def test_a_phones_clock_may_be_one_step_off(
    browser: AsyncClient, db: Database, seconds: int, good: bool
) -> None:
    shared, _codes = await turned_on(db)
    lin, at = await number(db), now()

    def tried(session: Session) -> bool:
        agent = session.get_one(Agent, lin)
        typed = code_at(shared, at + timedelta(seconds=seconds))
        return second.answer(session, agent, typed, at) is not None

    assert await db.transact(tried) is good


async def test_a_recovery_code_stands_in_once(browser: AsyncClient, db: Database) -> None:
    _shared, codes = await turned_on(db)
    assert len(set(codes)) == second.CODES
    assert is_in(browser, await step(browser, await log_in(browser), codes[0].upper()))
    browser.cookies.clear()
    again = await step(browser, await log_in(browser), codes[0])
    assert (again.status_code, COOKIE in browser.cookies) == (401, False)
    assert await db.read(codes_left, await number(db)) == second.CODES - 1


async def test_nothing_of_it_is_stored_readably(browser: AsyncClient, db: Database) -> None:
    shared, codes = await turned_on(db)
    factor = await db.read(lambda s: s.exec(select(SecondFactor)).one())
    hashes = await db.read(lambda s: list(s.exec(select(RecoveryCode.code_hash))))
    assert shared not in factor.sealed
    assert {len(one) for one in hashes} == {64}
    assert not {one.replace("-", "") for one in codes} & set(hashes)


async def test_codes_are_locked_like_passwords_and_the_password_does_not_free_them(
    browser: AsyncClient, db: Database
) -> None:
    shared, _codes = await turned_on(db)
    for _ in range(4):  # each time by way of the right password
        assert (await step(browser, await log_in(browser), "000000")).status_code == 401
    page = await log_in(browser)
    assert (await step(browser, page, "000000")).status_code == 429
    assert (await step(browser, page, code_at(shared, now()))).status_code == 429
    assert (await log_in(browser)).status_code == 429
    assert COOKIE not in browser.cookies


async def test_a_ticket_is_good_in_its_own_browser_and_for_its_own_password(
    browser: AsyncClient, db: Database
) -> None:
    shared, _codes = await turned_on(db)
    page = await log_in(browser)
    form = hidden(page)
    for wrong in ("forged", PASSES.form_token("x"), form["ticket"][:-2]):
        assert (await step(browser, page, "1", ticket=wrong)).status_code == 403
    browser.cookies.clear()
    other = hidden(await browser.get("/desk/login"))
    stolen = {**other, "ticket": form["ticket"], "step": "code", "answer": code_at(shared, now())}
    assert (await browser.post("/desk/login", data=stolen)).status_code == 403
    page = await log_in(browser)
    await db.transact(staff.renew, None, await number(db), hashed("another password"))
    assert (await step(browser, page, code_at(shared, now()))).status_code == 401
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("passed", [(), ("code",)])
@pytest.mark.parametrize("skipped", [Step.RENEW, Step.ENROL, ""])
async def test_no_step_can_be_left_out_or_exchanged(
    browser: AsyncClient, db: Database, skipped: str, passed: tuple[str, ...]
) -> None:
    """Tickets say which step it is, and are signed; what a form adds counts for nothing."""
    await turned_on(db)
    page = await log_in(browser)
    more = {"step": skipped, "passed": "code"}
    answer = await step(browser, page, FRESH, **more)
    assert (answer.status_code, COOKIE in browser.cookies) == (401, False)
    assert "<code>" not in answer.text
    agent = await db.read(agent_by_login, "lin")
    assert agent is not None
    ticket = Ticket(agent.id or 0, fingerprint(agent.password_hash), Step.RENEW, passed)
    attempt = await Door(db).go_on(ticket, FRESH, now(), "")
    assert attempt.agent is None


async def test_a_role_that_needs_codes_sets_them_up_at_the_login(
    browser: AsyncClient, db: Database
) -> None:
    page = await log_in(browser, "amy")
    assert 'src="data:image/svg+xml' in page.text
    shared = re.search(r"<code>(\w+)</code>", page.text)
    assert shared
    wrong = await step(browser, page, "123")
    assert shared[1] in wrong.text  # the same secret: it may have been scanned
    done = await step(browser, wrong, code_at(shared[1], now()))
    assert done.status_code == 200
    assert COOKIE in browser.cookies
    codes = re.findall(r"<li>([\w-]+)</li>", done.text)
    assert len(codes) == second.CODES
    browser.cookies.clear()
    assert is_in(browser, await step(browser, await log_in(browser, "amy"), codes[0]))
    with pytest.raises(NotAllowed, match="needs two-step login"):
        await db.transact(mine.turn_off, await number(db, "amy"), codes[1], (Role.ADMIN,))


async def test_turning_it_off_takes_a_code(browser: AsyncClient, db: Database) -> None:
    _shared, codes = await turned_on(db)
    lin = await number(db)
    assert (await db.transact(mine.turn_off, lin, "000000", ())).agent is None
    fresh = await db.transact(mine.fresh_codes, lin, codes[0])
    assert len(fresh.codes) == second.CODES
    assert (await db.transact(mine.turn_off, lin, codes[1], ())).agent is None  # no more
    assert (await db.transact(mine.turn_off, lin, fresh.codes[0], ())).agent is not None
    assert is_in(browser, await log_in(browser))
    assert await db.read(lambda s: s.exec(select(RecoveryCode)).all()) == []


async def test_codes_are_used_up_on_either_database(either: Database) -> None:
    await either.transact(new_agent, "lin", "Lin", HASH)
    shared, codes = await turned_on(either)
    lin = await number(either)
    typed = code_at(shared, now())
    tries = [
        await either.transact(mine.confirm, lin, one) for one in (typed, typed, *codes[:1] * 2)
    ]
    assert [one.agent is not None for one in tries] == [True, False, True, False]
    assert (await either.transact(mine.turn_off, lin, codes[1], ())).agent is not None
    assert await either.read(with_factor) == frozenset()


async def test_who_is_on_already_cannot_begin_anew(browser: AsyncClient, db: Database) -> None:
    await turned_on(db)
    with pytest.raises(NotAllowed):
        await db.transact(second.begin, await number(db))


async def test_a_given_password_is_good_for_choosing_ones_own_alone(
    browser: AsyncClient, db: Database
) -> None:
    await db.transact(staff.renew, None, await number(db), GIVEN)
    page = await log_in(browser, password="given by the boss")
    assert (page.status_code, COOKIE in browser.cookies) == (200, False)
    for refused in ("short", "given by the boss", "x" * 201):
        page = await step(browser, page, refused)
        assert (page.status_code, COOKIE in browser.cookies) == (422, False)
    assert is_in(browser, await step(browser, page, FRESH))
    browser.cookies.clear()
    assert (await log_in(browser, password="given by the boss")).status_code == 401
    assert is_in(browser, await log_in(browser, password=FRESH))


async def test_after_the_code_a_given_password_is_changed_too(
    browser: AsyncClient, db: Database
) -> None:
    _shared, codes = await turned_on(db)
    await db.transact(staff.renew, None, await number(db), GIVEN)
    page = await step(browser, await log_in(browser, password="given by the boss"), codes[0])
    assert (page.status_code, "A password of your own" in page.text) == (200, True)
    assert is_in(browser, await step(browser, page, FRESH))


async def own_change(browser: AsyncClient, old: str, fresh: str, token: str = "") -> str:
    """Change the own password; what is said then."""
    token = token or PASSES.form_token(browser.cookies[COOKIE])
    data = {"token": token, "old": old, "fresh": fresh}
    answer = await browser.post("/desk/me/password", data=data)
    assert answer.status_code == 303
    return answer.headers["location"].removeprefix("/desk/me?said=")


async def test_changing_the_password_gives_a_new_login_and_ends_the_others(
    browser: AsyncClient, db: Database
) -> None:
    await log_in(browser)
    elsewhere = browser.cookies[COOKIE]
    browser.cookies.clear()
    await log_in(browser)
    before = browser.cookies[COOKIE]
    assert await own_change(browser, PASSWORD, FRESH) == "password_changed"
    after = browser.cookies[COOKIE]
    found = []
    for cookie in (elsewhere, before, after):
        login = PASSES.read(cookie)
        assert login is not None
        agent = await db.read(current_agent, login.token)
        found.append(agent.login if agent else "")
    assert found == ["", "", "lin"]


@pytest.mark.parametrize(
    ("old", "fresh", "token", "said"),
    [
        ("not the password", FRESH, "", "password_wrong"),
        (PASSWORD, "short", "", "password_bad"),
        (PASSWORD, PASSWORD, "", "password_bad"),
        (PASSWORD, FRESH, "forged", "stale"),
        (PASSWORD, FRESH, PASSES.form_token("another cookie"), "stale"),
    ],
    ids=["wrong", "short", "the same", "forged", "of another cookie"],  # the last is never the same
)
async def test_what_will_not_do_changes_nothing(
    browser: AsyncClient, old: str, fresh: str, token: str, said: str
) -> None:
    await log_in(browser)
    before = browser.cookies[COOKIE]
    assert await own_change(browser, old, fresh, token) == said
    assert browser.cookies[COOKIE] == before
    browser.cookies.clear()
    assert is_in(browser, await log_in(browser))


async def test_guesses_inside_lock_like_those_at_the_door(browser: AsyncClient) -> None:
    await log_in(browser)
    said = [await own_change(browser, f"guess {one}", FRESH) for one in range(6)]
    assert said == ["password_wrong"] * 4 + ["password_locked"] * 2
