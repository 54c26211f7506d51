"""What a topic shows follows from the tables alone, on both databases: no platform, no clock."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.channels.base import Refused, Uncertain
from bot.core.events import Bus
from bot.core.messages import Address, Attachment, Author, Kind
from bot.delivery import errands, outbox
from bot.desk.forum.inlet import ForumInlet
from bot.desk.forum.topics import Topics
from bot.escalation import agents
from bot.escalation.handoff import back_to_bot, hand_over
from bot.escalation.transfers import Transfers
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent
from storage.models.attachments import attach
from storage.models.conversations import Conversation, Written, conversation_messages, write
from storage.models.customers import Identity
from storage.models.errands import Errand
from storage.models.topics import DeskTopic
from tests.support import world

FORUM = Address("telegram", "shop", "-100")
Step = Callable[[Session, Conversation], Any]


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    bus = Bus()
    Topics((FORUM,), world.voice(), "https://shop.example", Transfers(world.voice())).register(bus)
    database = Database(database_url, bus)
    yield database
    database.close()


@pytest.fixture
def talk(db: Database) -> Callable[..., Any]:
    """Does a step in the one conversation there is, in a transaction of its own."""

    def begin(session: Session) -> int:
        identity = world.chat(session, "ann", "telegram", pulls=False)
        identity.account = FORUM.account
        return outbox.conversation_for(session, identity).id or 0

    number = db.run(begin)

    def do(step: Step) -> Any:
        return db.run(lambda session: step(session, session.get_one(Conversation, number)))

    return do


def customer_says(text: str, *files: Attachment, origin: str = "") -> Step:
    def step(session: Session, conversation: Conversation) -> None:
        message = Written(conversation.id or 0, conversation.identity_id, Author.CUSTOMER, "", text)
        write(session, message)
        if files:
            attach(session, message.id, conversation.identity_id, files, origin=origin)
        outbox.touch(session, conversation)

    return step


def bot_says(text: str) -> Step:
    return lambda session, conversation: outbox.post(session, conversation, text)


def ask_for_person(session: Session, conversation: Conversation) -> None:
    hand_over(session, conversation, "asked")


def waiting(db: Database) -> list[Errand]:
    def found(session: Session) -> list[Errand]:
        query = select(Errand).where(Errand.state == "queued").order_by(col(Errand.id))
        return list(session.exec(query))

    return db.run(found)


def kinds(db: Database) -> list[str]:
    return [one.kind for one in waiting(db)]


def finish(db: Database, **result: Any) -> Errand:
    """The platform does what waits longest."""
    first = waiting(db)[0]
    db.run(begun, first.id)
    db.run(errands.succeeded, first.id, result)
    return first


def refuse(db: Database, error: Exception) -> None:
    first = waiting(db)[0]
    db.run(begun, first.id)
    db.run(errands.failed, first.id, error)


def begun(session: Session, errand_id: int) -> None:
    row = session.get_one(Errand, errand_id)
    row.state, row.attempts = "sending", row.attempts + 1
    session.add(row)


@pytest.fixture
def topic(db: Database, talk: Callable[..., Any]) -> None:
    """A person is asked for; the topic has its card."""
    talk(customer_says("转人工"))
    talk(ask_for_person)
    finish(db, thread=7)
    assert "转人工" in finish(db, message_id=8).details["text"]
    assert finish(db).kind == "pin"


async def test_who_waited_before_there_was_a_forum_gets_a_topic(
    db: Database, talk: Callable[..., Any]
) -> None:
    bus, db.bus = db.bus, None
    talk(customer_says("在吗"))
    talk(ask_for_person)
    assert waiting(db) == []
    db.bus = bus
    topics = Topics((FORUM,), world.voice(), "", Transfers(world.voice()))
    await ForumInlet(db, topics).recover()
    await ForumInlet(db, topics).recover()
    assert kinds(db) == ["topic"]


def test_a_fault_in_the_forum_costs_the_customer_nothing(
    db: Database, talk: Callable[..., Any]
) -> None:
    talk(ask_for_person)
    finish(db, thread=7)
    speechless = Bus()
    Topics(
        (FORUM,), Voice(world.voice().words, {"zh": {}, "en": {}}), "", Transfers(world.voice())
    ).register(speechless)
    bus, db.bus = db.bus, speechless
    talk(customer_says("在吗"))
    db.bus = bus
    talk(customer_says("还在吗"))
    texts = talk(lambda session, one: [m.text for m in conversation_messages(session, one.id or 0)])
    assert texts == ["在吗", "还在吗"]
    assert waiting(db)[-1].details["text"] == "💬 在吗\n\n💬 还在吗"


def test_while_the_bot_answers_there_is_no_topic(db: Database, talk: Callable[..., Any]) -> None:
    talk(customer_says("怎么退货"))
    talk(bot_says("7 天"))
    assert waiting(db) == []


def test_what_waits_is_said_together(db: Database, talk: Callable[..., Any], topic: None) -> None:
    talk(customer_says("一"))
    talk(customer_says("二"))
    assert [one.details["text"] for one in waiting(db)] == ["💬 一\n\n💬 二"]
    db.run(begun, waiting(db)[0].id)
    talk(customer_says("三"))
    assert [one.details["text"] for one in waiting(db)] == ["💬 三"], "what has begun is left alone"


def test_what_is_too_long_together_is_said_apart(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    talk(customer_says("长" * 3000))
    talk(customer_says("远" * 3000))
    talk(customer_says("完"))
    assert [one.details["text"][-1] for one in waiting(db)] == ["长", "完"]


def test_the_bots_words_come_along_with_the_next_news(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    talk(bot_says("包裹到了"))
    assert waiting(db) == []
    talk(customer_says("收到"))
    assert [one.details["text"] for one in waiting(db)] == ["🤖 包裹到了\n\n💬 收到"]


def test_a_file_keeps_its_place_between_words(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    talk(customer_says("看"))
    talk(customer_says("📷", Attachment(Kind.PHOTO, "f"), origin="55"))
    talk(customer_says("看到了吗"))
    found = waiting(db)
    assert [one.kind for one in found] == ["say", "file", "say"]
    assert (found[1].details["from"], found[1].details["message"]) == ("ann", 55)
    finish(db)
    refuse(db, Refused("Bad Request: message to copy not found"))
    assert "https://shop.example/desk?c=" in waiting(db)[0].details["text"]


def test_a_file_of_another_bots_customer_is_named(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    def move(session: Session, one: Conversation) -> None:
        session.get_one(Identity, one.identity_id).account = "other"

    talk(move)
    talk(customer_says("看", Attachment(Kind.DOCUMENT, "f", name="收据.pdf"), origin="55"))
    (words,) = waiting(db)
    assert words.details["text"].startswith("💬 看\n\n📎 收据.pdf\nhttps://shop.example/desk?c=")


def test_what_a_deleted_topic_did_not_get_is_said_in_the_next(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    talk(customer_says("一"))
    refuse(db, Refused("Bad Request: message thread not found"))
    talk(customer_says("二"))
    assert kinds(db) == ["topic"]
    finish(db, thread=9)
    card, words = waiting(db)
    assert "转人工" in card.details["text"]
    assert "一" not in card.details["text"].split("—")[-1]
    assert (words.details["thread"], words.details["text"]) == (9, "💬 一\n\n💬 二")


def test_a_topic_that_cannot_be_made_is_tried_again_with_the_next_news(
    db: Database, talk: Callable[..., Any]
) -> None:
    talk(ask_for_person)
    refuse(db, Refused("Bad Request: not enough rights to create a topic"))
    assert waiting(db) == []
    talk(customer_says("在吗"))
    assert kinds(db) == ["topic"]
    finish(db, thread=7)
    assert [one.details["text"] for one in waiting(db)][1:] == ["💬 在吗"]


def test_what_was_perhaps_said_is_said_again_with_the_next_news(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    talk(customer_says("一"))
    refuse(db, Uncertain("no answer"))
    refuse(db, Uncertain("no answer"))
    talk(customer_says("二"))
    assert [one.details["text"] for one in waiting(db)] == ["💬 一\n\n💬 二"]


def test_a_conversation_that_ends_before_its_topic_is_there(
    db: Database, talk: Callable[..., Any]
) -> None:
    talk(ask_for_person)
    talk(customer_says("算了"))
    talk(back_to_bot)
    finish(db, thread=7)
    assert kinds(db) == ["say", "say", "close_topic"]
    assert "算了" in waiting(db)[1].details["text"]


def test_a_topic_closes_and_opens_with_its_conversation(
    db: Database, talk: Callable[..., Any], topic: None
) -> None:
    def hire(session: Session) -> int:
        agent = Agent(login="mei", name="小美", password_hash="-")
        session.add(agent)
        session.flush()
        return agent.id or 0

    mei = db.run(hire)
    talk(lambda session, one: agents.note(session, one.id or 0, mei, "老客户"))
    talk(lambda session, one: agents.reply(session, one.id or 0, mei, "您好"))
    assert (
        waiting(db)[0].details["text"] == "📝 小美：老客户\n\n🙋 小美 正在处理。\n\n🧑‍💼 小美：您好"
    )
    talk(lambda session, one: agents.release(session, one.id or 0, mei))
    talk(lambda session, one: agents.resolve(session, one.id or 0, mei))
    assert kinds(db) == ["say", "close_topic"]
    assert (
        waiting(db)[0]
        .details["text"]
        .endswith("已放回队列，等待同事接手。\n\n✅ 小美 已结束会话。")
    )
    finish(db)
    finish(db)

    def again(session: Session, one: Conversation) -> None:
        topics = list(session.exec(select(DeskTopic)))
        assert [found.is_open for found in topics] == [False]
        fresh = Conversation(identity_id=one.identity_id)
        session.add(fresh)
        session.flush()
        hand_over(session, fresh, "misses")

    talk(again)
    assert kinds(db) == ["reopen_topic", "say"]
