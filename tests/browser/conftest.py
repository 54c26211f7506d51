"""A real browser for the tests that look at pages."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from bot.desk.passes import COOKIE
from tests.support.chat import Chat
from tests.support.desk import WIDE, Desk
from tests.support.service import Service

PATIENCE_MS = 20_000
"""How long a page may take on a busy machine; what should be quick is measured elsewhere."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where Chromium is. Without it these tests are skipped; where CI runs, they fail."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for all tests here; its event loop ends with this folder's tests."""
    path = chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def logging_in(service: Service) -> Callable[[str], str]:
    """Adds Lin and Amy; what is returned logs one of them in and gives the cookie."""
    passwords = {}
    for login, name in (("lin", "Lin"), ("amy", "Amy")):
        made = service.command("agent", "add", login, "--name", name)
        assert made.returncode == 0, made.stderr
        passwords[login] = made.stderr.split("密码:")[1].split()[0]
        assert service.command("agent", "set", login, "--capacity", "0").returncode == 0

    def cookie(login: str) -> str:
        with httpx.Client(base_url=service.url) as client:
            token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/login").text)
            assert token
            form = {"token": token[1], "login": login, "password": passwords[login]}
            client.post("/desk/login", data=form)
            return str(client.cookies[COOKIE])

    return cookie


@pytest.fixture(scope="session")
def log_in(service: Service) -> Callable[[str], str]:
    """Logs an agent in and gives the cookie."""
    return logging_in(service)


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    """The browsers of this test; all are closed."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        with suppress(Exception):
            context.set_offline(False)
        context.close()


@pytest.fixture
def desk_of(
    browser: Browser,
    service: Service,
    log_in: Callable[[str], str],
    contexts: list[BrowserContext],
) -> Any:
    def at(login: str = "lin", **options: Any) -> Desk:
        context = browser.new_context(
            **{"base_url": service.url, "locale": "en-GB", "viewport": WIDE, **options}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies(
            [{"name": COOKIE, "value": log_in(login), "url": f"{service.url}/desk"}]
        )
        page = context.new_page()
        page.goto("/desk")
        page.locator(".d-board").wait_for()
        return Desk(service, context, page)

    return at


@pytest.fixture
def desk(desk_of: Any) -> Desk:
    made: Desk = desk_of()
    return made


@pytest.fixture
def customer(service: Service) -> Iterator[Chat]:
    """Somebody who waits for a person; the last words are in `words`."""
    with Chat(service.socket_url) as chat:
        chat.ask("a human please")
        yield chat
