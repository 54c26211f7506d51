"""Whatever a customer may fill in shows at the desk and in the widget as words, and runs nowhere."""

import time
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.desk.pages import discover
from tests.browser.conftest import PATIENCE_MS
from tests.doubles.telegram import TelegramDouble
from tests.support.desk import Desk, tell
from tests.support.service import Service
from tests.support.telegram import Customer

EVIL = """<img src=x onerror="hx=1"><script>hx=2</script><svg onload=hx=3>{{7*7}}"'`${hx=4}"""
LINK = "javascript:hx=5"


def runs_nothing(page: Page) -> None:
    """No script ran, no markup became an element, no link leads into one, no template counted."""
    assert page.evaluate("typeof hx") == "undefined", page.url
    for bad in ("img[src='x']", "svg[onload]", "a[href^='javascript']", "[onerror]"):
        assert page.locator(bad).count() == 0, (bad, page.url)


def told(service: Service, kind: str, data: dict[str, Any]) -> None:
    event = {"id": f"evil-{kind}-{time.monotonic_ns()}", "type": kind, "data": data}
    event["occurred_at"] = "2026-03-05T10:30:00+08:00"
    answer = service.post_event(event)
    assert answer.status_code == 202, answer.text


@pytest.fixture(scope="module")
def order(service: Service) -> str:
    """An order in which every word is a trap; its number and the end of its phone."""
    customer = {"id": EVIL[:60], "name": EVIL, "phone": "13800007777", "email": f"{EVIL}@x"}
    told(
        service,
        "order.shipped",
        {
            "order_id": "XE66601", "customer": customer,
            "items": [{"sku": EVIL[:40], "name": EVIL, "quantity": 1, "price": 1}],
            "amount": 1, "currency": "CNY", "carrier": EVIL, "tracking_number": "SF666016660",
            "address": {"city": EVIL, "region": EVIL, "country": "CN"},
        },
    )  # fmt: skip
    told(
        service,
        "parcel.update",
        {
            "tracking_number": "SF666016660", "status": "in_transit", "text": EVIL,
            "place": EVIL, "at": "2026-03-06T07:45:00+08:00",
        },
    )  # fmt: skip
    told(service, "customer.updated", {"customer": {"id": customer["id"], "tags": [EVIL[:30]]}})
    return "XE66601 7777"


def test_on_the_site(service: Service, desk_of: Any, browser: Browser, order: str) -> None:
    context = browser.new_context(base_url=service.url, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"/chat?lang={quote(EVIL)}")
    for words in (EVIL, order, f"my name is {EVIL}", f"{LINK} {EVIL}"):
        heard = page.locator(".m.bot").count()
        page.get_by_role("textbox").fill(words)
        page.keyboard.press("Enter")
        expect(page.locator(".m.bot").nth(heard)).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("XE66601")
    expect(page.get_by_role("log")).to_contain_text(EVIL)
    desk: Desk = desk_of("lin")
    desk.open(LINK)
    expect(desk.page.locator(".d-card")).to_contain_text("XE66601")
    desk.press("Take over")
    tell(desk, f"answered: {EVIL}")  # once it shows, the desk does not ask whether nobody did
    expect(page.get_by_role("log").locator(".m.agent")).to_contain_text(EVIL)
    runs_nothing(desk.page)
    desk.press("Resolve")
    page.get_by_role("button", name="★", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("1")
    page.get_by_role("textbox").fill(EVIL)
    page.keyboard.press("Enter")
    expect(desk.page.locator(".d-todo .d-row").last).to_be_visible()
    desk.page.locator(".d-todo .d-row").last.click()
    expect(desk.page.locator(".d-followup")).to_be_visible()
    runs_nothing(desk.page)
    runs_nothing(page)
    context.close()


def test_on_telegram(desk_of: Any, platform: TelegramDouble) -> None:
    person = Customer(platform, 7002, language=EVIL[:20], name=EVIL)
    for message in (
        {"text": f"a human please {EVIL}"},
        {"venue": {"title": EVIL, "address": EVIL, "location": {"latitude": 1, "longitude": 2}}},
        {"contact": {"phone_number": EVIL[:20], "first_name": EVIL}},
        {
            "caption": EVIL,
            "document": {
                "file_id": "f",
                "file_unique_id": "u",
                "file_name": f"7002_{EVIL}",
                "file_size": 9,
            },
        },
    ):
        person.say(**message)
    desk: Desk = desk_of("amy")
    desk.page.locator(".d-waiting .d-row", has_text="{{7*7}}").click()
    expect(desk.stream).to_contain_text("7002_<img")
    runs_nothing(desk.page)
    desk.page.reload()
    expect(desk.stream).to_contain_text("7002_<img")
    runs_nothing(desk.page)


def test_on_every_page(service: Service, desk_of: Any) -> None:
    """What the first two left behind is in the log, the numbers, the search and the tasks."""
    service.command("agent", "set", "lin", "--role", "owner")
    desk: Desk = desk_of("lin")
    paths = [page.place.path for page in discover()] + [f"/audit?subject={quote(EVIL)}"]
    for path in paths:
        desk.page.goto(f"/desk{path}")
        desk.page.locator(".d-main h1").wait_for()
        desk.page.wait_for_function("window.socket?.connected")
        runs_nothing(desk.page)
    desk.page.goto("/desk")
    desk.page.keyboard.press("ControlOrMeta+k")
    desk.page.get_by_role("textbox", name="Search messages (Ctrl+K)").press_sequentially("onload")
    expect(desk.page.locator(".d-hit", has_text="{{7*7}}").first).to_be_visible()
    runs_nothing(desk.page)
