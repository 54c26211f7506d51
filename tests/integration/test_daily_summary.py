"""The day before in figures reaches the owner once, whatever happens; on both databases."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.answering.answerer import Answerer
from bot.config import ROOT
from bot.core.clock import now
from bot.core.messages import Address, Author, State
from bot.core.roles import Role
from bot.desk.summary import Summary
from bot.insights.counting import Rules, count_some
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message
from storage.models.errands import Errand
from storage.models.feedback import Feedback
from storage.models.sla import SlaClock
from tests.support import world

MORNING = datetime(2026, 3, 5, 1, 5, tzinfo=UTC)
"""9:05 in the shop."""
NOON_BEFORE = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
FORUM = Address("telegram", "shop", "-1001")
VOICE = world.voice()


@pytest.fixture
def summary(db: Database, tmp_path: Any) -> Summary:
    answerer = Answerer(ROOT / "faq", tmp_path, VOICE.words.check)  # not loaded
    return Summary(
        db, VOICE, answerer, time(9), (FORUM,), ("wecom", "team"), "https://shop.example"
    )


def busy_day(session: Session) -> None:
    """Yesterday one customer was answered, another waited long for a person and was not happy."""
    session.add(
        Agent(login="boss", name="Boss", password_hash="!", role=Role.OWNER, wecom_id="lin")
    )
    session.add(Agent(login="mei", name="Mei", password_hash="!", wecom_id="mei"))
    session.flush()
    _visit(session, "ann", {"skill": "faq", "outcome": "answered", "entry": "return_how"})
    slow = _visit(session, "bob", {"skill": "person", "outcome": "handed over", "brought": "asked"})
    slow.state, slow.handoff_reason = State.RESOLVED, "asked"
    slow.waiting_since = NOON_BEFORE
    slow.first_response_at = slow.resolved_at = NOON_BEFORE + timedelta(minutes=45)
    assert slow.id is not None
    session.add(Feedback(conversation_id=slow.id, rating=1, asked_at=slow.resolved_at))
    session.add(
        SlaClock(
            conversation_id=slow.id, kind="first", team="t", started_at=NOON_BEFORE,
            due_at=NOON_BEFORE, breached_at=NOON_BEFORE, outcome="late",
        )
    )  # fmt: skip


def _visit(session: Session, name: str, verdict: dict[str, Any]) -> Conversation:
    identity = world.chat(session, name)
    identity.name = name
    assert identity.id is not None
    conversation = Conversation(identity_id=identity.id)
    session.add(conversation)
    session.flush()
    assert conversation.id is not None
    session.add(
        Message(
            conversation_id=conversation.id, identity_id=identity.id, author=Author.CUSTOMER,
            text="…", verdict=verdict, created_at=NOON_BEFORE,
        )
    )  # fmt: skip
    return conversation


def counted(session: Session, at: datetime) -> None:
    rules = Rules(VOICE.words.shop.zone, lambda entry: False)
    for moment in (at - timedelta(minutes=3), at - timedelta(minutes=1)):
        while count_some(session, rules, moment):
            pass


async def sent(db: Database) -> list[tuple[str, str, str]]:
    rows = await db.read(lambda session: session.exec(select(Errand).order_by(Errand.id)).all())
    return [(one.channel, one.chat, one.kind) for one in rows]


async def send(summary: Summary, at: datetime) -> bool:
    return await asyncio.to_thread(summary.send, at)


async def test_the_owner_reads_what_the_day_was_like(db: Database, summary: Summary) -> None:
    await db.transact(busy_day)
    await db.transact(counted, MORNING)
    assert await send(summary, MORNING)
    assert await sent(db) == [("telegram", "-1001", "say"), ("wecom", "lin", "notify")]
    errand = await db.read(lambda session: session.exec(select(Errand)).first())
    assert errand is not None
    assert errand.details["text"].splitlines() == [
        "早上好！3月4日的小结：",
        "💬 来访 2 次（前一天 0 次），消息 2 条",
        "🤖 店小二独立解决 50%；转到人工 1 次，结果不明 0 次",
        "⏱ 人工首次回复：中位数 45 分钟，九成在 45 分钟内",
        "⭐ 满意度 1.00 分，1 位客人评价",
        "",
        "今天值得看一看：",
        "· 1 次没有做到承诺的时间",
        "· bob等了 45 分钟",
        "· 1 个 1～2 分的评价",
        "",
        "https://shop.example/desk/numbers?days=7",
    ]


async def test_it_is_sent_once_a_day_by_however_many(db: Database, summary: Summary) -> None:
    await db.transact(busy_day)
    await db.transact(counted, MORNING)
    again = MORNING + timedelta(minutes=5)
    done = await asyncio.gather(*(send(summary, at) for at in (MORNING, again, MORNING, again)))
    assert sorted(done) == [False, False, False, True]
    assert len(await sent(db)) == 2
    tomorrow = MORNING + timedelta(days=1)
    await db.transact(counted, tomorrow)
    assert await send(summary, tomorrow)
    assert len(await sent(db)) == 4


async def test_it_comes_in_the_morning_or_not_at_all(db: Database, summary: Summary) -> None:
    await db.transact(counted, MORNING)
    for hours in (-1, 6, 14):
        assert not await send(summary, MORNING + timedelta(hours=hours))
    assert await send(summary, MORNING + timedelta(hours=3)), "made up for"


async def test_it_waits_until_the_day_is_counted(db: Database, summary: Summary) -> None:
    assert not await send(summary, MORNING)
    await db.transact(counted, MORNING - timedelta(hours=10))
    assert not await send(summary, MORNING)
    await db.transact(counted, MORNING)
    assert await send(summary, MORNING)
    errand = await db.read(lambda session: session.exec(select(Errand)).first())
    assert errand is not None
    assert errand.details["text"].startswith("早上好！3月4日很清静")
    assert errand.useful_until > now()
