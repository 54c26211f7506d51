"""The care page in a real browser: a sending from its draft to its end."""

from playwright.sync_api import Browser, expect
from sqlmodel import Session

from bot.core.clock import now
from bot.core.roles import Role
from bot.desk.accounts import hashed, new_agent
from storage.models.consents import Consent
from storage.models.customers import Customer, Identity
from storage.models.profiles import CustomerProfile
from tests.browser.test_access import PHONE, log_in, open_page, press, visitor
from tests.support.audience import LONG_AGO
from tests.support.service import Service


def prepare(session: Session) -> None:
    """Somebody who may send, and three customers, two of whom agreed."""
    new_agent(session, "sender", "Sender", hashed("correct horse battery"), Role.ADMIN)
    for place, agreed in enumerate((True, True, False)):
        customer = Customer(name=f"<b>Lin {place}</b>", language="en")
        session.add(customer)
        session.flush()
        assert customer.id is not None
        session.add(CustomerProfile(customer_id=customer.id, tags=["care page"], told_at=now()))
        at = now() - LONG_AGO
        session.add(
            Identity(customer_id=customer.id, channel="web", account="main", pulls=True,
                     chat=f"care-page-{place}", linked_at=at, last_seen_at=at)
        )  # fmt: skip
        if agreed:
            session.add(
                Consent(customer_id=customer.id, purpose="marketing", state="given", source="chat")
            )


def test_a_sending_is_drafted_counted_and_confirmed(browser: Browser, service: Service) -> None:
    service.look(prepare)
    with visitor(browser, service, viewport=PHONE) as page:
        log_in(page, "sender")
        page.locator(".d-board").wait_for()
        open_page(page, "/desk/care?show=sendings&new=1")
        page.locator("[name=name]").fill("spring-page")
        page.locator("[name=text_zh]").fill("春天来了！")
        page.locator("[name=text_en]").fill("Spring, {{ customer.nam }}!")
        page.locator("[name=tags]").fill("care page")
        press(page, "Keep as a draft")
        expect(page.locator(".q-notification")).to_contain_text("cannot be used")
        page.locator("[name=text_en]").fill("Spring, {{ customer.name }}!")
        press(page, "Keep as a draft")
        expect(page.locator(".d-says", has_text="Spring, <b>Lin 0</b>!")).to_be_visible()
        expect(page.locator(".d-mark", has_text="no consent")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="Count", exact=True).click()
        expect(page.locator(".d-now")).to_have_text("2 customers get it.")
        page.locator("[name=number]").fill("3")
        press(page, "Send it")
        expect(page.locator(".q-notification")).to_contain_text("The number is 2, not 3.")
        page.locator("[name=number]").fill("2")
        press(page, "Send it")
        expect(page.locator(".d-mark").first).to_have_text("done")
        sent = page.locator(".n-card").filter(has=page.get_by_text("Sent", exact=True))
        expect(sent.locator(".n-value")).to_have_text("2")
        expect(page.locator(".n-card", has_text="Held out")).to_be_visible()
        open_page(page, "/desk/care?journey=birthday")
        facts = "File: birthday.toml · Set off by: birthday · Purpose: marketing · Pool of coupons: birthday"
        expect(page.locator(".d-fact")).to_have_text(facts)
