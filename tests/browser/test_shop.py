"""The whole shop in a real browser: a customer, an agent at the desk, and the rating."""

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.support.service import Service


@pytest.fixture(scope="module")
def agent(service: Service) -> str:
    """The login of an agent; returns the first password."""
    made = service.command("agent", "add", "mandy", "--name", "小满")
    assert made.returncode == 0, made.stderr
    return made.stderr.split("密码:")[1].split()[0]


@pytest.fixture
def people(browser: Browser, service: Service) -> Iterator[tuple[Page, Page]]:
    """A customer's page and an agent's page, each in a browser of its own."""
    contexts = [_context(browser, service, language) for language in ("zh-CN", "zh-CN")]
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def _context(browser: Browser, service: Service, language: str) -> BrowserContext:
    context = browser.new_context(
        base_url=service.url, locale=language, viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def _newest_waiting(desk: Page) -> Locator:
    """The queue shows the longest waiting first."""
    return desk.locator(".d-waiting .d-row").last


def test_question_person_answer_resolve_rating(
    service: Service, agent: str, people: tuple[Page, Page]
) -> None:
    customer, desk = people
    customer.goto("/chat")
    write = customer.get_by_role("textbox")
    write.fill("怎么退货")
    write.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("7 天内可以退货")
    write.fill("我要转人工")
    write.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("已为您转接人工客服")

    desk.goto("/desk")
    desk.get_by_label("登录名").fill("mandy")
    desk.get_by_label("密码").fill(agent)
    desk.get_by_role("button", name="登录").click()
    _newest_waiting(desk).click()
    stream = desk.get_by_role("log")
    expect(stream).to_contain_text("怎么退货")

    write.fill("在吗？")
    write.press("Enter")
    expect(stream).to_contain_text("在吗？")
    expect(customer.get_by_role("log")).not_to_contain_text("有什么可以帮您")

    desk.get_by_role("button", name="备注", exact=True).click()
    desk.locator(".d-write textarea").fill("老顾客，语气好一点")
    desk.locator(".d-write textarea").press("Enter")
    expect(stream).to_contain_text("老顾客，语气好一点")
    desk.get_by_role("button", name="回复", exact=True).click()
    desk.locator(".d-write textarea").fill("您好，我是小满，马上帮您办理。")
    desk.locator(".d-write textarea").press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("马上帮您办理")
    expect(customer.get_by_role("log")).not_to_contain_text("老顾客")

    expect(stream).to_contain_text("马上帮您办理")  # else the desk asks whether nobody answered
    desk.get_by_role("button", name="结束会话").click()
    expect(customer.get_by_role("log")).to_contain_text("请打个分")
    customer.get_by_role("button", name="★★★★★", exact=True).click()
    expect(customer.get_by_role("log")).to_contain_text("谢谢您的 5 分")
    write.fill("很耐心")
    write.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("记下了")
    with sqlite3.connect(service.folder / "xiaoer.db") as db:
        rating = db.execute("SELECT rating, comment FROM feedback ORDER BY id DESC").fetchone()
    assert rating == (5, "很耐心")


def test_script_in_a_message_runs_nowhere(
    service: Service, agent: str, people: tuple[Page, Page]
) -> None:
    customer, desk = people
    for page in people:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>{{7*7}}'
    customer.goto("/chat")
    customer.get_by_role("textbox").fill(f"转人工 {evil}")
    customer.get_by_role("textbox").press("Enter")
    expect(customer.get_by_role("log")).to_contain_text(evil)
    desk.goto("/desk")
    desk.get_by_label("登录名").fill("mandy")
    desk.get_by_label("密码").fill(agent)
    desk.get_by_role("button", name="登录").click()
    _newest_waiting(desk).click()
    expect(desk.get_by_role("log")).to_contain_text(evil)


def test_the_widget_on_another_page(service: Service, people: tuple[Page, Page]) -> None:
    """The one-line tag on the landing page opens a chat that answers."""
    customer, _desk = people
    customer.goto("/?lang=en")
    customer.get_by_role("button").last.click()
    customer.get_by_role("textbox").fill("how do i return this")
    customer.get_by_role("textbox").press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("within 7 days")
