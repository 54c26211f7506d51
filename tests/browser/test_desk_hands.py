"""What helps an agent at the desk, in a real browser: ready answers, suggestions, tags, keys."""

from typing import Any

from playwright.sync_api import expect

from tests.support.chat import Chat
from tests.support.desk import Desk, says


def test_a_ready_answer_is_found_by_a_slash_and_changed_before_it_goes(
    desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Take over")
    desk.box.press_sequentially("/wa")
    options = desk.page.get_by_role("option")
    expect(options).to_have_count(1)
    expect(options).to_contain_text("/wait")
    desk.box.press("Enter")
    expect(desk.box).to_have_value("One moment please, I'm looking into it right away.")
    desk.box.press("End")
    desk.box.press_sequentially(" Two minutes!")
    desk.box.press("Enter")
    told = "One moment please, I'm looking into it right away. Two minutes!"
    expect(desk.stream).to_contain_text(told)
    assert desk.replies(told) == 1
    desk.box.press_sequentially("/nothing like this")
    expect(options).to_have_count(0)
    desk.box.fill("")
    desk.page.get_by_role("button", name="Emoji").click()
    desk.page.get_by_role("option", name="🎁").click()
    expect(desk.box).to_have_value("🎁")


def test_the_faq_suggests_an_answer_until_a_person_has_answered(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer, "how do I return this"))
    desk.press("Take over")
    suggestion = desk.page.locator(".d-suggestion").first
    answer = suggestion.get_attribute("title") or ""
    assert len(answer) > 20
    suggestion.click()
    expect(desk.box).to_have_value(answer)
    desk.box.press("Enter")
    expect(desk.page.locator(".d-suggestion")).to_have_count(0)


def test_what_is_kept_about_a_customer_is_on_the_card(desk: Desk, customer: Chat) -> None:
    words = says(customer, "I am allergic to wool")
    desk.open(words)
    desk.press("Take over")
    card = desk.page.locator(".d-card")
    desk.page.locator(".d-bubble", has_text=words).hover()
    desk.press("Remember")
    expect(card.locator(".d-remark")).to_contain_text(words)
    order = card.get_by_label("Order number")
    order.fill("XE-UNKNOWN")
    order.press("Enter")
    expect(desk.page.get_by_text("There is no such order")).to_be_visible()
    expect(order).to_have_value("XE-UNKNOWN")
    field = card.get_by_label("Add a tag")
    field.fill("<b>returns</b>")
    field.press("Enter")
    expect(card.locator(".d-tag")).to_contain_text("<b>returns</b>")
    expect(field).to_have_value("")
    desk.page.get_by_role("button", name="Remove the tag").click()
    expect(card.locator(".d-tag")).to_have_count(0)
    card.get_by_text("Later…").click()
    desk.press("tomorrow at 9")
    expect(desk.page.locator(".d-mine .d-row", has_text=words)).to_have_count(0)
    expect(card).to_contain_text("Put off until")
    again = says(customer)
    expect(desk.page.locator(".d-mine .d-row", has_text=again)).to_have_count(1)


def test_colleagues_see_who_is_writing(desk: Desk, desk_of: Any, customer: Chat) -> None:
    words = says(customer)
    amy: Desk = desk_of("amy")
    for one in (desk, amy):
        one.open(words)
    desk.box.press_sequentially("I am at")
    expect(amy.page.locator(".d-typing")).to_have_text("Lin is writing…")
    expect(desk.page.locator(".d-typing")).to_have_text("")
    expect(amy.page.locator(".d-typing")).to_have_text("")


def test_a_low_rating_is_to_be_done_until_somebody_did_it(desk: Desk, customer: Chat) -> None:
    words = says(customer)
    desk.open(words)
    desk.page.keyboard.press("Alt+T")
    desk.box.fill("hello")
    desk.box.press("Enter")
    expect(desk.stream).to_contain_text("hello")
    desk.page.keyboard.press("Alt+R")
    expect(desk.page.locator(".d-welcome")).to_be_visible()
    customer.choose("rating:1")
    todo = desk.page.locator(".d-todo .d-row").last
    expect(todo).to_contain_text("Call back after a low rating")
    todo.click()
    expect(desk.page.locator(".d-followup")).to_contain_text("Call back after a low rating")
    desk.press("Done")
    expect(desk.page.locator(".d-followup")).to_be_hidden()
    desk.page.locator(".d-head h1").click()
    desk.page.keyboard.press("?")
    expect(desk.page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    desk.page.keyboard.press("Escape")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    expect(desk.page.locator(".d-followup")).to_have_count(1)
    expect(desk.page.locator(".d-thread")).to_be_visible()


def test_customer_and_agent_see_each_other_writing_and_what_was_read(
    desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Take over")
    customer.send({"type": "typing"})
    expect(desk.page.locator(".d-typing")).to_contain_text("is writing…")
    desk.page.get_by_role("button", name="Note", exact=True).click()
    desk.box.press_sequentially("between us")
    desk.page.get_by_role("button", name="Reply", exact=True).click()
    desk.box.press_sequentially("Here you are")
    assert customer.wait_for(type="typing")["from"] == "agent"
    desk.box.press("Enter")
    answer = customer.wait_for(type="message", from_="agent")
    expect(desk.stream).to_contain_text("Here you are")
    seen = desk.page.locator(".d-seen:visible")
    expect(seen).to_have_count(0)
    customer.send({"type": "read", "seq": answer["seq"]})
    expect(seen).to_have_text(["Read"])
