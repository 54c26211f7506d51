"""What agents write reaches the conversation once, or they are told why not."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlmodel import Session, col, select

from bot.core.messages import Author, State
from bot.core.roles import Role
from bot.delivery import outbox
from bot.desk.accounts import create_agent, log_out
from bot.desk.passes import COOKIE
from bot.desk.say import sayings
from bot.escalation import agents
from bot.escalation.handoff import hand_over
from storage.db import Database
from storage.models.agents import agent_by_login
from storage.models.conversations import Conversation, Message, Note
from storage.models.inbound import Receipt
from tests.support import world
from tests.support.inside import PASSES, PASSWORD, logged_in

_IDS = count(1)


class Desk:
    """An agent's browser, and the conversations that it writes to."""

    def __init__(self, db: Database, client: AsyncClient, token: str) -> None:
        self.db = db
        self.client = client
        self.token = token

    async def say(self, to: int, text: str = "hello", **more: Any) -> Response:
        cookie = self.client.cookies[COOKIE]
        body = {
            "conversation": to,
            "id": f"from-this-browser-{next(_IDS)}",
            "text": text,
            "note": False,
            "token": PASSES.form_token(cookie),
        }
        return await self.client.post("/desk/say", json=body | more)

    async def waiting(self, *, is_waiting: bool = True) -> int:
        """Somebody writes, and waits for a person unless told otherwise."""
        return await self.db.transact(_written, is_waiting)

    async def replies(self) -> list[str]:
        query = select(Message.text).where(Message.author == Author.AGENT).order_by(col(Message.id))
        return await self.db.read(lambda s: list(s.exec(query)))

    async def notes(self) -> list[str]:
        return await self.db.read(lambda s: list(s.exec(select(Note.text))))


def _written(session: Session, is_waiting: bool) -> int:
    identity = world.chat(session, f"chat {next(_IDS)}")
    conversation = outbox.conversation_for(session, identity)
    if is_waiting:
        hand_over(session, conversation, "asked")
    assert conversation.id is not None
    return conversation.id


@pytest.fixture
async def desk(db: Database) -> AsyncIterator[Desk]:
    app = FastAPI()
    app.include_router(sayings(db, world.voice(), PASSES))
    async with logged_in(db, app) as (client, token):
        yield Desk(db, client, token)


async def test_a_reply_sent_again_and_again_is_said_once(desk: Desk) -> None:
    conversation = await desk.waiting()
    same = {"id": "the-same-id-of-the-browser"}
    answers = [await desk.say(conversation, "  I'm here\n", **same) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert await desk.replies() == ["I'm here"]
    await desk.say(conversation, "I'm here")
    assert await desk.replies() == ["I'm here", "I'm here"]
    receipts = await desk.db.read(lambda s: s.exec(select(Receipt)).all())
    assert all(receipt.message_id is not None for receipt in receipts)


async def test_a_note_sent_again_is_kept_once_and_is_no_reply(desk: Desk) -> None:
    conversation = await desk.waiting()
    for _ in range(2):
        answer = await desk.say(conversation, "be gentle", note=True, id="a-note-of-this-browser")
        assert answer.status_code == 200
    assert (await desk.notes(), await desk.replies()) == (["be gentle"], [])


async def test_what_was_refused_may_come_again_with_the_same_id(desk: Desk) -> None:
    conversation = await desk.waiting(is_waiting=False)
    same = {"id": "the-same-id-of-the-browser"}
    refused = await desk.say(conversation, "hello", **same)
    assert (refused.status_code, refused.json()["sure"]) == (409, True)
    assert await desk.replies() == []
    assert (await desk.say(conversation, "hello", **same, sure=True)).status_code == 200
    assert await desk.replies() == ["hello"]


async def test_a_note_about_a_customer_who_is_with_the_bot_needs_no_second_word(desk: Desk) -> None:
    conversation = await desk.waiting(is_waiting=False)
    assert (await desk.say(conversation, note=True)).status_code == 200
    state = await desk.db.read(lambda s: s.get_one(Conversation, conversation).state)
    assert state == State.BOT


async def test_a_colleagues_conversation_takes_notes_alone(desk: Desk) -> None:
    conversation = await desk.waiting()

    def theirs(session: Session) -> None:
        amy = create_agent(session, "amy", "Amy", PASSWORD)
        agents.take(session, conversation, amy.id or 0)

    await desk.db.transact(theirs)
    refused = await desk.say(conversation)
    assert refused.status_code == 409
    assert refused.json() == {
        "detail": "Amy is already handling this conversation.", "sure": False,
    }  # fmt: skip
    assert (await desk.say(conversation, note=True)).status_code == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [("x" * 4001, "longer than 4000"), ("x" * 90_000, "longer than 4000"), (" \n", "first")],
)
async def test_what_cannot_be_sent_is_told(desk: Desk, text: str, said: str) -> None:
    answer = await desk.say(await desk.waiting(), text)
    assert answer.status_code == 409
    assert said in answer.json()["detail"]


async def test_a_character_that_no_database_stores_is_left_out(desk: Desk) -> None:
    assert (await desk.say(await desk.waiting(), "a\0b")).status_code == 200
    assert await desk.replies() == ["ab"]


async def test_an_ended_login_says_nothing(desk: Desk) -> None:
    conversation = await desk.waiting()
    await desk.db.transact(log_out, desk.token)
    assert (await desk.say(conversation)).status_code == 401
    assert await desk.replies() == []


@pytest.mark.parametrize(
    "token", ["", "forged", PASSES.form_token("another cookie")], ids=["empty", "forged", "other"]
)
async def test_only_our_own_page_may_send(desk: Desk, token: str) -> None:
    assert (await desk.say(await desk.waiting(), token=token)).status_code == 401
    assert await desk.replies() == []


@pytest.mark.parametrize(
    "more",
    [{"conversation": 10**30}, {"conversation": 0}, {"conversation": "x"}, {"id": "short"},
     {"id": "with spaces in the id"}, {"sure": "maybe"}, {"who": "else"}],
)  # fmt: skip
async def test_nonsense_is_422(desk: Desk, more: dict[str, Any]) -> None:
    assert (await desk.say(await desk.waiting(), **more)).status_code == 422


async def test_agents_are_told_in_their_language(desk: Desk) -> None:
    desk.client.headers["Accept-Language"] = "zh-CN"
    assert (await desk.say(999)).json()["detail"] == "没有这个会话。"


async def test_who_may_only_look_says_nothing(desk: Desk) -> None:
    conversation = await desk.waiting()

    def demoted(session: Session) -> None:
        agent = agent_by_login(session, "lin")
        assert agent is not None
        agent.role = Role.VIEWER

    await desk.db.transact(demoted)
    refused = await desk.say(conversation)
    assert (refused.status_code, refused.json()["sure"]) == (403, False)
    assert (await desk.say(conversation, note=True)).status_code == 403
    assert (await desk.notes(), await desk.replies()) == ([], [])
