"""The desk's login form in a browser's hands: cookies, forged forms, locks and ways out."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from bot.config import ROOT, Shop
from bot.desk.accounts import create_agent, current_agent
from bot.desk.login import entrance
from bot.desk.passes import COOKIE, Passes
from bot.words.phrases import Voice
from bot.words.sandbox import Words
from storage.db import Database

PASSWORD = "correct horse battery"
PASSES = Passes("a-secret-of-the-desk")
VOICE = Voice.load(Words(Shop(name="Tea & Cups")), ROOT / "templates")


def application(db: Database, *, secure: bool = False) -> FastAPI:
    app = FastAPI()
    app.include_router(entrance(db, VOICE, PASSES, ROOT / "templates" / "web", secure=secure))
    return app


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    database.run(create_agent, "lin", "Lin", PASSWORD)
    yield database
    database.close()


@pytest.fixture
async def browser(db: Database) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(application(db))
    headers = {"Accept-Language": "en"}
    async with AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        yield client


async def fill_in(
    browser: AsyncClient, login: str = "lin", password: str = PASSWORD, **more: str
) -> Response:
    page = await browser.get("/desk/login")
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found
    form = {"token": found[1], "login": login, "password": password, **more}
    return await browser.post("/desk/login", data=form)


def error_of(answer: Response) -> str:
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    return found[1] if found else ""


async def test_logging_in_gives_a_cookie_and_leads_to_the_desk(browser: AsyncClient) -> None:
    answer = await fill_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/desk" in cookie
    assert "Max-Age=43200" in cookie
    assert "Secure" not in cookie
    assert PASSES.read(browser.cookies[COOKIE]) is not None


async def test_on_https_the_cookie_is_for_https_only(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    await db.transact(create_agent, "lin", "Lin", PASSWORD)
    transport = ASGITransport(application(db, secure=True))
    async with AsyncClient(transport=transport, base_url="https://t") as browser:
        answer = await fill_in(browser)
    db.close()
    cookies = [c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}=")]
    assert [cookie.endswith("; Secure") for cookie in cookies] == [True]


async def test_wrong_login_and_wrong_password_get_the_same_answer(browser: AsyncClient) -> None:
    wrong_password = await fill_in(browser, password="not the password")
    wrong_login = await fill_in(browser, login="nobody")
    assert wrong_password.status_code == wrong_login.status_code == 401
    assert error_of(wrong_password) == error_of(wrong_login) != ""
    assert COOKIE not in browser.cookies


async def test_the_lock_is_told(browser: AsyncClient) -> None:
    for _ in range(4):
        assert (await fill_in(browser, password="guess guess")).status_code == 401
    answer = await fill_in(browser, password="guess guess")
    assert answer.status_code == 429
    assert "locked; please try again in 15 min" in error_of(answer)
    assert (await fill_in(browser)).status_code == 429


@pytest.mark.parametrize(
    "token",
    ["", "forged", PASSES.form_token("other nonce")],
    ids=["empty", "forged", "other browser"],
)
async def test_a_form_that_is_not_ours_is_refused(browser: AsyncClient, token: str) -> None:
    answer = await fill_in(browser, token=token)
    assert answer.status_code == 403
    assert COOKIE not in browser.cookies


async def test_a_form_without_its_cookie_is_refused(browser: AsyncClient) -> None:
    page = await browser.get("/desk/login")
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token
    browser.cookies.clear()
    form = {"token": token[1], "login": "lin", "password": PASSWORD}
    assert (await browser.post("/desk/login", data=form)).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/desk/?c=3", "/desk/?c=3"),
        ("https://evil.example/", "/desk/"),
        ("//evil.example", "/desk/"),
    ],
)
async def test_no_open_redirect(browser: AsyncClient, wanted: str, target: str) -> None:
    answer = await fill_in(browser, next=wanted)
    assert answer.headers["location"] == target


async def test_what_was_typed_comes_back_as_text(browser: AsyncClient) -> None:
    answer = await fill_in(browser, login='"><script>alert(1)</script>')
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


async def test_the_page_may_load_nothing_from_elsewhere(browser: AsyncClient) -> None:
    answer = await browser.get("/desk/login")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


async def test_a_chosen_language_is_kept(browser: AsyncClient) -> None:
    assert "客服工作台" in (await browser.get("/desk/login?lang=zh")).text
    assert "客服工作台" in (await browser.get("/desk/login")).text
    assert "Agents&#39; desk" in (await browser.get("/desk/login?lang=en")).text


async def test_the_bare_address_leads_on(browser: AsyncClient) -> None:
    assert (await browser.get("/desk")).headers["location"] == "/desk/login"
    await fill_in(browser)
    assert (await browser.get("/desk?c=5&x=y")).headers["location"] == "/desk/?c=5"


async def test_logging_out_needs_our_own_form(browser: AsyncClient) -> None:
    await fill_in(browser)
    await browser.post("/desk/logout", data={"token": "forged"})
    assert COOKIE in browser.cookies
    token = PASSES.form_token(browser.cookies[COOKIE])
    answer = await browser.post("/desk/logout", data={"token": token})
    assert answer.headers["location"] == "/desk/login"
    assert COOKIE not in browser.cookies


async def test_a_copied_cookie_is_dead_after_logging_out(
    browser: AsyncClient, db: Database
) -> None:
    await fill_in(browser)
    cookie = browser.cookies[COOKIE]
    login = PASSES.read(cookie)
    assert login is not None
    assert await db.read(current_agent, login.token) is not None
    await browser.post("/desk/logout", data={"token": PASSES.form_token(cookie)})
    assert await db.read(current_agent, login.token) is None
