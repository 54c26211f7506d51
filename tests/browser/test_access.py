"""The pages about access in a real browser: hands find their way, and names are only names."""

import csv
import re
import time
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session

from bot.core.roles import Role
from bot.desk.accounts import MAX_NAME, hashed, new_agent
from tests.browser.conftest import PATIENCE_MS
from tests.support.service import Service

PASSWORD = "correct horse battery"
HASH = hashed(PASSWORD)
EVIL = """<script>hx=1</script>{{7*7}}<img src=x onerror=hx=2>"'"""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def people(service: Service) -> None:
    """Who works here, each with the same password."""
    assert len(EVIL) <= MAX_NAME

    def made(session: Session) -> None:
        for login, role in (("own", Role.OWNER), ("fac", Role.AGENT), ("pas", Role.AGENT)):
            new_agent(session, login, login.title(), HASH, role)
        new_agent(session, "evil", EVIL, HASH, Role.ADMIN)

    service.look(made)


@contextmanager
def visitor(browser: Browser, service: Service, **options: Any) -> Iterator[Page]:
    """A browser at the login; what a script does there is an error."""
    context = browser.new_context(
        **{
            "base_url": service.url,
            "locale": "en-GB",
            "user_agent": f"Firefox/140 {EVIL}",
            **options,
        }
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/desk/login")
    try:
        yield page
    finally:
        context.close()


def log_in(page: Page, login: str, password: str = PASSWORD) -> None:
    page.locator("#login").fill(login)
    page.locator("#password").fill(password)
    page.keyboard.press("Enter")


def open_page(page: Page, path: str) -> None:
    """Open a further page and wait until it follows."""
    page.goto(path)
    page.locator(".d-main h1").wait_for()
    page.wait_for_function("window.socket?.connected")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def code(shared: str) -> str:
    """What a phone shows now."""
    return TOTP(b32decode(shared), 6, SHA1(), 30).generate(int(time.time())).decode()


@pytest.mark.usefixtures("people")
def test_names_and_browsers_are_only_words(browser: Browser, service: Service) -> None:
    with visitor(browser, service) as page:
        log_in(page, "evil")
        page.locator(".d-board").wait_for()
        for path in ("/desk/people", "/desk/me", "/desk/audit", f"/desk/audit?subject={EVIL}"):
            open_page(page, path)
            expect(page.locator(".d-me")).to_have_text(EVIL)
            assert page.evaluate("typeof hx") == "undefined", path
            assert page.locator("img[src='x']").count() == 0, path
        open_page(page, "/desk/people")
        row = page.locator("tr", has_text="onerror")
        expect(row).to_contain_text("{{7*7}}")
        row.get_by_role("button", name="Change").click()
        name = page.locator(".d-panel input[name=name]").first
        expect(name).to_have_value(EVIL)
        name.focus()
        assert page.evaluate("typeof hx") == "undefined"


@pytest.mark.usefixtures("people")
def test_somebody_new_chooses_a_password_of_their_own(browser: Browser, service: Service) -> None:
    with visitor(browser, service) as page, visitor(browser, service) as theirs:
        log_in(page, "own")
        page.locator(".d-board").wait_for()
        open_page(page, "/desk/people")
        adding = page.locator(".d-panel").last
        adding.locator("[name=login]").fill("newcomer")
        adding.locator("[name=name]").fill("小新")
        adding.locator("[name=role]").select_option("viewer")
        press(page, "Add")
        first = page.locator(".d-secret").inner_text()
        expect(page.locator("tr", has_text="newcomer")).to_contain_text("Viewer")
        log_in(theirs, "newcomer", first)
        theirs.locator("#answer").fill("a password of my own")
        theirs.keyboard.press("Enter")
        expect(theirs.locator(".d-me")).to_have_text("小新")
        open_page(page, "/desk/people")
        expect(page.locator(".d-secret")).to_have_count(0)
        expect(theirs.locator(".d-places").first).not_to_contain_text("People")
        theirs.goto("/desk/people")
        expect(theirs.locator(".d-main")).to_contain_text("Your role does not include this")
        page.locator("tr", has_text="newcomer").get_by_role("button", name="Change").click()
        press(page, "Disable")
        page.wait_for_timeout(500)  # a second press counts when it is no double click
        press(page, "Sure?")
        expect(page.locator("tr", has_text="newcomer")).to_contain_text("Disabled")
        theirs.goto("/desk/me")
        expect(theirs.locator("#login")).to_be_visible()


@pytest.mark.usefixtures("people")
def test_two_step_login_from_the_page_to_the_login(browser: Browser, service: Service) -> None:
    with visitor(browser, service, viewport=PHONE) as page:
        log_in(page, "fac")
        page.locator(".d-board").wait_for()
        open_page(page, "/desk/me")
        press(page, "Turn two-step login on")
        assert page.locator(".d-qr").evaluate("it => it.decode().then(() => it.naturalWidth)") > 0
        page.locator("[name=code]").fill("000000")
        press(page, "Next")
        expect(page.locator(".q-notification")).to_contain_text("not right")
        shared = page.locator(".d-secret").inner_text()
        page.locator("[name=code]").fill(code(shared))
        press(page, "Next")
        codes = page.locator(".d-codes li")
        expect(codes).to_have_count(10)
        recovery = codes.first.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with visitor(browser, service, viewport=PHONE) as page:
        log_in(page, "fac")
        page.locator("#answer").fill(recovery)
        page.keyboard.press("Enter")
        page.locator(".d-board").wait_for()
        open_page(page, "/desk/me")
        expect(page.locator(".d-panel", has_text="Two-step")).to_contain_text("9 recovery codes")


@pytest.mark.usefixtures("people")
def test_a_new_password_keeps_this_browser_and_ends_the_other(
    browser: Browser, service: Service
) -> None:
    with visitor(browser, service) as page, visitor(browser, service) as other:
        for one in (other, page):
            log_in(one, "pas")
            one.locator(".d-board").wait_for()
        open_page(page, "/desk/me")
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.locator("tbody tr").first).to_contain_text("This one")
        page.locator("[name=old]").fill(PASSWORD)
        page.locator("[name=fresh]").fill("another long password")
        press(page, "Change the password")
        expect(page.locator(".d-said")).to_contain_text("Your password is changed")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(other.locator("#login")).to_be_visible()  # it was told, and left by itself


@pytest.mark.usefixtures("people")
def test_the_log_is_found_and_downloaded(browser: Browser, service: Service) -> None:
    with visitor(browser, service, viewport=PHONE) as page:
        log_in(page, "own")
        page.locator(".d-board").wait_for()
        open_page(page, "/desk/audit")
        page.locator("[name=action]").select_option("log_in")
        press(page, "Find")
        expect(page).to_have_url(re.compile("action=log_in"))
        expect(page.locator("tbody tr").first).to_contain_text("Logged in")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with page.expect_download() as started:
            page.get_by_text("Download CSV").click()
        with started.value.path().open(encoding="utf-8-sig", newline="") as file:
            head, *rows = csv.reader(file)
        assert head == ["Time", "Who", "What", "About", "From"]
        assert {row[2] for row in rows} == {"Logged in"}
