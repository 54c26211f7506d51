"""The agents' API, over HTTP and on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlmodel import Session, select

from bot.config import ApiKey
from bot.core.clock import now
from bot.core.messages import Author
from bot.core.spans import ALWAYS
from bot.delivery import outbox
from bot.desk.door import Door
from bot.escalation.handoff import hand_over
from bot.escalation.hours import Hours
from bot.escalation.sent_files import SentFiles
from bot.escalation.team import Team
from bot.escalation.teams import Teams
from bot.escalation.transfers import Transfers
from bot.web.api.router import agents_router
from storage.db import Database
from storage.indexing import Indexer
from storage.models.agents import Agent
from storage.models.audit import Audit
from storage.models.conversations import Conversation, Message
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from storage.models.sla import SlaClock
from storage.trail import Trail
from tests.support import world

TILL = ApiKey(name="till", key="key-of-the-till-0123", scopes=("desk",))
SHOP = ApiKey(name="shop", key="key-of-the-shop-0123", scopes=("events",))
OTHER = ApiKey(name="other", key="key-of-another-0123", scopes=("desk", "events"))
READER = ApiKey(name="reader", key="key-of-a-reader-0123", scopes=("conversations:read",))
BASE = "/api/v1/conversations"
ROUND_THE_CLOCK = Hours(ZoneInfo("Asia/Shanghai"), ALWAYS)


@pytest.fixture
async def api(db: Database) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    teams = Teams((Team("service", ROUND_THE_CLOCK), Team("second", ROUND_THE_CLOCK)))
    transfers = Transfers(world.voice(), teams)
    app.include_router(agents_router(db, [TILL, SHOP, OTHER], sent_files(db), transfers))
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://t", headers=bearer(TILL)
    ) as client:
        yield client


def sent_files(db: Database) -> SentFiles:
    return SentFiles(db, Path("nowhere"), 1 << 20)


def bearer(key: ApiKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.key}"}


def waiting(session: Session, name: str, channel: str = "web", pulls: bool = True) -> int:
    """A customer called `name` waits for a person. Returns the conversation's id."""
    identity = world.chat(session, name, channel, pulls)
    identity.name = name
    conversation = outbox.conversation_for(session, identity)
    session.add(
        Message(
            conversation_id=conversation.id,
            identity_id=identity.id,
            author=Author.CUSTOMER,
            text=f"{name} asks",
        )
    )
    hand_over(session, conversation, "asked")
    assert conversation.id is not None
    return conversation.id


def problem_of(answer: Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    return problem


async def listed(api: AsyncClient, state: str) -> list[tuple[int, str | None]]:
    answer = await api.get(BASE, params={"state": state})
    assert answer.status_code == 200
    found = answer.json()
    assert found["total"] == len(found["conversations"])
    return [(one["id"], one["agent"]) for one in found["conversations"]]


async def test_a_conversation_from_the_queue_to_its_end(api: AsyncClient, db: Database) -> None:
    first = await db.transact(waiting, "Emma")
    second = await db.transact(waiting, "Noah")
    assert await listed(api, "waiting") == [(first, None), (second, None)]

    taken = await api.post(f"{BASE}/{first}/take")
    assert taken.status_code == 200
    assert (taken.json()["state"], taken.json()["agent"]) == ("open", "till")
    assert taken.json()["customer"]["name"] == "Emma"
    said = await api.post(f"{BASE}/{first}/messages", json={"text": "  Hello Emma\n"})
    assert said.status_code == 201
    assert (said.json()["from"], said.json()["text"]) == ("agent", "Hello Emma")
    assert await listed(api, "open") == [(first, "till")]

    done = await api.post(f"{BASE}/{first}/resolve")
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    await api.post(f"{BASE}/{second}/resolve")
    assert await listed(api, "waiting") == []
    assert await listed(api, "resolved") == [(second, "till"), (first, "till")]


async def test_messages_after_a_seq(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Emma")
    answer = await api.post(f"{BASE}/{conversation}/messages", json={"text": "one"})
    await api.post(f"{BASE}/{conversation}/messages", json={"text": "two"})
    everything = (await api.get(f"{BASE}/{conversation}/messages")).json()["messages"]
    assert [(m["from"], m["agent"], m["text"]) for m in everything] == [
        ("customer", None, "Emma asks"), ("agent", "till", "one"), ("agent", "till", "two"),
    ]  # fmt: skip
    after = {"after": answer.json()["seq"]}
    newer = (await api.get(f"{BASE}/{conversation}/messages", params=after)).json()["messages"]
    assert [m["text"] for m in newer] == ["two"]


async def test_an_answer_takes_the_conversation_and_is_delivered(
    api: AsyncClient, db: Database
) -> None:
    conversation = await db.transact(waiting, "Emma", "telegram", pulls=False)
    await api.post(f"{BASE}/{conversation}/messages", json={"text": "hello"})
    assert await listed(api, "open") == [(conversation, "till")]
    states = await db.read(lambda s: [(d.channel, d.state) for d in s.exec(select(Delivery))])
    assert states == [("telegram", "queued")]


async def test_an_answer_that_is_sent_again_is_said_once(api: AsyncClient, db: Database) -> None:
    number = await db.transact(waiting, "Ada")
    answers = [
        (await api.post(f"{BASE}/{number}/messages", json={"id": "mine-1", "text": text})).json()
        for text in ("Hello", "Hello", "Hello!")
    ]
    assert [one["text"] for one in answers] == ["Hello"] * 3
    assert len({one["seq"] for one in answers}) == 1


async def test_notes_stay_inside(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Emma", "telegram", pulls=False)
    made = await api.post(f"{BASE}/{conversation}/notes", json={"text": "be gentle"})
    assert (made.status_code, made.json()["agent"]) == (201, "till")
    notes = (await api.get(f"{BASE}/{conversation}/notes")).json()["notes"]
    assert [(one["agent"], one["text"]) for one in notes] == [("till", "be gentle")]
    said = (await api.get(f"{BASE}/{conversation}/messages")).json()["messages"]
    assert [m["text"] for m in said] == ["Emma asks"]
    assert await db.read(lambda s: s.exec(select(Delivery)).all()) == []


def overdue(session: Session, conversation_id: int) -> None:
    at = now()
    times = {"started_at": at, "due_at": at, "warned_at": at, "breached_at": at}
    session.add(SlaClock(conversation_id=conversation_id, kind="first", team="t", **times))


async def test_who_waits_too_long_is_marked(api: AsyncClient, db: Database) -> None:
    late, fine = await db.transact(waiting, "Late"), await db.transact(waiting, "Fine")
    await db.transact(overdue, late)
    found = (await api.get(BASE, params={"state": "waiting"})).json()["conversations"]
    assert {one["id"]: one["target"] for one in found} == {late: "breached", fine: ""}
    assert (await api.post(f"{BASE}/{late}/take")).json()["target"] == "breached"


async def test_what_a_colleague_has_is_theirs(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Emma")
    await api.post(f"{BASE}/{conversation}/take", headers=bearer(OTHER))
    for action, body in (("take", None), ("resolve", None), ("messages", {"text": "me too"})):
        answer = await api.post(f"{BASE}/{conversation}/{action}", json=body)
        assert answer.status_code == 409
        assert "other is already handling" in problem_of(answer)["detail"]
    again = await api.post(f"{BASE}/{conversation}/take", headers=bearer(OTHER))
    assert again.status_code == 200
    note = await api.post(f"{BASE}/{conversation}/notes", json={"text": "I know her"})
    assert note.status_code == 201


async def test_resolved_is_resolved(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Emma")
    await api.post(f"{BASE}/{conversation}/resolve")
    for action, body in (("take", None), ("resolve", None), ("messages", {"text": "late"})):
        answer = await api.post(f"{BASE}/{conversation}/{action}", json=body)
        assert (answer.status_code, problem_of(answer)["title"]) == (409, "Not now")


async def test_errors_come_in_the_callers_language(api: AsyncClient) -> None:
    answer = await api.get(f"{BASE}/999/messages", headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, problem_of(answer)["detail"]) == (404, "没有这个会话。")


async def test_a_chat_that_is_nobodys_cannot_be_unlinked(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Ann")
    answer = await api.post(f"{BASE}/{conversation}/unlink")
    assert (answer.status_code, problem_of(answer)["title"]) == (409, "Not now")


@pytest.mark.parametrize("action", ["take", "resolve", "unlink", "messages", "notes"])
async def test_what_does_not_exist_is_404(api: AsyncClient, action: str) -> None:
    answer = await api.post(f"{BASE}/999/{action}", json={"text": "x"})
    assert (answer.status_code, problem_of(answer)["title"]) == (404, "Not found")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("1/messages", {}, "body.text"),
        ("1/messages", {"text": " \n "}, "body.text"),
        ("1/messages", {"text": 5}, "body.text"),
        ("1/messages", {"text": "x" * 4001}, "body.text"),
        ("1/messages", {"text": "x", "to": "all"}, "body.to"),
        ("1/notes", [], "body"),
        ("one/take", None, "path.conversation_id"),
    ],
)
async def test_what_is_not_as_documented_is_422(
    api: AsyncClient, path: str, body: Any, field: str
) -> None:
    answer = await api.post(f"{BASE}/{path}", json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in problem_of(answer)["errors"]] == [field]


async def test_broken_json_and_unknown_states_are_422(api: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    broken = await api.post(f"{BASE}/1/messages", content=b'{"text', headers=headers)
    assert broken.status_code == 422
    problem_of(broken)
    state = await api.get(BASE, params={"state": "lost"})
    assert [one["field"] for one in problem_of(state)["errors"]] == ["query.state"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer key-of-the-till-012"}, 401),
        ({"Authorization": f"Basic {TILL.key}"}, 401),
        (bearer(SHOP), 403),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/1/messages"), ("GET", "/1/notes"), ("GET", "/attachments/1"), ("POST", "/1/messages"),
     ("POST", "/1/take"), ("POST", "/1/resolve"), ("POST", "/1/unlink"), ("POST", "/1/notes")],
)  # fmt: skip
async def test_only_keys_of_the_desk_may(
    api: AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await api.request(method, BASE + path, json={"text": "x"}, headers=headers)
    assert answer.status_code == status
    problem_of(answer)


async def test_deeds_are_written_down_and_refused_ones_are_not(
    api: AsyncClient, db: Database
) -> None:
    conversation = await db.transact(waiting, "Emma")
    await api.post(f"{BASE}/{conversation}/messages", json={"text": "hello"})
    await api.post(f"{BASE}/{conversation}/notes", json={"text": "note"})
    await api.post(f"{BASE}/{conversation}/resolve")
    await api.post(f"{BASE}/{conversation}/take")
    rows = await db.read(lambda s: [(r.actor, r.action, r.subject) for r in s.exec(select(Audit))])
    by_key = [(action, subject) for actor, action, subject in rows if actor == "key:till"]
    subject = f"conversation:{conversation}"
    assert by_key == [(one, subject) for one in ("take", "reply", "note", "resolve")]


async def test_a_keys_agent_cannot_log_in(api: AsyncClient, db: Database) -> None:
    conversation = await db.transact(waiting, "Emma")
    await api.post(f"{BASE}/{conversation}/take")
    door = Door(db)
    for password in ("!", "", TILL.key):
        assert (await door.log_in("key:till", password, now())).agent is None


async def test_search(api: AsyncClient, db: Database) -> None:
    emma = await db.transact(waiting, "Emma", "telegram", pulls=False)
    noah = await db.transact(waiting, "Noah")
    await api.post(f"{BASE}/{emma}/notes", json={"text": "she asks again"})
    await api.post(f"{BASE}/{noah}/take")
    while await Indexer(db).fill_some():
        pass

    async def hits(**asked: str) -> list[tuple[str, str, int]]:
        answer = await api.get(f"{BASE}/search", params={"q": "asks"} | asked)
        assert answer.status_code == 200, answer.text
        assert answer.json()["next"] is None
        return [
            (one["kind"], "".join(p["text"] for p in one["pieces"]), one["conversation"]["id"])
            for one in answer.json()["hits"]
        ]

    note, second = ("note", "she asks again", emma), ("message", "Noah asks", noah)
    first = ("message", "Emma asks", emma)
    assert await hits() == [note, second, first]
    assert await hits(state="open") == [second]
    assert await hits(agent="till") == [second]
    assert await hits(agent="nobody") == []
    assert await hits(channel="telegram") == [note, first]
    assert await hits(until="2020-01-01T00:00:00Z") == []
    assert await hits(since="2020-01-01T00:00:00+08:00") == [note, second, first]

    found = (await api.get(f"{BASE}/search", params={"q": "asks again"})).json()["hits"]
    assert found[0]["pieces"] == [
        {"text": "she ", "found": False}, {"text": "asks", "found": True},
        {"text": " ", "found": False}, {"text": "again", "found": True},
    ]  # fmt: skip
    assert (found[0]["from"], found[0]["agent"]) == ("agent", "till")
    older = await api.get(f"{BASE}/search", params={"q": "asks", "before": "2-1"})
    assert [one["conversation"]["id"] for one in older.json()["hits"]] == [emma]


async def test_search_finds_people_too(api: AsyncClient, db: Database) -> None:
    def told(session: Session) -> int:
        number = waiting(session, "Emma")
        order = world.told(session, "order.paid", "XE10001")
        identity = session.get_one(Conversation, number).identity_id
        session.get_one(Identity, identity).customer_id = order.customer_id or 0
        return number

    emma = await db.transact(told)
    found = (await api.get(f"{BASE}/search", params={"q": "XE10001"})).json()
    assert [one["id"] for one in found["people"]] == [emma]
    older = (await api.get(f"{BASE}/search", params={"q": "XE10001", "before": "1-1"})).json()
    assert (older["people"], older["hits"], older["next"]) == ([], [], None)
    far = {"q": "nothing", "before": "999999999999999999-999999999999999999"}
    assert (await api.get(f"{BASE}/search", params=far)).json()["next"] is None


@pytest.mark.parametrize(
    "wrong",
    [{}, {"q": ""}, {"q": "x" * 101}, {"q": "a", "before": "5"}, {"q": "a", "before": "x-1"},
     {"q": "a", "state": "lost"}, {"q": "a", "since": "2026-01-01T00:00:00"}],
)  # fmt: skip
async def test_a_wrong_search_is_refused(api: AsyncClient, wrong: dict[str, str]) -> None:
    problem = problem_of(await api.get(f"{BASE}/search", params=wrong))
    assert problem["status"] == 422


async def test_searching_needs_the_scope(api: AsyncClient) -> None:
    answer = await api.get(f"{BASE}/search", params={"q": "a"}, headers=bearer(SHOP))
    assert problem_of(answer)["status"] == 403


async def test_looks_are_written_down_soon(db: Database) -> None:
    conversation = await db.transact(waiting, "Emma")
    trail = Trail(db)
    app = FastAPI()
    app.include_router(
        agents_router(db, [READER], sent_files(db), Transfers(world.voice(), Teams()), trail)
    )
    headers = bearer(READER)
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://t", headers=headers
    ) as api:
        for path in ("", f"/{conversation}/messages", f"/{conversation}/notes", "/999/messages"):
            await api.get(BASE + path)
        assert (await api.post(f"{BASE}/{conversation}/take")).status_code == 403
    await trail.close()
    rows = await db.read(lambda s: s.exec(select(Audit)).all())
    assert [(one.actor, one.action, one.subject, one.origin) for one in rows] == [
        ("key:reader", "look", f"conversation:{conversation}", "api")
    ]


async def test_a_conversation_is_transferred(api: AsyncClient, db: Database) -> None:
    one = await db.transact(waiting, "ann")
    await db.transact(hired, "mei")
    where = f"{BASE}/{one}/transfer"
    moved = await api.post(where, json={"agent": "mei", "reason": "knows the order"})
    assert (moved.status_code, moved.json()["state"], moved.json()["agent"]) == (200, "open", "mei")
    moved = await api.post(where, json={"team": "second", "reason": "wholesale"})
    assert (moved.json()["state"], moved.json()["team"]) == ("waiting", "second")
    notes = (await api.get(f"{BASE}/{one}/notes")).json()["notes"]
    assert [note["text"] for note in notes] == [
        "till → mei：knows the order",
        "till → second：wholesale",
    ]
    assert (await api.post(where, json={"team": "second"})).status_code == 409
    assert (await api.post(where, json={"team": "third"})).status_code == 404
    assert (await api.post(where, json={"agent": "bo"})).status_code == 404
    for wrong in ({}, {"agent": "mei", "team": "second"}, {"agent": ""}):
        assert (await api.post(where, json=wrong)).status_code == 422


def hired(session: Session, login: str) -> None:
    session.add(Agent(login=login, name=login, password_hash="-"))
