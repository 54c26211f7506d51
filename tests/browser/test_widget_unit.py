"""The chat widget in a real browser, against a small server that speaks the chat socket."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import jinja2
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from tests.browser.conftest import PATIENCE_MS

WEB = Path(__file__).parents[2] / "templates" / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
Frame = dict[str, Any]


@dataclass
class Conversation:
    """What one session has said; `seq` grows by two, so that it has holes."""

    log: list[Frame] = field(default_factory=list)
    acks: dict[str, int] = field(default_factory=dict)

    def add(
        self, sender: str, text: str, choices: list[Frame] | None = None, **more: list[Frame]
    ) -> int:
        seq = 2 * len(self.log) + 2
        frame = {"type": "message", "seq": seq, "from": sender, "text": text}
        self.log.append(frame | {"choices": choices or []} | more)
        return seq


@dataclass
class Shop:
    """The server's side: its conversations, the frames it got, and the next faults to show."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    connections: list[tuple[str, int]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    signs: list[Frame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    echo_first: bool = False

    @property
    def conversation(self) -> Conversation:
        return list(self.conversations.values())[-1]

    def open(self, token: str) -> str:
        if token not in self.conversations:
            token = uuid4().hex
            self.conversations[token] = Conversation()
        return token

    async def talk(self, ws: WebSocket, token: str, after: int) -> None:
        self.connections.append((token, after))
        token = self.open(token)
        conversation = self.conversations[token]
        log = conversation.log
        hello = {"type": "hello", "session": token, "seq": log[-1]["seq"] if log else 0}
        await ws.send_json(hello)
        pump = asyncio.create_task(self.pump(ws, conversation, after))
        try:
            while await self.answer(ws, conversation, await ws.receive_json()):
                pass
        except WebSocketDisconnect:
            pass
        finally:
            pump.cancel()

    async def pump(self, ws: WebSocket, conversation: Conversation, after: int) -> None:
        while True:
            for frame in [f for f in conversation.log if f["seq"] > after]:
                await ws.send_json(frame)
                await ws.send_json(frame)  # a duplicate must do no harm
                after = frame["seq"]
            await asyncio.sleep(0.02)

    async def answer(self, ws: WebSocket, conversation: Conversation, frame: Frame) -> bool:
        """Commits and acknowledges one frame; False when a scripted fault closed the socket."""
        if frame["type"] in ("typing", "read"):
            self.signs.append(frame)
            return True
        self.frames.append(frame)
        fault = self.faults.pop(0) if self.faults else ""
        if fault in {"too_long", "rate_limited", "bad_request"}:
            await ws.send_json({"type": "error", "id": frame["id"], "code": fault, "message": "-"})
            return True
        if fault == "busy":
            error = {"type": "error", "id": frame["id"], "code": "rate_limited", "message": "-"}
            await ws.send_json(error | {"retry_after": 2})
            return True
        if not fault.startswith("drop before commit") and frame["id"] not in conversation.acks:
            text = frame.get("text") or frame["value"]
            conversation.acks[frame["id"]] = conversation.add("customer", text)
        if fault.startswith("drop"):
            await ws.close(1013 if fault.endswith("not open yet") else 1000)
            return False
        if self.echo_first:
            await asyncio.sleep(0.1)
        await ws.send_json(
            {"type": "ack", "id": frame["id"], "seq": conversation.acks[frame["id"]]}
        )
        return True


def build(holder: dict[str, Shop]) -> FastAPI:
    app = FastAPI()
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB), autoescape=True, undefined=jinja2.StrictUndefined
    )

    def page(name: str, language: str) -> HTMLResponse:
        html = pages.get_template(name).render(
            shop_name="茶 & <b>Co</b>",
            language=language,
            public_url="https://shop.example",
            is_local=True,
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})

    @app.get("/")
    def home(language: str = "en") -> HTMLResponse:
        return page("home.html", language)

    @app.get("/chat")
    def chat(language: str = "en") -> HTMLResponse:
        return page("chat.html", language)

    @app.get("/shop")
    def shop(attributes: str = "") -> HTMLResponse:
        head = '<link rel="icon" href="/static/icon.svg">'
        tag = f'<script src="/widget.js" {attributes} defer></script>'
        loud = "<style>* { color: red; font-size: 30px; letter-spacing: 9px }</style>"
        return HTMLResponse(f"<!doctype html><title>Shop</title>{head}{loud}<h1>Shop</h1>{tag}")

    @app.get("/widget.js")
    def widget() -> FileResponse:
        return FileResponse(WEB / "widget.js", media_type="text/javascript")

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        return FileResponse(WEB / name)

    @app.websocket("/chat/ws")
    async def chat_socket(ws: WebSocket, session: str = "", after: int = 0) -> None:
        await ws.accept()
        await holder["shop"].talk(ws, session, after)

    return app


@pytest.fixture(scope="module")
def holder() -> dict[str, Shop]:
    return {"shop": Shop()}


@pytest.fixture(scope="module")
def address(holder: dict[str, Shop]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build(holder), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def shop(holder: dict[str, Shop]) -> Shop:
    holder["shop"] = Shop()
    return holder["shop"]


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=address,
        locale="en-GB",
        viewport={"width": 1280, "height": 800},
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, shop: Shop) -> Iterator[Page]:
    """A page on which any dialog, script error or refusal by the content policy is a failure."""
    complaints: list[str] = []

    def refuse(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    page = context.new_page()
    page.clock.install()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("dialog", refuse)
    yield page
    assert complaints == []


def eventually(check: Callable[[], bool], page: Page) -> None:
    """Waits, with the page's own events going on, until `check` holds; fails when patience ends."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not check():
        assert time.monotonic() < deadline, "it did not come true"
        page.wait_for_timeout(20)


def say(page: Page, text: str) -> None:
    page.locator("textarea").fill(text)
    page.locator("textarea").press("Enter")


def online(page: Page) -> None:
    expect(page.locator("header .online")).to_be_visible()


def own(page: Page) -> list[str]:
    return page.locator(".customer .text").all_inner_texts()


def test_it_is_small() -> None:
    assert (WEB / "widget.js").stat().st_size < 17_000


def test_hostile_text_stays_text(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    say(page, HOSTILE)
    eventually(lambda: len(shop.conversation.log) == 1, page)
    shop.conversation.add("agent", HOSTILE + " javascript:alert(3)")
    shop.conversation.add("bot", HOSTILE, [{"label": HOSTILE, "value": "x"}])
    expect(page.locator(".choices button")).to_have_text(HOSTILE)
    assert page.locator(".log .text").all_inner_texts() == [
        HOSTILE, HOSTILE + " javascript:alert(3)", HOSTILE,
    ]  # fmt: skip
    assert page.locator(".log img, .log script, .log a").count() == 0
    expect(page.locator("h2")).to_have_text("茶 & <b>Co</b>")


def test_pictures_are_shown_and_files_are_links(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    picture = {"kind": "photo", "name": HOSTILE, "size": 9, "url": "/static/icon.svg"}
    paper = {"kind": "document", "name": HOSTILE, "size": 2_340_000, "url": "files/2?key=k"}
    shop.conversation.add("agent", "📷", attachments=[picture])
    shop.conversation.add("agent", "and this", attachments=[paper])
    expect(page.locator(".agent img")).to_have_attribute("alt", HOSTILE)
    expect(page.locator(".agent img")).to_have_js_property("complete", True)
    link = page.locator(".agent a.file").last
    expect(link).to_have_text(f"📎 {HOSTILE} (2.34 MB)")
    assert str(link.evaluate("node => node.href")).endswith("/chat/files/2?key=k")
    assert page.locator(".agent .text").all_inner_texts() == ["and this"]


def test_links_and_lines(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    text = "查看：https://shop.example/t?no=1&x=2。\nOr http://a.example/b."
    shop.conversation.add("bot", text)
    links = page.locator(".bot a")
    expect(links).to_have_text(["https://shop.example/t?no=1&x=2", "http://a.example/b"])
    assert links.first.get_attribute("href") == "https://shop.example/t?no=1&x=2"
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert links.first.get_attribute("target") == "_blank"
    assert page.locator(".bot .text").inner_text() == text


@pytest.mark.parametrize("fault", ["drop before commit", "drop after commit"])
def test_a_message_cut_off_is_sent_again_and_shown_once(page: Page, shop: Shop, fault: str) -> None:
    page.goto("/chat")
    online(page)
    shop.faults = [fault]
    say(page, "在吗？")
    eventually(lambda: len(shop.connections) == 1 and len(shop.frames) == 1, page)
    expect(page.locator("header .connecting")).to_be_visible()
    page.clock.run_for(2500)
    eventually(lambda: len(shop.frames) == 2, page)
    expect(page.locator(".pending")).to_have_count(0)
    assert shop.frames[0] == shop.frames[1]
    assert own(page) == ["在吗？"]
    assert [f["text"] for f in shop.conversation.log] == ["在吗？"]
    page.reload()
    online(page)
    expect(page.locator(".customer .text")).to_have_text(["在吗？"])
    page.clock.run_for(20_000)
    assert len(shop.frames) == 2


def test_the_outbox_outlives_the_page(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    shop.faults = ["drop before commit, not open yet"]
    say(page, "first")
    expect(page.locator("header .opening")).to_have_text("Just opening: we will send it")
    say(page, "second")  # written while the socket is gone
    eventually(lambda: bool(shop.frames), page)  # on a slow machine it has been sent again
    page.reload()
    eventually(lambda: len(shop.conversation.log) == 2, page)
    expect(page.locator(".pending")).to_have_count(0)
    assert own(page) == ["first", "second"]
    assert shop.frames[1]["id"] == shop.frames[0]["id"]


def test_own_words_that_come_back_before_their_ack(page: Page, shop: Shop) -> None:
    shop.echo_first = True
    page.goto("/chat")
    online(page)
    say(page, "hello")
    expect(page.locator(".sent")).to_have_count(1)
    expect(page.locator(".customer .text")).to_have_text(["hello"])


def test_reconnecting_asks_for_what_is_new_and_keeps_the_order(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    shop.conversation.add("bot", "one")
    expect(page.locator(".bot")).to_have_count(1)
    shop.faults = ["drop before commit"]
    say(page, "two")
    expect(page.locator("header .connecting")).to_be_visible()
    shop.conversation.add("agent", "meanwhile")
    page.clock.run_for(2500)
    expect(page.locator(".log .text")).to_have_text(["one", "meanwhile", "two"])
    token = next(iter(shop.conversations))
    assert shop.connections == [("", 0), (token, 2)]


def test_a_forgotten_session_starts_afresh(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    say(page, "old")
    expect(page.locator(".sent")).to_have_count(1)
    shop.conversations.clear()
    shop.faults = ["drop after commit"]
    say(page, "new")
    expect(page.locator("header .connecting")).to_be_visible()
    page.clock.run_for(2500)
    eventually(lambda: bool(shop.conversations) and len(shop.conversation.log) == 1, page)
    shop.conversation.add("bot", "welcome")
    expect(page.locator(".log .text")).to_have_text(["new", "welcome"])
    assert shop.connections[-1] == (next(iter(shop.conversations)), 0)


def test_after_an_older_backup_the_page_shows_what_there_is(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    for text in ("kept", "lost", "lost too"):
        shop.conversation.add("bot", text)
    expect(page.locator(".log .text")).to_have_count(3)
    shop.faults = ["drop before commit"]
    del shop.conversation.log[1:]  # what is said from now on has a number that was seen before
    say(page, "hello")
    expect(page.locator("header .connecting")).to_be_visible()
    page.clock.run_for(2500)
    expect(page.locator(".log .text")).to_have_text(["kept", "hello"])


def test_choices(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    options = [{"label": "Where is it?", "value": "parcel"}, {"label": "Other", "value": "2"}]
    shop.conversation.add("bot", "Which?", options)
    page.get_by_role("button", name="Where is it?").click()
    eventually(lambda: len(shop.frames) == 1, page)
    assert shop.frames[0] == {"type": "choice", "id": shop.frames[0]["id"], "value": "parcel"}
    expect(page.locator(".choices button").first).to_be_hidden()
    expect(page.locator(".customer .text")).to_have_text(["Where is it?"])


def test_an_enter_that_ends_a_composition_does_not_send(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    composer = page.locator("textarea")
    composer.fill("你好")
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        composer.dispatch_event("keydown", {"key": "Enter", "cancelable": True} | composing)
    composer.press("Shift+Enter")
    composer.press_sequentially("吗")
    assert (composer.input_value(), own(page)) == ("你好\n吗", [])
    composer.press("Enter")
    eventually(lambda: [f["text"] for f in shop.frames] == ["你好\n吗"], page)
    assert composer.input_value() == ""


@pytest.mark.parametrize("code", ["too_long", "bad_request"])
def test_a_refused_message_can_be_edited(page: Page, shop: Shop, code: str) -> None:
    page.goto("/chat")
    online(page)
    shop.faults = [code]
    say(page, "far too long")
    expect(page.locator(".failed .note")).to_be_visible()
    page.reload()
    online(page)
    page.get_by_role("button", name="Edit and resend").click()
    expect(page.locator("textarea")).to_have_value("far too long")
    expect(page.locator("textarea")).to_be_focused()
    say(page, "short")
    expect(page.locator(".sent")).to_have_count(1)
    assert own(page) == ["short"]


def test_a_message_that_came_too_fast_is_sent_later(page: Page, shop: Shop) -> None:
    page.goto("/chat")
    online(page)
    shop.faults = ["rate_limited"]
    say(page, "quick")
    expect(page.locator(".pending .note")).to_contain_text("again shortly")
    page.clock.run_for(10_500)
    expect(page.locator(".sent")).to_have_count(1)
    assert [f["text"] for f in shop.frames] == ["quick", "quick"]
    assert shop.frames[0]["id"] == shop.frames[1]["id"]


def test_a_busy_shop_is_written_to_later_and_in_order(page: Page, shop: Shop) -> None:
    refusals: list[str] = []

    def hear(frame: str | bytes) -> None:
        if "rate_limited" in str(frame):
            refusals.append(str(frame))

    page.on("websocket", lambda opened: opened.on("framereceived", hear))
    page.goto("/chat")
    online(page)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    shop.faults = ["busy", "busy"]
    say(page, "one")
    eventually(lambda: len(refusals) == 1, page)
    expect(page.locator(".pending .note")).to_have_text("Sending…")
    say(page, "two")
    page.clock.run_for(1_900)
    assert [f["text"] for f in shop.frames] == ["one"], "nothing overtakes what was refused"
    page.clock.run_for(2_200)
    eventually(lambda: len(refusals) == 2, page)
    page.clock.run_for(4_100)
    expect(page.locator(".sent")).to_have_count(2)
    assert own(page) == ["one", "two"]
    assert len({f["id"] for f in shop.frames}) == 2


def test_keyboard_alone(page: Page, shop: Shop) -> None:
    page.goto("/shop")
    launcher = page.get_by_role("button", name="Open chat")
    expect(launcher).to_be_visible()
    assert shop.connections == []  # nobody asked yet
    page.keyboard.press("Tab")
    expect(launcher).to_be_focused()
    assert launcher.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Ask us anything…")).to_be_focused()
    online(page)
    page.keyboard.type("tea?")
    page.keyboard.press("Enter")
    eventually(lambda: len(shop.frames) == 1, page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()


def test_unread_messages_are_counted_while_closed(page: Page, shop: Shop) -> None:
    page.goto("/shop")
    page.get_by_role("button", name="Open chat").click()
    online(page)
    shop.conversation.add("bot", "seen")
    expect(page.locator(".bot")).to_have_count(1)
    page.keyboard.press("Escape")
    shop.conversation.add("agent", "news")
    expect(page.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Open chat, 1 unread").click()
    page.keyboard.press("Escape")
    expect(page.locator(".badge")).to_be_hidden()


@pytest.mark.parametrize(
    "script",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})",
        "Storage.prototype.setItem = () => { throw new Error('full') }",
        "delete Crypto.prototype.randomUUID",
    ],
    ids=["storage denied", "storage full", "plain http"],
)
def test_poor_browsers(page: Page, shop: Shop, script: str) -> None:
    page.add_init_script(script)
    page.goto("/chat")
    online(page)
    say(page, "one")
    say(page, "two")
    expect(page.locator(".log > :not(.pending)")).to_have_count(2)
    assert [f["text"] for f in shop.frames] == ["one", "two"]
    assert len({f["id"] for f in shop.frames}) == 2


@pytest.mark.parametrize("path", ["/?language=zh", "/chat", "/shop"])
def test_a_phone_needs_no_sideways_scrolling(page: Page, shop: Shop, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    if path != "/chat":
        page.locator(".launch").click()
    online(page)
    options = [{"label": "长" * 60, "value": "1"}, {"label": "w" * 90, "value": "2"}]
    for n in range(12):
        shop.conversation.add("agent", f"{n}" + "w" * 200)
    shop.conversation.add("bot", "https://shop.example/" + "x" * 200, options)
    expect(page.locator(".choices button").last).to_be_in_viewport()
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390
    if path == "/chat":
        assert page.evaluate("document.scrollingElement.scrollHeight") == 844
    assert page.locator(".log").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert page.locator(".panel").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}


@pytest.mark.parametrize(
    ("attributes", "name", "hint"),
    [
        ("data-lang=zh data-title=清风茶铺", "清风茶铺", "想问点什么？"),
        ("data-lang=auto", "Xiaoer", "Ask us anything…"),
        ("", "Xiaoer", "Ask us anything…"),
    ],
)
def test_attributes(page: Page, attributes: str, name: str, hint: str) -> None:
    page.goto(f"/shop?attributes={attributes} data-open data-color=rgb(255,220,0)")
    expect(page.get_by_role("dialog", name=name)).to_be_visible()
    expect(page.locator("textarea")).to_have_attribute("placeholder", hint)
    for selector in (".panel", ".log", ".launch"):  # the shop's own style stays outside
        expect(page.locator(selector)).to_have_css("font-size", "15px")
        expect(page.locator(selector)).to_have_css("letter-spacing", "normal")
    header = page.locator(".panel header")
    expect(header).to_have_css("background-color", "rgb(255, 220, 0)")
    ink = str(header.evaluate("e => getComputedStyle(e).color"))
    assert float(re.findall(r"[\d.]+", ink)[0]) < 0.3  # dark words on a light colour
