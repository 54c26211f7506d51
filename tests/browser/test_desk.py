"""The agents' desk in a real browser: nothing written gets lost, and hands find their way."""

import base64
import json
import re
from contextlib import suppress
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Locator, Route, expect

from tests.support.chat import Chat
from tests.support.desk import PHONE, WIDE, Desk, says
from tests.support.service import Service


def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(
    desk: Desk, customer: Chat
) -> None:
    desk.open(says(customer))
    desk.page.evaluate("window.sameness = 1")
    desk.context.set_offline(True)
    desk.box.fill("written in the tunnel")
    desk.box.press("Enter")
    expect(desk.page.locator(".d-status")).to_contain_text("Your words are kept")
    expect(desk.page.locator(".d-lost")).to_be_visible()
    expect(desk.box).to_have_value("written in the tunnel")
    desk.box.press("Enter")
    desk.page.wait_for_timeout(5000)
    expect(desk.box).to_have_value("written in the tunnel")
    desk.context.set_offline(False)
    expect(desk.stream).to_contain_text("written in the tunnel")
    expect(desk.box).to_have_value("")
    expect(desk.page.locator(".d-lost")).to_be_hidden(timeout=20_000)
    assert desk.page.evaluate("window.sameness") == 1, "the page was loaded anew"
    assert desk.replies("written in the tunnel") == 1


def test_an_answer_that_gets_lost_makes_no_second_reply(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    tries = []

    def lose_the_first(route: Route) -> None:
        tries.append(route.request.post_data_json["id"])
        if len(tries) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    desk.page.route("**/desk/say", lose_the_first)
    desk.box.fill("only once")
    desk.box.press("Enter")
    expect(desk.box).to_have_value("")
    expect(desk.stream).to_contain_text("only once")
    assert len(set(tries)) == 1 < len(tries)
    assert desk.replies("only once") == 1


def test_words_written_while_others_are_on_their_way_stay_in_order(
    desk: Desk, customer: Chat
) -> None:
    desk.open(says(customer))
    held: list[Route] = []
    desk.page.route("**/desk/say", lambda route: route.continue_() if held else held.append(route))
    desk.box.fill("first")
    desk.box.press("Enter")
    expect(desk.box).to_have_value("first")
    desk.box.press_sequentially(" second")
    while not held:
        desk.page.wait_for_timeout(10)
    held[0].continue_()
    expect(desk.box).to_have_value("second")
    desk.box.press("Enter")
    expect(desk.box).to_have_value("")
    said = [one["text"] for one in desk.messages() if one["from"] == "agent"]
    assert said == ["first", "second"]


def test_drafts_outlive_a_reload_a_change_of_language_and_other_conversations(
    service: Service, desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Note")
    desk.box.fill("half a note")
    with Chat(service.socket_url) as other:
        other.ask("a human please")
        others = says(other)
        desk.open(others)
        expect(desk.box).to_have_value("")
        desk.box.fill("half a reply")
        desk.open(words)
        expect(desk.box).to_have_value("half a note")
        desk.page.reload()
        expect(desk.box).to_have_value("half a note")
        desk.menu()
        desk.press("中文")
        expect(desk.page.get_by_role("button", name="保存备注")).to_be_visible()
        expect(desk.box).to_have_value("half a note")
        desk.open(others)
        expect(desk.box).to_have_value("half a reply")
        expect(desk.page.get_by_role("button", name="发送", exact=True)).to_be_visible()
    desk.menu()
    desk.press("English")
    expect(desk.page.get_by_text("My conversations")).to_be_visible()


def test_logging_out_ends_the_login_in_every_tab_and_for_every_copy(
    service: Service, desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    other = desk.context.new_page()
    other.goto("/desk/")
    other.locator(".d-row", has_text=words).click()
    cookies = {one["name"]: one["value"] for one in desk.context.cookies()}
    assert httpx.get(f"{service.url}/desk/", cookies=cookies).status_code == 200
    desk.menu()
    desk.press("Log out")
    expect(other).to_have_url(re.compile(r"/desk/login\?next="))
    answer = httpx.get(f"{service.url}/desk/", cookies=cookies)
    assert (answer.status_code, answer.headers["location"][:11]) == (303, "/desk/login")


def test_mine_come_first_and_the_title_counts_what_waits(
    service: Service, desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Take over")
    mine = desk.page.locator(".d-mine .d-row")
    expect(mine.filter(has_text=words)).to_have_class(re.compile("d-unanswered"))
    waiting = service.desk("GET", "/conversations").json()["total"]
    own = desk.page.locator(".d-mine .d-unanswered")
    expect(desk.page).to_have_title(f"({waiting + own.count()}) Desk")
    desk.box.fill("here I am")
    desk.box.press("Enter")
    expect(mine.filter(has_text="You: here I am")).not_to_have_class(re.compile("d-unanswered"))
    customer.answer_after(0, author="agent")
    joined = [one["text"] for one in customer.frames if one.get("from") == "system"]
    assert joined == ["Lin has joined you."]


def test_resolving_unanswered_asks_once_more_and_a_double_click_is_no_error(
    desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    resolve = desk.page.locator(".d-resolve")
    resolve.dblclick()
    expect(resolve).to_have_text("Nobody has replied. Resolve?")
    expect(desk.stream).to_contain_text(words)
    expect(resolve).to_have_text("Resolve")
    desk.box.fill("a reply")
    desk.box.press("Enter")
    expect(desk.stream).to_contain_text("a reply")
    resolve.dblclick()
    expect(desk.page.locator(".d-welcome")).to_be_visible()
    expect(desk.page.locator(".q-notification")).to_have_count(1)
    expect(desk.page.locator(".q-notification")).to_contain_text("Well done")
    customer.choose("rating:4")
    desk.page.locator(".d-resolved summary").click()
    resolved = desk.page.locator(".d-resolved .d-row", has_text=words)
    expect(resolved).to_contain_text("★★★★")
    resolved.click()
    expect(desk.page.locator(".d-closed")).to_be_visible()
    says(customer, "thank you")  # with the rating
    again = says(customer, "one more thing")
    desk.press("Open it")
    expect(desk.stream).to_contain_text(again)
    desk.press("Take over")
    expect(desk.page.locator(".d-state")).to_have_text("You're handling this")


def test_a_conversation_goes_back_to_the_queue_and_to_a_colleague(
    desk: Desk, desk_of: Any, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Take over")
    amy = desk_of("amy")
    amy.page.locator(".d-others summary").click()
    amy.open(words)
    expect(amy.page.get_by_role("button", name="Reply", exact=True)).to_be_disabled()
    desk.box.fill("for the customer alone")
    amy.press("Take over from Lin")
    amy.page.wait_for_timeout(500)
    amy.press("Really take over?")
    expect(amy.page.locator(".d-state")).to_have_text("You're handling this")
    expect(desk.page.locator(".d-state")).to_have_text("Amy is handling this")
    expect(desk.page.locator(".d-status")).to_contain_text("Amy has taken over")
    desk.box.press("Enter")
    expect(desk.box).to_have_value("for the customer alone")
    expect(desk.page.locator(".d-composer")).to_have_attribute("data-mode", "reply")
    desk.press("Note")
    expect(desk.page.locator(".d-status")).to_have_text("")
    desk.press("Save note")
    expect(desk.page.locator(".d-note")).to_contain_text("for the customer alone")
    amy.press("Back to queue")
    expect(desk.page.locator(".d-waiting .d-row", has_text=words)).to_be_visible()
    expect(amy.page.locator(".d-welcome")).to_be_visible()


def test_writing_to_a_customer_who_went_back_to_the_bot_asks_once_more(
    desk: Desk, customer: Chat
) -> None:
    desk.open(says(customer))
    customer.choose("bot")
    expect(desk.page.locator(".d-went")).to_contain_text("went back to Xiaoer")
    desk.box.fill("wait, I know it")
    desk.box.press("Enter")
    expect(desk.page.locator(".d-status")).to_contain_text("press Send once more")
    assert desk.replies("wait, I know it") == 0
    desk.box.press("Enter")
    expect(desk.page.locator(".d-state")).to_have_text("You're handling this")
    assert desk.replies("wait, I know it") == 1


def test_after_a_note_the_next_words_are_a_note_too(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    desk.press("Note")
    expect(desk.box).to_be_focused()
    desk.box.fill("be gentle")
    desk.press("Save note")
    expect(desk.page.locator(".d-note")).to_contain_text("be gentle")
    expect(desk.box).to_have_value("")
    desk.box.fill("and patient")
    desk.box.press("Enter")
    expect(desk.page.locator(".d-note")).to_have_count(2)
    assert desk.replies("and patient") == 0
    desk.press("Reply")
    expect(desk.page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def test_reading_further_up_is_not_disturbed(desk: Desk, customer: Chat) -> None:
    for number in range(15):
        customer.say(f"line {number}\n\n\n")
    last = says(customer)
    desk.open(last)
    scroll = desk.page.locator(".d-scroll")
    scroll.evaluate("it => it.scrollTop = -400")
    first = desk.page.locator(".d-bubble", has_text="line 9")
    before = first.bounding_box()
    new = says(customer, "and one more")
    pill = desk.page.get_by_role("button", name="New messages ↓")
    expect(pill).to_be_visible()
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 5, "the text moved under the reader's eyes"
    pill.click()
    expect(desk.page.locator(".d-bubble", has_text=new)).to_be_in_viewport()
    expect(pill).to_be_hidden()
    scroll.evaluate("it => it.scrollTop = -400")
    desk.box.fill("my own words")
    desk.box.press("Enter")
    expect(desk.page.locator(".d-bubble", has_text="my own words")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_keys_lead_through_the_day(desk: Desk, service: Service, customer: Chat) -> None:
    words = says(customer)
    with Chat(service.socket_url) as other:
        other.ask("a human please")
        next_words = says(other)
        desk.row(words).click()
        expect(desk.box).to_be_focused()
        desk.page.keyboard.press("Alt+ArrowDown")
        expect(desk.stream).to_contain_text(next_words)
        expect(desk.box).to_be_focused()
        desk.page.keyboard.press("Control+ArrowUp")
        expect(desk.stream).to_contain_text(words)
        desk.page.keyboard.press("Escape")
        expect(desk.page.locator(".d-welcome")).to_be_visible()
        expect(desk.row(words)).to_be_focused()
        desk.page.keyboard.press("Enter")
        desk.page.locator(".d-skip").focus()
        desk.page.keyboard.press("Enter")
        expect(desk.box).to_be_focused()


def test_the_next_one_is_taken_with_one_press(desk: Desk, customer: Chat) -> None:
    says(customer)
    longest = desk.page.locator(".d-waiting .d-row").first.get_attribute("data-id")
    desk.page.locator(".d-middle .d-next").click()
    expect(desk.page.locator(".d-state")).to_have_text("You're handling this")
    expect(desk.page).to_have_url(re.compile(rf"\?c={longest}$"))
    expect(desk.box).to_be_focused()


def test_the_bell_rings_when_wanted_and_nobody_looks(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    desk.press("Take over")
    desk.page.evaluate(
        """() => {
        window.tones = 0;
        const make = AudioContext.prototype.createOscillator;
        AudioContext.prototype.createOscillator = function () { tones++; return make.call(this); };
        Object.defineProperty(document, 'hidden', { get: () => window.isHidden });
        window.isHidden = true;
        }"""
    )
    expect(desk.stream).to_contain_text(says(customer))
    assert desk.page.evaluate("tones") == 0, "off until it is switched on"
    sound = desk.page.locator(".d-sound")
    desk.menu()
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    desk.page.evaluate("tones = 0")
    expect(desk.stream).to_contain_text(says(customer))
    desk.page.wait_for_function("tones === 2")
    desk.page.evaluate("isHidden = false")
    expect(desk.stream).to_contain_text(says(customer))
    assert desk.page.evaluate("tones") == 2, "who looks need not hear"


def test_on_a_phone_the_reason_is_whole_and_the_card_makes_way(
    desk_of: Any, customer: Chat
) -> None:
    desk = desk_of(viewport=PHONE, has_touch=True, is_mobile=True)
    desk.row(says(customer)).tap()
    state = desk.page.locator(".d-state")
    expect(state).to_have_text("Waiting for a person · asked for a person")
    assert state.evaluate("it => it.scrollWidth <= it.clientWidth")
    desk.page.locator(".d-toggle-card").tap()
    expect(desk.page.locator(".d-card")).to_be_visible()
    desk.box.tap()
    expect(desk.page.locator(".d-card")).to_be_hidden()
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_was_said_is_found_and_brought_into_view(desk: Desk, customer: Chat) -> None:
    sought = says(customer, "is the <b>kintsugi</b> bowl back")
    for _ in range(12):
        customer.say("and another thing, which takes some room: " + "word " * 40)
    desk.page.keyboard.press("ControlOrMeta+k")
    field = desk.page.get_by_role("textbox", name="Search messages (Ctrl+K)")
    expect(field).to_be_focused()
    hit = desk.page.locator(".d-hit", has_text=sought)
    expect(looked_for(field, "Kintsu bowl", hit)).to_be_visible()
    assert hit.locator("mark").all_inner_texts() == ["kintsu", "bowl"]
    expect(desk.page.locator(".d-mine")).to_be_hidden()
    hit.click()
    found = desk.page.locator(".d-sought", has_text=sought)
    expect(found).to_be_in_viewport()
    expect(hit).to_have_attribute("aria-current", "true")

    field.fill("nobody ever said this")
    expect(desk.page.locator(".d-hits")).to_contain_text("Nothing found.")
    desk.page.locator(".d-search-clear").click()
    expect(desk.page.locator(".d-mine")).to_be_visible()
    expect(field).to_have_value("")

    field.fill("kintsugi")
    expect(hit).to_be_visible()
    field.press("Escape")
    expect(desk.page.locator(".d-waiting")).to_be_visible()


def test_on_a_phone_the_way_back_from_a_hit_leads_to_the_hits(desk_of: Any, customer: Chat) -> None:
    sought = says(customer, "my umbrella is upside down")
    desk = desk_of(viewport=PHONE)
    field = desk.page.get_by_role("textbox", name="Search messages (Ctrl+K)")
    hit = desk.page.locator(".d-hit", has_text=sought)
    expect(looked_for(field, '"umbrella is upside"', hit)).to_be_visible()
    hit.click()
    expect(desk.page.locator(".d-sought", has_text=sought)).to_be_in_viewport()
    desk.page.locator(".d-back").click()
    expect(hit).to_be_visible()


def looked_for(field: Locator, words: str, hit: Locator) -> Locator:
    """Look for `words` until they are indexed, as an impatient agent does."""
    field.fill(words)
    for _ in range(20):
        field.press("Enter")
        with suppress(AssertionError):
            expect(hit).to_be_visible(timeout=1000)
            break
    return hit


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG: FilePayload = {"name": "照片.png", "mimeType": "image/png", "buffer": PICTURE}
PDF: FilePayload = {"name": "manual.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 x"}
BROUGHT = """([selector, kind, name, more]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from([137,80,78,71,13,10,26,10]), new Uint8Array(more)], name, { type: 'image/png' }));
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""
"""What the browser does when a file is pasted or dropped."""


def told_by_agents(desk: Desk) -> list[str]:
    return [one["text"] for one in desk.messages() if one["from"] == "agent"]


def test_files_and_words_in_one_go_arrive_in_their_order(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    desk.page.route("**/desk/files?*", lose_the_first_answer)
    desk.page.locator(".d-pick").set_input_files([PNG, PDF])
    chips = desk.page.locator(".d-chip")
    expect(chips).to_have_text(["照片.png✕", "manual.pdf✕"])
    desk.box.fill("this is it")
    desk.box.press("Enter")
    expect(desk.stream).to_contain_text("this is it")
    expect(chips).to_have_count(0)
    expect(desk.stream.locator(".d-agent img.d-picture")).to_have_js_property("naturalWidth", 1)
    expect(desk.stream.locator(".d-agent a.d-file")).to_have_count(2)
    expect(desk.stream.locator(".d-agent .d-text")).to_have_text(["", "", "this is it"])
    assert told_by_agents(desk) == ["📷", "📎", "this is it"]
    assert lost[0] == lost[1], "it was sent again as the same"


def test_files_are_pasted_dropped_and_taken_out_again(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    desk.page.evaluate(BROUGHT, [".d-write textarea", "paste", "pasted.png", 0])
    desk.page.evaluate(BROUGHT, [".d-stream", "drop", "dropped.png", 0])
    expect(desk.page.locator(".d-chip")).to_have_count(2)
    desk.page.get_by_role("button", name="Remove pasted.png").click()
    desk.press("Send")
    expect(desk.stream.locator(".d-agent .d-file")).to_have_count(1)
    assert told_by_agents(desk) == ["📷"]


def test_a_file_that_cannot_be_sent_stays_with_a_word_why(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    program: FilePayload = {"name": "a.exe", "mimeType": "", "buffer": b"MZ\0\0"}
    desk.page.evaluate(BROUGHT, [".d-write textarea", "paste", "big.png", 20 << 20])
    status = desk.page.locator(".d-composer .d-status")
    expect(status).to_have_text("Too large: files may have up to 20 MB.")
    expect(desk.page.locator(".d-chip")).to_have_count(0)
    desk.page.locator(".d-pick").set_input_files(program)
    desk.box.fill("words that wait for it")
    desk.press("Send")
    expect(status).to_contain_text("Files of this kind cannot be sent")
    expect(desk.box).to_have_value("words that wait for it")
    desk.page.get_by_role("button", name="Remove a.exe").click()
    desk.press("Send")
    expect(desk.stream).to_contain_text("words that wait for it")
    assert told_by_agents(desk) == ["words that wait for it"]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_conversation_is_transferred_with_a_reason(
    desk_of: Any, customer: Chat, size: dict[str, int]
) -> None:
    desk: Desk = desk_of(viewport=size)
    desk.open(says(customer))
    desk.press("Take over")
    desk.press("Transfer")
    form = desk.page.locator("form.d-transfer")
    form.get_by_role("textbox").press("Escape")
    expect(form).to_be_hidden()
    expect(desk.page.get_by_role("button", name="Transfer")).to_be_focused()
    desk.press("Transfer")
    form.get_by_role("combobox").select_option(label="Amy")
    form.get_by_role("textbox").fill("<b>knows leather</b>")
    width = desk.page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], "nothing sticks out"
    number = desk.page.url.partition("c=")[2]
    form.get_by_role("button", name="Transfer").click()
    expect(desk.page.get_by_text("Transferred.")).to_be_visible()
    notes = desk.service.desk("GET", f"/conversations/{number}/notes").json()["notes"]
    assert [one["text"] for one in notes] == ["Lin → Amy：<b>knows leather</b>"]
    amy: Desk = desk_of("amy")
    amy.page.goto(f"/desk?c={number}")
    expect(amy.page.locator(".d-note")).to_contain_text("<b>knows leather</b>")
    expect(amy.page.locator(".d-state")).to_have_text("You're handling this")


def test_agents_say_whether_they_are_there(desk_of: Any, service: Service) -> None:
    desk: Desk = desk_of("amy")
    mark = desk.page.locator(".d-presence")
    expect(mark).to_have_attribute("data-presence", "online")
    desk.menu()
    desk.press("Away")
    expect(mark).to_have_attribute("data-presence", "away")
    listed = json.loads(service.command("agent", "list").stdout)
    assert {one["login"]: one["presence"] for one in listed}["amy"] == "away"
    desk.page.reload()
    expect(mark).to_have_attribute("data-presence", "away")
    desk.menu()
    desk.press("Online")
    expect(mark).to_have_attribute("data-presence", "online")
