"""What an agent sends reaches the web chat: in order, as links that open these files and no others."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.at_desk import PDF, PNG, AtTheDesk
from tests.support.chat import Chat
from tests.support.service import HTTP, Service


@pytest.fixture(scope="module")
def agent(service: Service) -> AtTheDesk:
    return AtTheDesk(service)


@pytest.fixture
def customer(service: Service) -> Iterator[Chat]:
    with Chat(service.socket_url) as chat:
        chat.ask("转人工")
        yield chat


def conversation(service: Service, customer: Chat, words: str) -> int:
    """The id of the conversation in which the customer says `words`."""
    customer.say(words)
    found = service.desk("GET", "/conversations", params={"state": "waiting"}).json()
    for one in found["conversations"]:
        said = service.desk("GET", f"/conversations/{one['id']}/messages").json()["messages"]
        if words in [message["text"] for message in said]:
            return int(one["id"])
    raise AssertionError(words)


def get(service: Service, url: str) -> httpx.Response:
    return HTTP.get(urljoin(f"{service.url}/chat/ws", url))


def test_files_between_words(service: Service, agent: AtTheDesk, customer: Chat) -> None:
    number = conversation(service, customer, "请发说明书")
    assert agent.send(number, PNG, "image/png", "照片.png").status_code == 200
    assert agent.send(number, PDF, "application/pdf", "说明书.pdf").status_code == 200
    assert agent.say(number, "都在这里了").status_code == 200
    got = [customer.wait_for(type="message", from_="agent") for _ in range(3)]
    assert [frame["text"] for frame in got] == ["📷", "📎", "都在这里了"]
    assert "attachments" not in got[2]
    (picture,), (manual,) = got[0]["attachments"], got[1]["attachments"]
    assert (picture["kind"], picture["name"], picture["size"]) == ("photo", "照片.png", len(PNG))
    assert (manual["kind"], manual["name"], manual["size"]) == ("document", "说明书.pdf", len(PDF))
    shown, saved = get(service, picture["url"]), get(service, manual["url"])
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["content-disposition"].startswith("inline")
    assert (saved.content, saved.headers["content-type"]) == (PDF, "application/pdf")
    assert saved.headers["content-disposition"].startswith("attachment")
    with Chat(service.socket_url, customer.session) as again:
        frames = read_all(again)[-3:]
        assert [one.get("attachments") for one in frames] == [[picture], [manual], None]

    before, _, key = manual["url"].partition("?key=")
    other = picture["url"].partition("?key=")[2]
    flipped = key[:-1] + ("A" if key[-1] != "A" else "B")
    for url in (before, f"{before}?key=", f"{before}?key={other}", f"{before}?key={flipped}"):
        assert get(service, url).status_code == 404
    assert get(service, f"files/999999?key={key}").status_code == 404


def read_all(chat: Chat) -> list[dict[str, Any]]:
    """All messages of the chat until now."""
    found = [chat.receive()]
    while found[-1]["seq"] < chat.hello["seq"]:
        found.append(chat.receive())
    return found
