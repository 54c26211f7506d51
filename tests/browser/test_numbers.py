"""The numbers page in a real browser: it is drawn, follows what happens, and its links work."""

import re

from playwright.sync_api import Browser, expect

from tests.support.chat import Chat
from tests.support.service import Service


def test_the_page_is_drawn_and_follows_what_happens(browser: Browser, service: Service) -> None:
    made = service.command("agent", "add", "numbers-owner", "--role", "owner")
    password = re.search(r"密码: (\S+)", made.stderr)
    assert password, made.stderr
    with Chat(service.socket_url) as chat:
        chat.ask("怎么退货")  # so that there is something to see
        context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(f"{service.url}/desk/login?next=%2Fdesk%2Fnumbers%3Fdays%3D30")
        page.fill("[name=login]", "numbers-owner")
        page.fill("[name=password]", password[1])
        page.press("[name=password]", "Enter")

        expect(page.locator(".n-chip[aria-current=true]")).to_have_text("30 days")
        waiting = page.locator(".n-live .n-value").first
        before = int(waiting.inner_text())
        chat.say("转人工")
        expect(waiting).to_have_text(str(before + 1))

        wide = "document.querySelector('.d-main').scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0, "nothing to scroll sideways on a phone"
        page.get_by_text("What the figures mean").click()
        expect(page.locator(".n-definition").first).to_contain_text("A visit begins")
        page.fill("[name=from]", "2026-01-01")
        page.fill("[name=to]", "2026-01-02")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("from=2026-01-01&to=2026-01-02"))
        expect(page.get_by_role("heading", name="Numbers", exact=True)).to_be_visible()
        assert not wrong
        context.close()
