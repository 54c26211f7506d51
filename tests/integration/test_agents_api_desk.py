"""What agents do at the desk, done by a program through the agents' API."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlmodel import Session, col, select

from bot.channels.base import Carries, Policy
from bot.config import ApiKey
from bot.core.clock import now
from bot.core.messages import Author, Progress
from bot.core.roles import Role
from bot.delivery import outbox
from bot.escalation.handoff import hand_over
from bot.escalation.sent_files import SentFiles
from bot.escalation.teams import Teams
from bot.escalation.transfers import Transfers
from bot.web.api.router import agents_router
from storage.db import Database
from storage.models.agents import Agent
from storage.models.audit import Audit
from storage.models.conversations import Message
from storage.models.customers import Identity
from storage.models.deliveries import Delivery, held_delivery
from storage.models.gaps import Gap
from storage.models.profiles import CustomerProfile
from storage.models.remarks import FollowUp
from storage.trail import Trail
from tests.support import world

TILL = ApiKey(name="till", key="key-of-the-till-0123", scopes=("desk",))
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 100
POLICIES = {
    ("pictures", "main"): Policy(files=(Carries("image", frozenset({"image/png"}), 1 << 20),))
}


class Program:
    """A desk of somebody's own."""

    def __init__(self, db: Database, http: AsyncClient, folder: Path, trail: Trail) -> None:
        self.db, self.http, self.folder, self.trail = db, http, folder, trail

    async def call(self, method: str, path: str, **more: Any) -> Response:
        return await self.http.request(method, f"/api/v1/{path}", **more)

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """What a call answers that succeeds."""
        answer = await self.call(method, path, **more)
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Status and detail of a call that is refused."""
        answer = await self.call(method, path, **more)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert problem["status"] == answer.status_code >= 400
        return answer.status_code, problem["detail"]

    async def customer(self, name: str = "Emma", channel: str = "web") -> int:
        return await self.db.transact(waiting, name, channel)

    async def send(self, to: int, content: bytes = PNG, kind: str = "image/png") -> Response:
        files = {"file": ("../照片.png", content, kind)}
        return await self.call("POST", f"conversations/{to}/files", files=files)

    async def deeds(self) -> list[tuple[str, str, str, str]]:
        await self.trail.close()
        rows = await self.db.read(lambda s: list(s.exec(select(Audit).order_by(col(Audit.id)))))
        return [(one.actor, one.action, one.subject, one.origin) for one in rows]


VOICE = cache(world.voice)
"""The shop's words, read once."""


@pytest.fixture
async def program(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Program]:
    app, trail = FastAPI(), Trail(sqlite_db)
    files = SentFiles(sqlite_db, tmp_path, 1 << 20, POLICIES)
    transfers = Transfers(VOICE(), Teams())
    app.include_router(agents_router(sqlite_db, [TILL], files, transfers, trail))
    headers = {"Authorization": f"Bearer {TILL.key}"}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://t", headers=headers) as http:
        yield Program(sqlite_db, http, tmp_path, trail)


def waiting(session: Session, name: str, channel: str) -> int:
    """Somebody with an order asked for a person. Returns the conversation's id."""
    order = world.told(session, "order.shipped", f"XE-{name}", tracking_number=f"SF-{name}")
    identity = world.chat(session, name, channel, channel == "web")
    identity.customer_id, identity.linked_at = order.customer_id or 0, now()
    conversation = outbox.conversation_for(session, identity)
    assert conversation.id is not None
    asked = Message(
        conversation_id=conversation.id,
        identity_id=identity.id,
        author=Author.CUSTOMER,
        text=f"{name} asks",
    )
    session.add(asked)
    session.flush()
    outbox.post(session, conversation, "no idea", author=Author.BOT)
    hand_over(session, conversation, "asked")
    return conversation.id


def hired(session: Session, login: str, role: Role = Role.AGENT) -> int:
    agent = Agent(login=login, name=login.title(), password_hash="-", role=role)
    session.add(agent)
    session.flush()
    return agent.id or 0


async def test_the_queue_is_served_given_back_and_put_off(program: Program) -> None:
    first, second = [await program.customer(name) for name in ("Emma", "Noah")]
    taken = await program.done("POST", "conversations/take-next")
    assert (taken["id"], taken["state"], taken["agent"]) == (first, "open", "till")
    tomorrow = (now() + timedelta(days=1)).isoformat()
    off = await program.done("POST", f"conversations/{first}/snooze", json={"until": tomorrow})
    assert off["snoozed_until"] is not None
    back = await program.done("POST", f"conversations/{first}/wake")
    assert back["snoozed_until"] is None
    free = await program.done("POST", f"conversations/{first}/release")
    assert (free["state"], free["agent"]) == ("waiting", None)
    queue = (await program.done("GET", "conversations"))["conversations"]
    assert [one["id"] for one in queue] == [first, second]
    for one in (first, second):
        await program.done("POST", f"conversations/{one}/take")
    nobody = await program.refused("POST", "conversations/take-next")
    assert nobody == (404, "Nobody is waiting.")


async def test_a_moment_that_is_over_or_none_is_refused(program: Program) -> None:
    one = await program.customer()
    await program.done("POST", f"conversations/{one}/take")
    path = f"conversations/{one}/snooze"
    over = {"until": "2020-03-05T09:00:00Z"}
    assert await program.refused("POST", path, json=over) == (409, "Choose a time to come.")
    for until in (
        "soon",
        1900000000,
        "1900000000",
        "2030-03-05T09:00:00",
        "9999-12-31T23:59:59-12:00",
    ):
        assert (await program.refused("POST", path, json={"until": until}))[0] == 422


async def test_a_colleague_is_relieved(program: Program) -> None:
    one = await program.customer()
    await program.db.transact(hired, "mei")
    await program.done("POST", f"conversations/{one}/transfer", json={"agent": "mei"})
    assert (await program.refused("POST", f"conversations/{one}/take"))[0] == 409
    assert (await program.refused("POST", f"conversations/{one}/release"))[0] == 409
    taken = await program.done("POST", f"conversations/{one}/take-over")
    assert taken["agent"] == "till"


async def test_tags_come_and_go(program: Program) -> None:
    one = await program.customer()
    path = f"conversations/{one}/tags"
    for tag in ("VIP", " a/b ", "VIP"):
        tagged = await program.done("POST", path, json={"tag": tag})
    assert tagged["tags"] == ["VIP", "a/b"]
    assert (await program.done("DELETE", path, params={"tag": "a/b"}))["tags"] == ["VIP"]
    assert (await program.done("GET", f"conversations/{one}"))["tags"] == ["VIP"]
    for wrong in ("", "x" * 31, 5):
        assert (await program.refused("POST", path, json={"tag": wrong}))[0] == 422


async def test_a_file_is_sent_and_can_be_opened(program: Program) -> None:
    one = await program.customer("Emma", "pictures")
    answer = await program.send(one)
    assert answer.status_code == 201
    (file,) = answer.json()["attachments"]
    assert (file["name"], file["mime"], file["size"]) == (".._照片.png", "image/png", len(PNG))
    opened = await program.http.get(file["url"])
    assert (opened.content, opened.headers["content-type"]) == (PNG, "image/png")
    states = await program.db.read(lambda s: [one.state for one in s.exec(select(Delivery))])
    assert Progress.QUEUED in states
    assert (await program.done("GET", f"conversations/{one}"))["agent"] == "till"


@pytest.mark.parametrize(
    ("channel", "content", "kind", "status", "said"),
    [
        ("web", PNG + b"p" * (1 << 20), "image/png", 413, "up to 1 MB"),
        ("web", PNG + b"p" * (2 << 20), "image/png", 413, "up to 1 MB"),
        ("web", b"", "image/png", 409, "empty"),
        ("web", b"<html><script>1</script>", "image/png", 415, "cannot be sent"),
        ("pictures", b"%PDF-1.7 d", "application/pdf", 409, "only png (≤ 1 MB)"),
        ("gone", PNG, "image/png", 409, "no files of this kind"),
    ],
)
async def test_what_cannot_be_sent_is_told_and_not_kept(
    program: Program, channel: str, content: bytes, kind: str, status: int, said: str
) -> None:
    answer = await program.send(await program.customer("Emma", channel), content, kind)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)
    assert [one for one in program.folder.rglob("*") if one.is_file()] == []


async def test_files_come_one_by_one_in_a_form(program: Program) -> None:
    one = await program.customer()
    path = f"conversations/{one}/files"
    two = [("file", ("a.png", PNG, "image/png"))] * 2
    other = {"picture": ("a.png", PNG, "image/png")}
    form = {"Content-Type": "multipart/form-data"}
    for wrong in (
        {"content": PNG, "headers": {"Content-Type": "image/png"}},
        {"content": b"no form", "headers": form},
        {"files": two},
        {"files": other},
        {"data": {"file": "words"}, "files": other},
    ):
        assert (await program.refused("POST", path, **wrong))[0] == 422
    assert (await program.send(999)).status_code == 404
    assert [one for one in program.folder.rglob("*") if one.is_file()] == []


async def test_refusals_are_in_the_readers_language(program: Program) -> None:
    program.http.headers["Accept-Language"] = "zh-CN"
    answer = await program.send(await program.customer(), b"")
    assert answer.json()["detail"] == "文件是空的。"


async def test_the_card_shows_who_the_customer_is(program: Program) -> None:
    one = await program.customer("Emma")
    other = await program.customer("林", "telegram")

    def profile(session: Session) -> None:
        number = session.exec(select(Identity)).first()
        assert number is not None
        birthday = (now() - timedelta(days=9999)).date()
        row = CustomerProfile(
            customer_id=number.customer_id, birthday=birthday, tags=["gold"], told_at=now()
        )
        session.add(row)

    await program.db.transact(profile)
    await program.done("POST", f"conversations/{other}/resolve")
    card = await program.done("GET", f"conversations/{one}/customer")
    assert (card["name"], card["shop_ref"], card["tags"]) == ("林小满", "c-lin", ["gold"])
    assert {chat["channel"] for chat in card["chats"]} == {"web", "telegram"}
    assert {order["number"] for order in card["orders"]} == {"XE-Emma", "XE-林"}
    assert card["orders"][0]["status_text"] == "sent"
    assert card["orders"][0]["parcels"][0]["tracking_number"].startswith("SF-")
    assert [former["id"] for former in card["conversations"]] == [other]
    assert ("key:till", "look", f"conversation:{one}", "api") in await program.deeds()


async def test_the_card_needs_its_own_scope(program: Program) -> None:
    one = await program.customer()
    reader = ApiKey(name="r", key="key-of-a-reader-0123", scopes=("conversations:read",))
    app = FastAPI()
    files = SentFiles(program.db, program.folder, 1)
    app.include_router(agents_router(program.db, [reader], files, Transfers(VOICE(), Teams())))
    headers = {"Authorization": f"Bearer {reader.key}"}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://t", headers=headers) as http:
        answer = await http.get(f"/api/v1/conversations/{one}/customer")
    assert (answer.status_code, "customers:read" in answer.json()["detail"]) == (403, True)


async def test_remarks_are_kept_and_forgotten(program: Program) -> None:
    one = await program.customer()
    path = f"conversations/{one}/remarks"
    said = (await program.done("GET", f"conversations/{one}/messages"))["messages"][0]["seq"]
    kept = [
        await program.done("POST", path, json={"text": "likes tea"}),
        await program.done("POST", path, json={"message": said}),
    ]
    assert [(row["text"], row["message"]) for row in kept] == [
        ("likes tea", None), ("Emma asks", said),
    ]  # fmt: skip
    await program.done("DELETE", f"{path}/{kept[0]['id']}")
    card = await program.done("GET", f"conversations/{one}/customer")
    assert [row["text"] for row in card["remarks"]] == ["Emma asks"]
    assert (await program.refused("DELETE", f"{path}/{kept[0]['id']}"))[0] == 404
    for wrong in ({}, {"text": "a", "message": said}, {"text": "x" * 1001}):
        assert (await program.refused("POST", path, json=wrong))[0] == 422
    assert (await program.refused("POST", path, json={"message": 999}))[0] == 404


async def test_what_a_customer_says_of_offers_is_noted_with_their_words(program: Program) -> None:
    one = await program.customer()
    path = f"conversations/{one}/consents"
    no = {"state": "withdrawn", "wording": "请不要再发活动"}
    await program.done("POST", path, json=no)
    await program.done(
        "POST", path, json={"state": "given", "wording": "yes on Telegram", "channel": "telegram"}
    )
    card = await program.done("GET", f"conversations/{one}/customer")
    said = [
        (row["state"], row["channel"], row["source"], row["wording"]) for row in card["consents"]
    ]
    assert said == [
        ("given", "telegram", "api", "yes on Telegram"), ("withdrawn", "", "api", "请不要再发活动"),
    ]  # fmt: skip
    assert ("key:till", "consent.given", f"conversation:{one}", "api") in await program.deeds()
    for wrong in ({"state": "given"}, {"state": "asked", "wording": "a"}, {**no, "wording": " "}):
        assert (await program.refused("POST", path, json=wrong))[0] == 422


async def test_follow_ups_are_listed_until_they_are_done(program: Program) -> None:
    one = await program.customer()
    row = {"conversation_id": one, "kind": "low_rating", "due_at": now()}
    await program.db.transact(lambda session: session.add(FollowUp(**row)))
    (due,) = (await program.done("GET", "follow-ups"))["follow_ups"]
    assert (due["kind"], due["conversation"]["id"]) == ("low_rating", one)
    for _ in range(2):
        await program.done("POST", f"follow-ups/{due['id']}/done")
    assert (await program.done("GET", "follow-ups"))["follow_ups"] == []
    assert (await program.refused("POST", "follow-ups/99/done"))[0] == 404


async def test_canned_replies_are_written_filled_in_and_sent(program: Program) -> None:
    one = await program.customer()
    macro = {
        "name": "Sent",
        "text": "{{ order.number }} is on its way",
        "tags": ["sent"],
        "resolves": True,
    }
    made = await program.done("POST", "canned", json={"name": "old", "text": "x"})
    kept = await program.done("PUT", f"canned/{made['id']}", json=macro)
    listed = (await program.done("GET", "canned"))["replies"]
    assert [(row["id"], row["name"]) for row in listed] == [(kept["id"], "sent")]
    ready = (await program.done("GET", f"conversations/{one}/canned"))["replies"]
    mine = next(row for row in ready if row["id"] == kept["id"])
    assert mine["text"] == "XE-Emma is on its way"
    said = {"text": mine["text"], "canned": mine["id"]}
    await program.done("POST", f"conversations/{one}/messages", json=said)
    after = await program.done("GET", f"conversations/{one}")
    assert (after["state"], after["tags"]) == ("resolved", ["sent"])
    wrong = await program.refused("POST", "canned", json=macro | {"text": "{{ secrets }}"})
    assert wrong[0] == 409
    await program.done("DELETE", f"canned/{kept['id']}")
    for method in ("PUT", "DELETE"):
        assert (await program.refused(method, f"canned/{kept['id']}", json=macro))[0] == 404


async def test_agents_say_whether_they_are_there(program: Program) -> None:
    mei = await program.db.transact(hired, "mei")
    await program.db.transact(hired, "vera", Role.VIEWER)
    away = await program.done("PUT", "agents/mei/presence", json={"presence": "away"})
    assert (away["presence"], away["chosen"]) == ("away", "away")
    assert (await program.done("GET", "agents/mei/presence")) == away
    people = (await program.done("GET", "agents"))["agents"]
    assert {one["login"]: one["presence"] for one in people} == {"mei": "away", "vera": "offline"}
    assert ("key:till", "away", f"agent:{mei}", "api") in await program.deeds()
    for login, status in (("vera", 409), ("key:till", 409), ("nobody", 404)):
        wish = {"presence": "online"}
        assert (await program.refused("PUT", f"agents/{login}/presence", json=wish))[0] == status


async def test_what_did_not_arrive_goes_once_more(program: Program) -> None:
    one = await program.customer("Emma", "telegram")
    seq = (await program.done("POST", f"conversations/{one}/messages", json={"text": "hi"}))["seq"]
    path = f"conversations/{one}/messages/{seq}/retry"
    assert (await program.refused("POST", path))[0] == 409

    def fail(session: Session) -> None:
        delivery = held_delivery(session, seq)
        assert delivery is not None
        delivery.state = Progress.FAILED

    await program.db.transact(fail)
    listed = (await program.done("GET", f"conversations/{one}/messages"))["messages"]
    assert [row["delivery"] for row in listed if row["seq"] == seq] == ["failed"]
    await program.done("POST", path)
    state = await program.db.read(lambda s: getattr(held_delivery(s, seq), "state", ""))
    assert state == Progress.QUEUED


async def test_a_wrong_answer_becomes_a_gap(program: Program) -> None:
    one = await program.customer()
    rows = (await program.done("GET", f"conversations/{one}/messages"))["messages"]
    bot = next(row["seq"] for row in rows if row["from"] == "bot")
    await program.done("POST", f"conversations/{one}/messages/{bot}/wrong")
    gaps = await program.db.read(lambda s: [gap.reason for gap in s.exec(select(Gap))])
    assert gaps == ["wrong"]
    asked = next(row["seq"] for row in rows if row["from"] == "customer")
    assert (await program.refused("POST", f"conversations/{one}/messages/{asked}/wrong"))[0] == 404


async def test_every_deed_is_written_down_as_the_keys(program: Program) -> None:
    one = await program.customer()
    at = f"conversations/{one}"
    await program.done("POST", f"{at}/take")
    await program.done("POST", f"{at}/tags", json={"tag": "a"})
    await program.done("DELETE", f"{at}/tags", params={"tag": "a"})
    await program.done("POST", f"{at}/remarks", json={"text": "a"})
    await program.done("POST", f"{at}/release")
    await program.done("POST", "canned", json={"name": "a", "text": "a"})
    expected = ["take", "tag", "untag", "remember", "release", "canned.write"]
    deeds = await program.deeds()
    assert [action for _, action, _, _ in deeds] == expected
    assert {(actor, origin) for actor, _, _, origin in deeds} == {("key:till", "api")}


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 100_000, b'{"text": "a", "\\ud800": 1}', b'{"text": "\\u0000"}']
)
async def test_a_body_that_nobody_can_read_is_refused(program: Program, body: bytes) -> None:
    one = await program.customer()
    headers = {"Content-Type": "application/json"}
    path = f"conversations/{one}/messages"
    assert (await program.refused("POST", path, content=body, headers=headers))[0] == 422
