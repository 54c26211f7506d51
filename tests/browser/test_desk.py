"""The agents' desk in a real browser: nothing written gets lost, and hands find their way."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from bot.desk.passes import COOKIE
from tests.browser.conftest import PATIENCE_MS
from tests.support.chat import Chat
from tests.support.service import Service

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
_NUMBERS = count(1)


@dataclass
class Desk:
    """An agent at the desk, in a browser of their own."""

    service: Service
    context: BrowserContext
    page: Page

    @property
    def box(self) -> Locator:
        return self.page.locator(".d-write textarea")

    @property
    def stream(self) -> Locator:
        return self.page.get_by_role("log")

    def row(self, words: str) -> Locator:
        return self.page.locator(".d-row", has_text=words)

    def open(self, words: str) -> None:
        """Open the conversation in whose preview these words stand."""
        self.row(words).click()
        expect(self.stream).to_contain_text(words)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def replies(self, words: str) -> int:
        """How often the customer was told `words`, says the service."""
        return sum(one["text"] == words for one in self.messages())

    def messages(self) -> list[dict[str, Any]]:
        number = self.page.url.partition("c=")[2]
        found = self.service.desk("GET", f"/conversations/{number}/messages").json()["messages"]
        return list(found)


@pytest.fixture(scope="module")
def log_in(service: Service) -> Callable[[str], str]:
    """Logs an agent in and gives the cookie."""
    passwords = {}
    for login, name in (("lin", "Lin"), ("amy", "Amy")):
        made = service.command("agent", "add", login, "--name", name)
        assert made.returncode == 0, made.stderr
        passwords[login] = made.stderr.split("密码:")[1].split()[0]

    def cookie(login: str) -> str:
        with httpx.Client(base_url=service.url) as client:
            token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/login").text)
            assert token
            form = {"token": token[1], "login": login, "password": passwords[login]}
            client.post("/desk/login", data=form)
            return str(client.cookies[COOKIE])

    return cookie


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


def says(chat: Chat, words: str = "I have a question") -> str:
    """The customer writes something that nobody else wrote. Returns it."""
    unique = f"{words} {next(_NUMBERS)}."
    chat.say(unique)
    return unique


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
        desk.press("中文")
        expect(desk.page.get_by_role("button", name="保存备注")).to_be_visible()
        expect(desk.box).to_have_value("half a note")
        desk.open(others)
        expect(desk.box).to_have_value("half a reply")
        expect(desk.page.get_by_role("button", name="发送", exact=True)).to_be_visible()
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
    desk.press("Log out")
    other.wait_for_url("**/desk/login?next=**")
    answer = httpx.get(f"{service.url}/desk/", cookies=cookies)
    assert (answer.status_code, answer.headers["location"][:11]) == (303, "/desk/login")


def test_mine_come_first_and_the_title_counts_what_waits(
    service: Service, desk: Desk, customer: Chat
) -> None:
    words = says(customer)
    desk.open(words)
    desk.press("Take over")
    mine = desk.page.locator(".d-section").first.locator(".d-row")
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
    expect(desk.page.locator(".d-resolved .d-row", has_text=words)).to_contain_text("★★★★")


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
    amy.press("Take over from Lin")
    amy.page.wait_for_timeout(500)
    amy.press("Really take over?")
    expect(amy.page.locator(".d-state")).to_have_text("You're handling this")
    expect(desk.page.locator(".d-state")).to_have_text("Amy is handling this")
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


def test_after_a_note_the_next_words_are_for_the_customer(desk: Desk, customer: Chat) -> None:
    desk.open(says(customer))
    desk.press("Note")
    expect(desk.box).to_be_focused()
    desk.box.fill("be gentle")
    desk.press("Save note")
    expect(desk.page.locator(".d-note")).to_contain_text("be gentle")
    reply = desk.page.get_by_role("button", name="Reply", exact=True)
    expect(reply).to_have_attribute("aria-pressed", "true")
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
