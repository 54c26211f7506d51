"""What is said is stored; where we have to push it, a delivery waits with it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from bot.core.messages import Author, Choice, Purpose, State
from bot.delivery import outbox
from storage import live
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message, messages_after
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.support import world


def opened(session: Session, channel: str, pulls: bool) -> tuple[int, int]:
    """A new chat with a conversation; returns the ids of both."""
    identity = world.chat(session, "ann", channel, pulls)
    conversation = outbox.conversation_for(session, identity)
    assert identity.id is not None
    assert conversation.id is not None
    return identity.id, conversation.id


def said(session: Session, conversation_id: int, text: str, purpose: Purpose) -> Message:
    conversation = session.get_one(Conversation, conversation_id)
    return outbox.post(session, conversation, text, purpose=purpose, choices=[Choice("是", "yes")])


@pytest.mark.parametrize("purpose", Purpose)
def test_a_pushing_channel_gets_a_queued_delivery(db: Database, purpose: Purpose) -> None:
    identity_id, conversation_id = db.run(opened, "telegram", pulls=False)
    message = db.run(said, conversation_id, "您好", purpose)
    (delivery,) = db.run(lambda session: session.exec(select(Delivery)).all())
    assert (delivery.message_id, delivery.state, delivery.attempts) == (message.id, "queued", 0)
    assert (delivery.channel, delivery.account, delivery.chat) == ("telegram", "main", "ann")
    assert delivery.purpose == purpose
    assert (message.author, message.purpose, message.text) == (Author.BOT, purpose, "您好")
    assert message.choices == [{"label": "是", "value": "yes"}]
    assert message.identity_id == identity_id


def test_web_chat_gets_none(db: Database) -> None:
    identity_id, conversation_id = db.run(opened, "web", pulls=True)
    message = db.run(said, conversation_id, "您好", Purpose.ANSWER)
    assert db.run(lambda session: session.exec(select(Delivery)).all()) == []
    assert [one.id for one in db.run(messages_after, identity_id)] == [message.id]


def test_the_agent_is_named(db: Database) -> None:
    def work(session: Session) -> tuple[Message, int | None]:
        agent = Agent(login="mei", name="Mei", password_hash="-")
        session.add(agent)
        session.flush()
        _identity_id, conversation_id = opened(session, "web", pulls=True)
        conversation = session.get_one(Conversation, conversation_id)
        message = outbox.post(
            session,
            conversation,
            "我来了",
            author=Author.AGENT,
            purpose=Purpose.AGENT,
            agent_id=agent.id,
        )
        return message, agent.id

    message, agent_id = db.run(work)
    assert (message.author, message.agent_id) == (Author.AGENT, agent_id)


def test_sockets_and_desks_hear_of_it(db: Database) -> None:
    identity_id, conversation_id = db.run(opened, "web", pulls=True)

    def work(session: Session) -> tuple[set[str], str]:
        said(session, conversation_id, "您好", Purpose.ANSWER)
        address = session.get_one(Identity, identity_id).address
        return set(live.changes(session)), live.chat(address)

    touched, chat = db.run(work)
    assert touched == {chat, live.QUEUE}


def test_a_resolved_conversation_is_not_gone_on_with(db: Database) -> None:
    identity_id, first = db.run(opened, "web", pulls=True)

    def next_one(session: Session, fresh: bool = False) -> int | None:
        identity = session.get_one(Identity, identity_id)
        return outbox.conversation_for(session, identity, fresh=fresh).id

    def resolve(session: Session) -> None:
        session.get_one(Conversation, first).state = State.RESOLVED

    assert db.run(next_one) == first
    db.run(resolve)
    second = db.run(next_one)
    assert second != first
    assert db.run(next_one) == second
    assert db.run(next_one, fresh=True) not in {first, second}


def test_ids_grow_in_the_order_of_the_commits(db: Database) -> None:
    """Readers go on from the last id that they saw: a smaller one must not come later."""
    identity_id, conversation_id = db.run(opened, "web", pulls=True)
    posted, overtaken = threading.Event(), threading.Event()

    def slow(session: Session) -> int | None:
        message = said(session, conversation_id, "slow", Purpose.TRANSACTIONAL)
        posted.set()
        assert not overtaken.wait(0.3)
        return message.id

    with ThreadPoolExecutor(1) as other:
        first = other.submit(db.run, slow)
        assert posted.wait(5)
        second = db.run(said, conversation_id, "quick", Purpose.ANSWER)
        overtaken.set()
        assert [first.result(5), second.id] == [
            one.id for one in db.run(messages_after, identity_id)
        ]
