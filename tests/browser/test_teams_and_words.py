"""Teams and words in a real browser: faults are said while they are typed, and nothing is lost."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session

from bot.core.roles import Role
from bot.desk.accounts import hashed, new_agent
from tests.browser.test_access import PHONE, log_in, open_page, press, visitor
from tests.support.service import Service

HASH = hashed("correct horse battery")


@pytest.fixture(scope="module")
def boss(service: Service) -> None:
    """Somebody who may see and change both."""

    def made(session: Session) -> None:
        new_agent(session, "boss", "Boss", HASH, Role.ADMIN)

    service.look(made)


@pytest.fixture
def page(browser: Browser, service: Service, boss: None) -> Iterator[Page]:
    with visitor(browser, service, viewport=PHONE) as page:
        log_in(page, "boss")
        page.locator(".d-board").wait_for()
        yield page


def test_hours_are_typed_checked_kept_and_taken_back(page: Page) -> None:
    open_page(page, "/desk/teams")
    press(page, "Add")
    team = page.locator("[data-team=service]")
    monday, tuesday = team.locator("[name=mon]"), team.locator("[name=tue]")
    expect(monday).to_have_attribute("placeholder", "all day")  # as the preview says
    monday.fill("18:00-9:00")
    expect(team.locator(".d-wrong", has_text="ends before it begins")).to_be_visible()
    expect(monday).to_have_attribute("aria-invalid", "true")
    press(page, "Save")
    expect(page.locator(".q-notification")).to_contain_text("Monday: '18:00-9:00' ends")
    monday.fill("9-12")
    tuesday.fill("13:00-18:00")
    expect(team.locator(".d-week li", has_text="9:00–12:00")).to_have_count(1)
    expect(monday).to_have_attribute("aria-invalid", "false")
    expect(monday).to_have_value("9-12")  # what was typed stays while the page is drawn anew
    expect(team.locator("[name=wed]")).to_have_attribute("placeholder", "free")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("location.assign('/desk/words')")
    expect(monday).to_have_value("9-12")
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    team.get_by_label("Boss").check()
    press(page, "Save")
    expect(team.locator(".d-mark").first).to_have_text("Made here")
    expect(team).to_contain_text("Monday, Tuesday · Boss")
    expect(team).to_contain_text("Members: Boss")
    page.reload()
    expect(team.locator(".d-week li", has_text="13:00–18:00")).to_have_count(1)
    press(page, "Remove the team")
    page.wait_for_timeout(500)  # a second press counts when it is no double click
    press(page, "Sure?")
    expect(team).to_have_count(0)


def test_words_are_searched_and_shown_in_both_languages(page: Page) -> None:
    open_page(page, "/desk/words")
    expect(page.locator(".d-main")).to_contain_text("The files are sound")
    page.locator("[name=kind]").select_option("care")
    page.locator("[name=q]").fill("order_shipped.warm")
    press(page, "Find")
    expect(page).to_have_url(re.compile(r"/desk/words\?kind=care&"))
    shown = page.locator(".d-words")
    expect(shown).to_have_count(1)
    expect(shown.locator(".d-says").nth(0)).to_contain_text("订单 ‹order.number›")
    expect(shown.locator(".d-says").nth(1)).to_contain_text("order ‹order.number› is on its way")
    expect(shown).to_contain_text("templates/care/order_shipped.toml:")
    shown.locator("summary").nth(1).click()
    expect(shown.locator("pre").nth(1)).to_contain_text("{{ order.number }}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/desk/words?kind=gaps&q=nobody+asked+this")
    expect(page.locator(".d-main")).to_contain_text("No gaps")
