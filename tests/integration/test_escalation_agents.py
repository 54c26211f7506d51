"""Agents take, hand back and take over conversations, and the customer hears who has come."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session, col, select

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import Bus
from bot.core.messages import Author, State
from bot.delivery import outbox
from bot.escalation import agents, greeting
from bot.escalation.handoff import hand_over
from storage.db import Database
from storage.models.agents import Agent
from storage.models.audit import Audit, actor_at
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery
from tests.support import world


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    bus = Bus()
    greeting.register(bus, world.voice())
    database = Database(database_url, bus)
    yield database
    database.close()


def agent(session: Session, name: str, login: str = "") -> int:
    row = Agent(login=login or name.lower(), name=name, password_hash="-")
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def chat(session: Session, name: str, language: str = "zh", **fields: object) -> int:
    """Somebody who waits for a person."""
    identity = world.chat(session, name, **fields)  # type: ignore[arg-type]
    conversation = outbox.conversation_for(session, identity)
    conversation.language = language
    hand_over(session, conversation, "asked")
    assert conversation.id is not None
    return conversation.id


def told(session: Session, conversation_id: int) -> list[str]:
    """What the customer was told by the system."""
    query = (
        select(Message.text)
        .where(Message.conversation_id == conversation_id, Message.author == Author.SYSTEM)
        .order_by(col(Message.id))
    )
    return list(session.exec(query))


def deeds(session: Session) -> list[tuple[str, str]]:
    return [(row.actor, row.action) for row in session.exec(select(Audit))]


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "小满来了，马上为您服务。"), ("en", "小满 has joined you.")]
)
def test_who_comes_is_told_once_in_the_customers_language(
    db: Database, language: str, words: str
) -> None:
    def story(session: Session) -> None:
        man, one = agent(session, "小满"), chat(session, "ann", language)
        agents.take(session, one, man)
        agents.take(session, one, man)
        agents.reply(session, one, man, "hello")
        agents.release(session, one, man)
        agents.take(session, one, man)
        assert told(session, one) == [words]

    db.run(story)


def test_a_reply_comes_after_the_greeting(db: Database) -> None:
    def story(session: Session) -> None:
        man, one = agent(session, "小满"), chat(session, "ann", channel="telegram", pulls=False)
        agents.reply(session, one, man, "您好")
        said = [m.text for m in session.exec(select(Message).order_by(col(Message.id)))]
        assert said == ["小满来了，马上为您服务。", "您好"]
        assert [d.purpose for d in session.exec(select(Delivery))] == ["agent", "agent"]

    db.run(story)


def test_programs_come_without_their_names(db: Database) -> None:
    def story(session: Session) -> None:
        one = chat(session, "ann")
        agents.take(session, one, agent(session, "till-2", "key:till-2"))
        assert told(session, one) == ["客服来了，马上为您服务。"]

    db.run(story)


def test_who_writes_in_traditional_script_reads_it(db: Database) -> None:
    def story(session: Session) -> None:
        one = chat(session, "ann")
        session.exec(select(Identity)).one().traditional = True
        agents.take(session, one, agent(session, "Amy"))
        assert told(session, one) == ["Amy來了，馬上為您服務。"]

    db.run(story)


def test_back_in_the_queue_it_has_its_old_place(db: Database) -> None:
    def story(session: Session) -> None:
        lin, first, second = agent(session, "Lin"), chat(session, "ann"), chat(session, "bob")
        since = session.get_one(Conversation, first).waiting_since
        agents.take(session, first, lin)
        released = agents.release(session, first, lin)
        assert (released.state, released.agent_id) == (State.WAITING, None)
        assert released.waiting_since == since
        assert agents.take_next(session, lin) is released
        agents.take_next(session, lin)
        assert session.get_one(Conversation, second).state == State.OPEN
        assert agents.take_next(session, lin) is None
        assert deeds(session) == [
            (f"agent:{lin}", deed) for deed in ("take", "release", "take", "take")
        ]

    db.run(story)


def test_what_was_taken_from_the_bot_waits_from_now_on(db: Database) -> None:
    def story(session: Session) -> None:
        lin = agent(session, "Lin")
        conversation = outbox.conversation_for(session, world.chat(session, "ann"))
        agents.take(session, conversation.id or 0, lin)
        before = now()
        agents.release(session, conversation.id or 0, lin)
        assert conversation.waiting_since is not None
        assert conversation.waiting_since >= before
        assert conversation.handoff_reason == "released"

    db.run(story)


def test_only_the_owner_can_put_it_back(db: Database) -> None:
    def story(session: Session) -> None:
        lin, amy, one = agent(session, "Lin"), agent(session, "Amy"), chat(session, "ann")
        with pytest.raises(NotAllowed, match="not in charge"):
            agents.release(session, one, lin)
        agents.take(session, one, lin)
        with pytest.raises(NotAllowed, match="Lin is already handling"):
            agents.release(session, one, amy)
        agents.resolve(session, one, lin)
        with pytest.raises(NotAllowed, match="already resolved"):
            agents.release(session, one, lin)

    db.run(story)


def test_a_colleague_may_take_over_and_is_announced(db: Database) -> None:
    def story(session: Session) -> None:
        lin, amy, one = agent(session, "Lin"), agent(session, "Amy"), chat(session, "ann", "en")
        agents.take(session, one, lin)
        with pytest.raises(NotAllowed):
            agents.take(session, one, amy)
        assert agents.take_over(session, one, amy).agent_id == amy
        agents.take_over(session, one, amy)
        assert told(session, one) == ["Lin has joined you.", "Amy has joined you."]
        assert deeds(session) == [(f"agent:{lin}", "take"), (f"agent:{amy}", "take_over")]
        with pytest.raises(NotAllowed, match="Amy is already handling"):
            agents.reply(session, one, lin, "me too")

    db.run(story)


def test_a_chat_taken_for_somebody_elses_is_nobodys_again(db: Database) -> None:
    def story(session: Session) -> None:
        lin = agent(session, "Lin")
        conversation = chat(session, "a")
        identity = session.exec(select(Identity)).one()
        with pytest.raises(NotAllowed):
            agents.unlink(session, conversation, lin)
        order = world.told(session, "order.paid", "XE1")
        identity.customer_id, identity.linked_at = order.customer_id or 0, now()
        session.flush()
        agents.unlink(session, conversation, lin)
        assert identity.linked_at is None
        assert identity.customer_id != order.customer_id, "the orders stay the customer's"
        assert deeds(session) == [(f"agent:{lin}", "unlink")]

    db.run(story)


def test_a_chat_is_linked_by_an_orders_number(db: Database) -> None:
    def story(session: Session) -> None:
        lin = agent(session, "lin")
        conversation = chat(session, "a")
        identity = session.exec(select(Identity)).one()
        before = identity.customer_id
        with pytest.raises(NotFound):
            agents.link(session, conversation, lin, "XE404")
        order = world.told(session, "order.paid", "XE1")
        agents.link(session, conversation, lin, " xe1 ")
        assert identity.linked_at is not None
        assert identity.customer_id == order.customer_id != before
        assert actor_at(session, "link", identity.linked_at) == f"agent:{lin}"
        agents.link(session, conversation, lin, "XE1")
        another = Customer()
        session.add(another)
        session.flush()
        order.customer_id = another.id
        session.flush()
        with pytest.raises(NotAllowed):
            agents.link(session, conversation, lin, "XE1")
        assert deeds(session) == [(f"agent:{lin}", "link")] * 2

    db.run(story)
