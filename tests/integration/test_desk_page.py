"""The desk page of a running service, as the server sends it."""

import re

import httpx
import pytest
from sqlmodel import select

from storage.models.audit import Audit
from tests.support.chat import Chat
from tests.support.service import Service
from tests.support.waiting import until


@pytest.fixture(scope="module")
def agent(service: Service) -> httpx.Client:
    """A browser that is logged in."""
    made = service.command("agent", "add", "page-agent", "--name", "Page Agent")
    password = re.search(r"密码: (\S+)", made.stderr)
    assert password, made.stderr
    client = httpx.Client(base_url=service.url, headers={"Accept-Language": "en"}, timeout=10)
    form = client.get("/desk/login").text
    token = re.search(r'name="token" value="([^"]+)"', form)
    assert token
    data = {"token": token[1], "login": "page-agent", "password": password[1]}
    assert client.post("/desk/login", data=data).headers["location"] == "/desk/"
    return client


def test_the_page_comes_with_its_policy_and_without_a_cache(agent: httpx.Client) -> None:
    page = agent.get("/desk/")
    assert page.status_code == 200
    assert "Page Agent" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_customers_words_are_never_markup(agent: httpx.Client, service: Service) -> None:
    words = "<img src=x onerror=alert(1)> {{7*7}} ${8*8} `x`"
    with Chat(service.socket_url) as chat:
        chat.say("转人工")
        chat.say(words)
        waiting = service.desk("GET", "/conversations").json()["conversations"]
    page = agent.get("/desk/", params={"c": waiting[-1]["id"]})
    assert "<img src=x" not in page.text
    assert "&lt;img src=x onerror=alert(1)&gt; {{7*7}} &#36;{8*8} &#96;x&#96;" in page.text


def test_opening_a_conversation_is_written_down_once(agent: httpx.Client, service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.say("转人工")
        number = service.desk("GET", "/conversations").json()["conversations"][-1]["id"]
    mine = select(Audit.actor, Audit.origin).where(
        Audit.action == "look", Audit.subject == f"conversation:{number}"
    )
    for _ in range(3):
        assert agent.get("/desk/", params={"c": number}).status_code == 200
    [[actor, origin]] = until(lambda: service.look(lambda s: list(s.exec(mine))))
    assert (actor.partition(":")[0], origin) == ("agent", "desk")


def test_strangers_see_the_login_alone(service: Service) -> None:
    for path in ("/desk/", "/desk/?c=1", "/desk/_nicegui/anything.js"):
        answer = httpx.get(service.url + path)
        assert answer.headers["location"].startswith("/desk/login"), path


def test_the_desk_leaves_other_paths_alone(agent: httpx.Client, service: Service) -> None:
    assert httpx.get(f"{service.url}/no-such-page").json() == {"detail": "Not Found"}
    nowhere = agent.get("/desk/no-such-page")
    assert nowhere.status_code == 404
    assert "Back to the agents' desk" in nowhere.text
    assert "回到客服工作台" in nowhere.text


@pytest.mark.parametrize(
    "wanted", ["abc", "99999999", "9" * 30, "-1", "0", "1.5", "1' OR '1", "٣", "%00", "c=1&c=x"]
)
def test_an_address_of_no_conversation_shows_the_desk_and_says_so(
    agent: httpx.Client, wanted: str
) -> None:
    page = agent.get("/desk/", params={"c": wanted})
    assert (page.status_code, "There is no such conversation" in page.text) == (200, True)
    assert page.headers["content-type"].startswith("text/html")
