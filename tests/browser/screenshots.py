"""Takes screenshots of every page from the real demo; the one argument is their folder.

Those of the README lie in the folder itself, all in its `pages/`, which is for looking at.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from sqlalchemy import update

from bot.core.clock import now
from bot.core.messages import State
from bot.desk.pages import discover
from bot.desk.pages.care import VIEWS
from bot.insights.counting import Rules, count_some
from storage.db import Database
from storage.migrate import upgrade
from storage.models.conversations import Conversation
from tests.browser.conftest import chromium
from tests.support.histories import keep, made_up
from tests.support.service import ROOT, free_port

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
LOCALES = {"zh": "zh-CN", "en": "en-US"}
TALKS = {
    "zh": ("怎么退货", "我的快递到哪了", "XE10001 8888"),
    "en": ("how do I return something", "where is my parcel", "XE10001 8888"),
}
CALLS = {"zh": "转人工", "en": "a human please"}
REPLIES = {
    "zh": "您好，我是小满。您的包裹今天会到杭州，有变化我第一时间告诉您。",
    "en": "Hello, this is Mandy. Your parcel reaches Hangzhou today; I'll keep an eye on it.",
}
NOT_READY = "The demo did not start:\n"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo shop, as its welcome describes it."""

    url: str
    password: str


@contextmanager
def demo(*, has_past: bool = False) -> Iterator[Demo]:
    """Run `xiaoer demo` in a folder that is thrown away; with a past there are numbers, too."""
    with tempfile.TemporaryDirectory() as folder:
        if has_past:
            _past(Path(folder))
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--folder", folder, "--port", str(free_port())],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield _welcomed(process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _past(folder: Path) -> None:
    """A month of made up conversations, so that there are numbers to look at."""
    db, dice, until = Database(f"sqlite:///{folder}/xiaoer.db"), Random(1), now()
    upgrade(db)
    history = made_up(dice, until - timedelta(days=30), chats=150, steps=20)
    history.words = [word for word in history.words if word.at < until]
    db.run(keep, history, dice)
    db.run(lambda session: session.execute(update(Conversation).values(state=State.RESOLVED)))
    rules = Rules(ZoneInfo("Asia/Shanghai"), lambda entry: entry.startswith("small"))
    for at in (until, until + timedelta(hours=1)):  # what was written settles, and is counted
        while db.run(count_some, rules, at):
            pass
    db.close()


def _welcomed(process: "subprocess.Popen[str]") -> Demo:
    """Read the welcome up to the desk's login."""
    assert process.stdout is not None
    url = said = ""
    for line in process.stdout:
        said += line
        if found := re.match(r"chat: (http://.*)/chat$", line):
            url = found[1]
        elif found := re.search(r"password: (\S+)", line):
            return Demo(url, found[1])
    raise RuntimeError(NOT_READY + said)


def take(folder: Path) -> None:
    """Write all screenshots to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        with demo() as shop:
            for language in LOCALES:
                _home(_page(browser, shop, language), folder, language)
                _chat(_page(browser, shop, language), folder, language)
            for language in LOCALES:
                page = _page(browser, shop, language)
                _desk(page, shop, folder, language)
                _shoot(page, pages, f"conversation-{language}")
        with demo(has_past=True) as shop:
            for language in LOCALES:
                _pages(_page(browser, shop, language), shop, pages, language)
        browser.close()


def _page(browser: Browser, shop: Demo, language: str) -> Page:
    """A new visitor's page, in their language."""
    context = browser.new_context(
        base_url=shop.url, locale=LOCALES[language], viewport=WIDE, reduced_motion="reduce"
    )
    return context.new_page()


def _home(page: Page, folder: Path, language: str) -> None:
    page.goto("/")
    _shoot(page, folder, f"home-{language}")


def _chat(page: Page, folder: Path, language: str) -> None:
    """A customer asks, proves that an order is theirs, and in the end wants a person."""
    page.goto("/chat")
    for text in TALKS[language]:
        _ask(page, text)
    _shoot(page, folder, f"chat-{language}")
    _ask(page, CALLS[language])


def _ask(page: Page, text: str) -> None:
    """Write as a customer, and wait for the bot's next answer."""
    answers = page.locator(".m.bot")
    before = answers.count()
    page.locator("#xiaoer-chat textarea").fill(text)
    page.keyboard.press("Enter")
    answers.nth(before).wait_for()
    page.locator(".m.sent").last.wait_for()


def _desk(page: Page, shop: Demo, folder: Path, language: str) -> None:
    """An agent logs in, takes over from the one who has waited longest, and answers."""
    page.goto("/desk")
    if language == "en":
        page.screenshot(path=folder / "desk-login-en-1280.png")
    _log_in(page, shop)
    longest = page.locator(".d-waiting .d-row").first
    longest.wait_for()
    if language == "zh":
        page.set_viewport_size(PHONE)
        page.screenshot(path=folder / "desk-queue-zh-390.png")
        page.set_viewport_size(WIDE)
    longest.click()
    page.locator(".d-bubble", has_text=CALLS[language]).first.wait_for()
    page.locator(".d-thread .d-primary:visible").first.click()
    page.locator(".d-write textarea").fill(REPLIES[language])
    page.keyboard.press("Enter")
    page.locator(".d-bubble", has_text=REPLIES[language]).wait_for()
    page.screenshot(path=folder / f"desk-{language}-1280.png")


def _log_in(page: Page, shop: Demo) -> None:
    page.locator("#login").fill("demo")
    page.locator("#password").fill(shop.password)
    page.keyboard.press("Enter")
    page.locator(".d-bar").wait_for()


def _pages(page: Page, shop: Demo, folder: Path, language: str) -> None:
    """The login, and every further page of the desk."""
    page.goto("/desk/login")
    page.locator("#login").wait_for()
    _shoot(page, folder, f"login-{language}")
    _log_in(page, shop)
    addresses = {further.place.name: further.place.path for further in discover()}
    addresses |= {f"care-{view}": f"/care?show={view}" for view in VIEWS[1:]}
    addresses["care-new"] = "/care?show=sendings&new=1"
    for name, path in addresses.items():
        page.goto(f"/desk{path}")
        page.locator(".d-main h1").wait_for()
        page.wait_for_function("window.socket?.connected")
        _shoot(page, folder, f"{name}-{language}")


def _shoot(page: Page, folder: Path, name: str) -> None:
    """The page on a screen and on a phone."""
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        page.mouse.move(0, 0)
        page.screenshot(path=folder / f"{name}-{size['width']}.png", animations="disabled")
    page.set_viewport_size(WIDE)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
