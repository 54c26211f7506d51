"""What agents keep: ready answers, tags, things to remember, what is put off or to be done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import Bus, CustomerAsked, emit
from bot.core.messages import Author, Progress, State
from bot.core.roles import Role
from bot.customers.linking import join
from bot.delivery import outbox
from bot.desk.accounts import new_agent
from bot.desk.screen import snoozed_until
from bot.escalation import agents, canned, follow_ups, remarks, second_look
from bot.escalation.handoff import hand_over
from bot.escalation.teams import Teams
from bot.feedback import survey
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery
from storage.models.gaps import Gap
from storage.models.remarks import FollowUp, notes_about, open_follow_ups, tags_of
from tests.support import world

VOICE = world.voice()


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    bus = Bus()
    survey.register(bus, VOICE)
    remarks.register(bus)
    follow_ups.register(bus, Teams())
    database = Database(database_url, bus)
    yield database
    database.close()


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    with Session(db.engine) as session:
        session.info["bus"] = db.bus
        yield session


@pytest.fixture
def lin(session: Session) -> int:
    row = Agent(login="lin", name="Lin", password_hash="-")
    session.add(row)
    session.flush()
    return row.id or 0


@pytest.fixture
def waiting(session: Session) -> Conversation:
    """Somebody who waits for a person."""
    identity = world.chat(session, "visitor")
    conversation = outbox.conversation_for(session, identity)
    conversation.language = "zh"
    hand_over(session, conversation, "asked")
    return conversation


def says(session: Session, conversation: Conversation, text: str, author: str = "customer") -> int:
    message = Message(
        conversation_id=conversation.id or 0,
        identity_id=conversation.identity_id,
        author=author,
        text=text,
    )
    session.add(message)
    session.flush()
    return message.id or 0


def names(session: Session, conversation: Conversation, lin: int) -> list[str]:
    found = canned.ready(session, VOICE, conversation, session.get_one(Agent, lin))
    return [one.name for one in found]


def text_of(session: Session, conversation: Conversation, lin: int, name: str) -> str:
    found = canned.ready(session, VOICE, conversation, session.get_one(Agent, lin))
    return next(one.text for one in found if one.name == name)


def test_an_agents_answer_in_the_customers_language_comes_before_others(
    session: Session, lin: int, waiting: Conversation
) -> None:
    from_file = text_of(session, waiting, lin, "hello")
    canned.write(session, lin, VOICE, "Hello", "", "Hi {{ customer.name }}, {{ agent.name }} here")
    assert text_of(session, waiting, lin, "hello") == "Hi , Lin here"
    canned.write(session, lin, VOICE, "hello", "zh", "您好，我是{{ agent.name }}")
    assert text_of(session, waiting, lin, "hello") == "您好，我是Lin"
    waiting.language = "en"
    assert text_of(session, waiting, lin, "hello") == "Hi , Lin here"
    for row in canned.canned.canned_replies(session):
        canned.delete(session, lin, row.id or 0)
    waiting.language = "zh"
    assert text_of(session, waiting, lin, "hello") == from_file


def test_what_shows_an_order_is_offered_to_those_who_have_one(
    session: Session, lin: int, waiting: Conversation
) -> None:
    canned.write(session, lin, VOICE, "on-its-way", "", "{{ order.number }}: {{ parcel.carrier }}")
    assert "on-its-way" not in names(session, waiting, lin)
    order = world.told(session, "order.shipped", "XE1", carrier="SF", tracking_number="SF1")
    customer = session.get_one(Customer, order.customer_id)
    join(session, session.get_one(Identity, waiting.identity_id), customer, now())
    assert text_of(session, waiting, lin, "on-its-way") == "XE1: SF"


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("", "", "hi"),
        ("with space", "", "hi"),
        ("x" * 33, "", "hi"),
        ("ok", "fr", "salut"),
        ("ok", "", "   "),
        ("ok", "", "x" * 4001),
        ("ok", "", "{{ customer.password }}"),
        ("ok", "", "{% for x in order %}{% endfor %}"),
        ("ok", "", "{{ agent.__class__ }}"),
    ],
)
def test_a_bad_answer_is_refused_and_says_why(
    session: Session, lin: int, name: str, language: str, text: str
) -> None:
    with pytest.raises(NotAllowed):
        canned.write(session, lin, VOICE, name, language, text)
    assert canned.canned.canned_replies(session) == []


def test_a_macro_tags_and_resolves(session: Session, lin: int, waiting: Conversation) -> None:
    number = waiting.id or 0
    macro = canned.write(session, lin, VOICE, "bye", "", "Bye!", ["退货", "退货"], resolves=True)
    agents.reply(session, number, lin, "Bye!")
    canned.sent(session, number, lin, macro.id or 0)
    assert waiting.state == State.RESOLVED
    assert tags_of(session, [number]) == {number: ["退货"]}
    canned.sent(session, number, lin, 999)  # deleted meanwhile: nothing happens


def test_tags_come_and_go(session: Session, lin: int, waiting: Conversation) -> None:
    number = waiting.id or 0
    for tag in ("  退货  ", "VIP", "退货"):
        remarks.tag(session, number, lin, tag)
    assert tags_of(session, [number]) == {number: ["退货", "VIP"]}
    remarks.untag(session, number, lin, "退货")
    remarks.untag(session, number, lin, "never there")
    assert tags_of(session, [number]) == {number: ["VIP"]}
    for bad in ("", "x" * 31):
        with pytest.raises(NotAllowed):
            remarks.tag(session, number, lin, bad)


def test_what_a_customer_said_is_remembered_and_forgotten(
    session: Session, lin: int, waiting: Conversation
) -> None:
    number = waiting.id or 0
    said = says(session, waiting, "我对羊毛过敏")
    bots = says(session, waiting, "好的", Author.BOT)
    kept = remarks.remember_message(session, number, lin, said)
    identity = session.get_one(Identity, waiting.identity_id)
    assert [one.text for one in notes_about(session, identity.customer_id)] == ["我对羊毛过敏"]
    with pytest.raises(NotFound):
        remarks.remember_message(session, number, lin, bots)
    other = outbox.conversation_for(session, world.chat(session, "other"))
    for wrong in (said, bots):
        with pytest.raises(NotFound):
            remarks.remember_message(session, other.id or 0, lin, wrong)
    with pytest.raises(NotFound):
        remarks.forget(session, other.id or 0, lin, kept.id or 0)
    remarks.forget(session, number, lin, kept.id or 0)
    assert notes_about(session, identity.customer_id) == []


def test_what_was_remembered_of_a_stranger_stays_with_who_they_turn_out_to_be(
    session: Session, lin: int, waiting: Conversation
) -> None:
    remarks.remember(session, waiting.id or 0, lin, "likes blue")
    order = world.told(session, "order.paid", "XE1")
    customer = session.get_one(Customer, order.customer_id)
    join(session, session.get_one(Identity, waiting.identity_id), customer, now())
    assert [one.text for one in notes_about(session, customer.id or 0)] == ["likes blue"]


def test_what_is_put_off_comes_back_when_the_customer_asks(
    session: Session, lin: int, waiting: Conversation
) -> None:
    number, until = waiting.id or 0, now() + timedelta(hours=1)
    with pytest.raises(NotAllowed):
        remarks.snooze(session, number, lin, until)
    agents.take(session, number, lin)
    remarks.snooze(session, number, lin, until)
    assert waiting.snoozed_until == until
    emit(session, CustomerAsked(number))
    assert waiting.snoozed_until is None
    with pytest.raises(NotAllowed):
        remarks.snooze(session, number, lin, now() - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("kind", "at", "until"),
    [
        ("hour", (6, 23, 30), (7, 0, 30)),
        ("evening", (6, 17, 59), (6, 18, 0)),
        ("evening", (6, 18, 0), (7, 18, 0)),
        ("tomorrow", (6, 8, 0), (7, 9, 0)),
        ("monday", (6, 8, 0), (9, 9, 0)),  # 6 March 2026 is a Friday
        ("monday", (9, 8, 0), (16, 9, 0)),
    ],
)
def test_until_when_something_is_put_off(
    kind: str, at: tuple[int, int, int], until: tuple[int, int, int]
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    moment = datetime(2026, 3, *at, tzinfo=zone)
    assert snoozed_until(kind, moment) == datetime(2026, 3, *until, tzinfo=zone)


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("@amy can you look?", ["amy"]),
        ("ask @Amy Pond, or @AMY", ["amy"]),
        ("@小满帮看一下，@amy 也看看", ["amy", "man"]),
        ("请@amy，急", ["amy"]),
        ("@amybeth, and mail me@amy.example", []),
        ("@lin, @gone and amy", []),
    ],
)
def test_who_is_named_in_a_note_finds_it_to_do(
    session: Session, lin: int, waiting: Conversation, note: str, named: list[str]
) -> None:
    for login, name, active in (
        ("amy", "Amy Pond", True),
        ("man", "小满", True),
        ("gone", "", False),
    ):
        new_agent(session, login, name, "", Role.AGENT).active = active
    session.flush()
    agents.note(session, waiting.id or 0, lin, note)
    agents.note(session, waiting.id or 0, lin, note)
    found = [one for one, *_ in open_follow_ups(session, 9)]
    logins = [session.get_one(Agent, one.agent_id).login for one in found]
    assert sorted(logins) == named
    assert not any(follow_ups.is_for(one, lin) for one in found)
    assert all(follow_ups.is_for(one, one.agent_id) for one in found)


@pytest.mark.parametrize(("rating", "count"), [(1, 1), (2, 1), (3, 0), (5, 0)])
def test_a_low_rating_is_followed_up_once(
    session: Session, lin: int, waiting: Conversation, rating: int, count: int
) -> None:
    agents.resolve(session, waiting.id or 0, lin)
    survey.rate(session, waiting, rating)
    survey.rate(session, waiting, rating)
    found = open_follow_ups(session, 9)
    assert [(one.kind, one.agent_id) for one, *_ in found] == [("low_rating", lin)] * count
    for one, *_ in found:
        assert now() < one.due_at <= now() + timedelta(days=1)
        follow_ups.done(session, one.id or 0, lin)
        follow_ups.done(session, one.id or 0, lin)
    assert open_follow_ups(session, 9) == []
    with pytest.raises(NotFound):
        follow_ups.done(session, 999, lin)


def test_it_is_due_in_working_time(session: Session, lin: int, waiting: Conversation) -> None:
    from bot.config import Team as Settings
    from bot.escalation.team import Team

    day = ["09:00-17:00"]
    team = Team.of(Settings(name="t", mon=day, fri=day), VOICE.words.shop)  # type: ignore[arg-type]
    friday = datetime(2026, 3, 6, 8, 0, tzinfo=UTC)  # four in the afternoon in Shanghai
    due = follow_ups.due(team, friday)
    assert due == datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def test_an_answer_that_was_wrong_becomes_a_gap(
    session: Session, lin: int, waiting: Conversation
) -> None:
    number = waiting.id or 0
    asked = says(session, waiting, "能开发票吗")
    session.get_one(Message, asked).verdict = {"skill": "faq", "entry": "shipping_time"}
    answer = says(session, waiting, "三天内发货", Author.BOT)
    second_look.was_wrong(session, number, lin, answer)
    gap = session.exec(select(Gap)).one()
    assert (gap.text, gap.reason, gap.entry) == ("能开发票吗", "wrong", "shipping_time")
    with pytest.raises(NotFound):
        second_look.was_wrong(session, number, lin, asked)
    with pytest.raises(NotFound):
        second_look.was_wrong(session, number + 1, lin, answer)


def test_what_did_not_arrive_goes_once_more(session: Session, lin: int) -> None:
    identity = world.chat(session, "t", channel="telegram", pulls=False)
    conversation = outbox.conversation_for(session, identity)
    message = agents.reply(session, conversation.id or 0, lin, "hello")
    with pytest.raises(NotAllowed):
        second_look.send_again(session, conversation.id or 0, lin, message.id)
    delivery = session.exec(select(Delivery).where(col(Delivery.message_id) == message.id)).one()
    delivery.state = Progress.UNCERTAIN
    session.flush()
    second_look.send_again(session, conversation.id or 0, lin, message.id)
    session.refresh(delivery)
    assert delivery.state == Progress.QUEUED
    assert session.exec(select(FollowUp)).all() == []
