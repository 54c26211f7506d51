"""Two agents, each in a browser, and two customers, one on Telegram: a day from take to rating."""

import json
import time
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from storage.models.agents import agent_by_login
from storage.models.canned import CannedReply
from storage.models.feedback import Feedback
from tests.doubles.telegram import TelegramDouble
from tests.support.chat import Chat
from tests.support.desk import Desk, says, tell
from tests.support.service import Service
from tests.support.telegram import Customer
from tests.support.waiting import until

AT_ONCE = 0.3
"""Seconds until an agent sees what a customer writes."""


@pytest.fixture
def agents(desk_of: Any) -> tuple[Desk, Desk]:
    return desk_of("lin"), desk_of("amy")


@pytest.fixture
def traveller(platform: TelegramDouble) -> Customer:
    """Somebody on Telegram who waits for a person."""
    person = Customer(platform, 7001, language="en", name="Robin")
    person.say("a human please")
    assert "colleague" in person.next()
    return person


def macro(service: Service) -> str:
    """A ready answer that also tags and resolves; its words."""
    words = "It is on its way again. Anything else, just write!"

    def keep(session: Any) -> None:
        lin = agent_by_login(session, "lin")
        assert lin is not None
        session.add(
            CannedReply(
                name="onitsway", language="", text=words, agent_id=lin.id, tags=["parcel"],
                resolves=True,
            )
        )  # fmt: skip

    service.look(keep)
    return words


def test_from_take_to_rating_on_two_channels(
    service: Service, agents: tuple[Desk, Desk], customer: Chat, traveller: Customer
) -> None:
    lin, amy = agents
    closing = macro(service)
    on_the_site, on_telegram = says(customer, "Where is my blue coat?"), "Is 3XL true to size?"
    traveller.say(on_telegram)

    # Each takes one; the other sees whose it is.
    lin.open(on_the_site)
    lin.press("Take over")
    expect(lin.page.locator(".d-state")).to_have_text("You're handling this")
    amy.open(on_telegram)
    amy.press("Take over")
    expect(lin.page.locator(".d-others")).to_contain_text("Robin")

    # Both answer, and only their own customer hears it.
    tell(lin, "I am looking for it.")
    tell(amy, "It is, as a rule.")
    assert customer.wait_for(type="message", from_="agent")["text"] == "I am looking for it."
    until(lambda: traveller.got[-1].text == "It is, as a rule.")

    # The network goes; both write; it comes back: all of it once, in order.
    lin.context.set_offline(True)
    lin.box.fill("It lies in Hangzhou.")
    lin.box.press("Enter")
    expect(lin.page.locator(".d-lost")).to_be_visible()
    meanwhile = says(customer, "Are you still there?")
    lin.context.set_offline(False)
    expect(lin.page.locator(".d-lost")).to_be_hidden(timeout=20_000)
    expect(lin.box).to_have_value("")
    assert customer.wait_for(type="message", from_="agent")["text"] == "It lies in Hangzhou."
    expect(lin.stream.locator(".d-bubble", has_text=meanwhile)).to_have_count(1)
    expect(lin.stream.locator(".d-bubble", has_text="It lies in Hangzhou.")).to_have_count(1)
    assert lin.replies("It lies in Hangzhou.") == 1

    # A note for the colleague, and the conversation with a reason.
    lin.press("Note")
    tell(lin, "The carrier promised Monday. @Amy")
    expect(amy.page.locator(".d-todo")).to_contain_text("You are named in a note")
    lin.press("Transfer")
    form = lin.page.locator("form.d-transfer")
    form.get_by_role("combobox").select_option(label="Amy")
    form.get_by_role("textbox").fill("my shift ends")
    form.get_by_role("button", name="Transfer").click()
    expect(lin.page.get_by_text("Transferred.")).to_be_visible()
    amy.page.locator(".d-mine .d-row", has_text="Hangzhou").click()
    for words in ("my shift ends", "The carrier promised Monday."):
        expect(amy.page.locator(".d-note", has_text=words)).to_be_visible()

    # A ready answer, and one that tags and resolves.
    amy.box.press_sequentially("/wa")
    expect(amy.page.get_by_role("option").first).to_contain_text("/wait")
    amy.box.press("Enter")
    expect(amy.box).to_have_value("One moment please, I'm looking into it right away.")
    amy.box.press("Enter")
    assert "One moment" in customer.wait_for(type="message", from_="agent")["text"]
    expect(amy.box).to_have_value("")
    amy.box.press_sequentially("/onits")
    expect(amy.page.get_by_role("option")).to_have_count(1)
    amy.box.press("Enter")
    expect(amy.box).to_have_value(closing)
    amy.box.press("Enter")
    assert customer.wait_for(type="message", from_="agent")["text"] == closing
    expect(amy.page.locator(".d-mine .d-row", has_text="Hangzhou")).to_have_count(0)

    # Amy resolves the other by hand; both customers rate.
    amy.page.locator(".d-mine .d-row", has_text="Robin").click()
    expect(amy.stream).to_contain_text(on_telegram)
    amy.press("Resolve")
    until(lambda: "rate" in traveller.got[-1].text.lower() or "star" in traveller.got[-1].text)
    traveller.press("★★★★★")
    customer.choose("rating:4")
    until(lambda: sorted(service.look(ratings)) == [4, 5])
    for chat in (customer.frames, [{"text": one.text} for one in traveller.got]):
        heard = json.dumps(chat)
        assert "promised Monday" not in heard
        assert "my shift ends" not in heard


def ratings(session: Any) -> list[int]:
    return [one.rating for one in session.exec(select(Feedback))]


def test_an_agent_sees_at_once_what_a_customer_writes(desk_of: Any, customer: Chat) -> None:
    """From the customer's browser to the agent's, through the database: the median of twenty."""
    desk = desk_of("lin")
    desk.open(says(customer))
    desk.page.evaluate(
        """() => {
          window.shown = {};
          const log = document.querySelector("[role=log]");
          new MutationObserver(() => {
            for (const [word] of log.innerText.matchAll(/ping\\d+/g))
              window.shown[word] ??= performance.timeOrigin + performance.now();
          }).observe(log, {subtree: true, childList: true, characterData: true});
        }"""
    )
    # Other tests want this machine too: the quietest of four times counts.
    medians = (
        median(_seconds_until_shown(desk, customer, range(first, first + 20)))
        for first in range(0, 80, 20)
    )
    assert any(one < AT_ONCE for one in medians)


def _seconds_until_shown(desk: Desk, customer: Chat, numbers: range) -> list[float]:
    taken = []
    for number in numbers:
        written = time.time()
        customer.say(f"ping{number}")
        shown = desk.page.wait_for_function(f"window.shown.ping{number}").json_value()
        taken.append(shown / 1000 - written)
    print(f"seen after {median(taken):.3f} s, the slowest after {max(taken):.3f} s")
    return taken
