"""Is the desk quick when a hundred are open and thousands of conversations wait?

The open desks are sockets that follow the page as its script does, and confirm what they got; the
one that is measured is a page in headless Chromium.
"""

import asyncio
import re
import shutil
import threading
import time
from ast import literal_eval
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import psutil
import socketio
from playwright.sync_api import Page, sync_playwright
from sqlmodel import Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.messages import State
from bot.core.roles import Role
from bot.desk.accounts import hashed, new_agent
from bot.desk.door import Door
from bot.desk.passes import COOKIE, Passes
from storage.db import Database
from storage.models.agents import Agent
from storage.models.base import new_row
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.secrets import secret
from tests.support.chat import Chat
from tests.support.service import Service, small_faq_in

PASSWORD = "as long as it is wide"  # noqa: S105 (of a shop that lives for minutes)
TAKEN = 0.8
"""Of the conversations, how many somebody has; the others wait."""
TURNS = 10
_QUERY = re.compile(r"^\s*query: (\{.*\}),$", re.MULTILINE)


def measure(folder: Path, desks: int, conversations: int) -> dict[str, Any]:
    """Seconds until the page shows and until a customer's words do, and memory for each desk."""
    models = folder / "models"
    models.mkdir(parents=True)
    service = Service(folder, models, faq=small_faq_in(folder / "faq")).start()
    logins = [f"agent{number}" for number in range(desks + 1)]
    service.look(lambda session: _fill(session, logins, conversations))
    cookies = asyncio.run(_inside(service, logins[1:]))
    assert service.process is not None
    memory = psutil.Process(service.process.pid).memory_info
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_context(base_url=service.url, locale="en-GB").new_page()
        page.goto("/desk/login")
        page.locator("#login").fill(logins[0])
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".d-row").first.wait_for()
        alone = [_opened(page) for _ in range(TURNS)]
        before = memory().rss
        with _open_desks(service, cookies) as heard:
            time.sleep(10)
            after = memory().rss
            crowded = [_opened(page) for _ in range(TURNS)]
            seen = list(_seen(service, page))
            told = heard()
        browser.close()
    service.stop()
    return {
        "conversations open": conversations,
        "desks open": desks,
        "page shown, no other desk: median / most": f"{median(alone):.2f} / {max(alone):.2f} s",
        "page shown, all open: median / most": f"{median(crowded):.2f} / {max(crowded):.2f} s",
        "words shown, all open: median / most": f"{median(seen):.3f} / {max(seen):.3f} s",
        "updates that the open desks took": told,
        "memory of the service, no other desk": f"{before / 2**20:.0f} MB",
        "memory for each desk": f"{(after - before) / 2**20 / desks:.1f} MB",
    }


def _fill(session: Session, logins: list[str], conversations: int) -> None:
    known_as = hashed(PASSWORD)
    agents = [new_agent(session, login, login.title(), known_as, Role.AGENT) for login in logins]
    session.flush()
    ids = [agent.id for agent in agents]
    begun = now() - timedelta(hours=5)
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("customer", "identity", "conversation", "message")
    }
    for number in range(1, conversations + 1):
        at, taken = begun + timedelta(seconds=number), number < TAKEN * conversations
        rows["customer"].append({"id": number} | new_row(Customer, created_at=at))
        rows["identity"].append(
            {"id": number} | new_row(
                Identity, customer_id=number, channel="telegram", account="shop",
                chat=str(number), name=f"顾客 {number}",
            )
        )  # fmt: skip
        rows["conversation"].append(
            {"id": number} | new_row(
                Conversation, identity_id=number, state="open" if taken else "waiting",
                agent_id=ids[number % len(ids)] if taken else None, handoff_reason="asked",
                waiting_since=at, opened_at=at, updated_at=at,
            )
        )  # fmt: skip
        rows["message"] += [
            new_row(
                Message, conversation_id=number, identity_id=number, author=author,
                text="我的快递到哪了", created_at=at,
            )
            for author in ("customer", "bot", "customer")
        ]  # fmt: skip
    for table, some in rows.items():
        session.connection().execute(SQLModel.metadata.tables[table].insert(), some)


async def _inside(service: Service, logins: list[str]) -> list[str]:
    """The agents' cookies: the door lets in, which takes no hundred tries from one address."""
    db = Database(f"sqlite:///{service.folder}/xiaoer.db")
    passes, door = Passes(db.run(secret, "desk-logins")), Door(db)
    tries = [await door.log_in(login, PASSWORD, now()) for login in logins]
    db.close()
    return [f"{COOKIE}={passes.issue(one.token)}" for one in tries]


def _opened(page: Page) -> float:
    """Seconds until the page, asked for anew, shows its list and follows what happens."""
    begun = time.perf_counter()
    page.goto("/desk")
    page.locator(".d-row").first.wait_for()
    page.wait_for_function("window.socket?.connected")
    return time.perf_counter() - begun


def _seen(service: Service, page: Page) -> Iterator[float]:
    """Seconds from a customer's word to the row of the desk that shows it."""
    with Chat(service.socket_url) as customer:
        customer.ask("a human please")
        service.look(_taken_by_first)
        page.goto("/desk")
        page.locator(".d-row").first.wait_for()
        for number in range(2 * TURNS):
            begun = time.perf_counter()
            customer.say(f"ping {number}")
            page.wait_for_function(
                f"document.body.innerText.includes('ping {number}')", polling="raf"
            )
            yield time.perf_counter() - begun


def _taken_by_first(session: Session) -> None:
    """The newest conversation is the first agent's, whose page is measured."""
    newest = session.exec(select(Conversation).order_by(col(Conversation.id).desc())).first()
    first = session.exec(select(Agent).where(Agent.login == "agent0")).one()
    assert newest is not None
    newest.state, newest.agent_id = State.OPEN, first.id


@contextmanager
def _open_desks(service: Service, cookies: list[str]) -> Iterator[Any]:
    """All these agents' desks, in a thread of their own; calls give what they heard so far."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    heard: list[int] = []

    async def stay() -> None:
        async with AsyncExitStack() as stack:
            for cookie in cookies:
                heard.append(0)
                await stack.enter_async_context(_desk(service, cookie, heard, len(heard) - 1))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(stay(),), daemon=True)
    thread.start()
    assert ready.wait(600)
    try:
        yield lambda: sum(heard)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


@asynccontextmanager
async def _desk(service: Service, cookie: str, heard: list[int], place: int) -> Any:
    """A desk that follows what happens, and tells the server every three seconds how far."""
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
        html = (await http.get("/desk/", headers={"Cookie": cookie})).text
    found = _QUERY.search(html)
    assert found, html[:2000]
    query = literal_eval(found[1])
    prefix = re.search(r'prefix: "([^"]*)"', html)
    assert prefix
    client = socketio.AsyncClient(reconnection=False)
    at = query["next_message_id"]

    @client.on("*")
    async def _take(event: str, *data: Any) -> None:
        nonlocal at
        heard[place] += 1
        for one in data:
            if isinstance(one, dict) and "_id" in one:
                at = max(at, int(one["_id"]) + 1)

    async def confirm() -> None:
        while True:
            await asyncio.sleep(3)
            await client.emit("ack", {"client_id": query["client_id"], "next_message_id": at})

    query |= {
        "document_id": str(uuid4()), "tab_id": str(uuid4()), "implicit_handshake": "true"
    }  # fmt: skip
    await client.connect(
        f"{service.url}?{urlencode(query)}",
        headers={"Cookie": cookie, "Origin": service.url},
        transports=["websocket"],
        socketio_path=f"{prefix[1]}/_nicegui_ws/socket.io",
    )
    confirming = asyncio.create_task(confirm())
    try:
        yield
    finally:
        confirming.cancel()
        await client.disconnect()
