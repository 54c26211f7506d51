"""A message that breaks a skill is tried three times, then left to a person; others go on."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bot.answering import answerer
from bot.answering.understanding import Understanding
from bot.core.errors import Unavailable
from bot.core.messages import Author, State
from bot.dialogue.intake import TRIES, Intake
from bot.dialogue.receive import Received, Reception
from bot.dialogue.skills import Skill
from bot.dialogue.turn import Turn, Verdict
from bot.escalation import agents
from storage import live
from storage.db import Database
from storage.models.conversations import Message
from storage.models.customers import find_identity
from storage.models.inbound import Receipt
from tests.support import world
from tests.support.receiving import Chat, reception_of, understood
from tests.support.service import ROOT

POISON = "毒"
HEALTHY = reception_of(world.voice())


class BrokenError(Exception):
    """What the skill raises on purpose; its message quotes the customer."""


class Brittle:
    """A skill that breaks at some texts, `times` times each."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.times = times
        self.runs = 0
        self.error = error or BrokenError(POISON)

    def reply(self, turn: Turn) -> Verdict | None:
        if POISON not in turn.text:
            return None
        self.runs += 1
        turn.say("replies.back")  # half an effect
        turn.session.flush()
        if self.runs <= self.times:
            raise self.error
        return Verdict("survived")


def reception_with(skill: Brittle) -> Reception:
    return replace(HEALTHY, skills=(Skill("brittle", (), skill.reply), *HEALTHY.skills))


class Shop:
    """A shop with a brittle skill, and customers who write to it."""

    def __init__(self, db: Database, times: int = 10**9, error: Exception | None = None) -> None:
        self.db = db
        self.skill = Brittle(times, error)
        self.reception = reception_with(self.skill)
        self.intake = Intake(db, self.understand, self.reception)
        self._numbers = count()

    async def understand(self, text: str) -> Understanding:
        return understood(text)

    def chat(self, tongue: str = "zh") -> Chat:
        return Chat(self.db, self.reception, f"chat{next(self._numbers)}", tongue)

    async def say(self, chat: Chat, text: str) -> Received:
        return await self.intake.take(chat.inbound(text))


def quarantined() -> float:
    return REGISTRY.get_sample_value("xiaoer_quarantined_total", {"channel": "web"}) or 0


def told(messages: list[Message]) -> list[str]:
    return [one.text for one in messages if one.author == Author.BOT]


@pytest.mark.parametrize(("text", "tongue"), [(f"{POISON}药", "zh"), (f"what is {POISON}", "en")])
async def test_the_third_failure_brings_a_person(db: Database, text: str, tongue: str) -> None:
    shop, before = Shop(db), quarantined()
    chat = shop.chat(tongue)
    inbound = chat.inbound(text)
    received = await shop.intake.take(inbound)
    assert (received.repeated, received.outcome) == (False, "quarantine")
    assert shop.skill.runs == TRIES == 3
    asked, answer = await chat.messages()
    assert (asked.text, asked.verdict) == (text, {"skill": "quarantine", "outcome": "BrokenError"})
    queued = chat.phrase("handoff_queued", ahead=0)
    assert answer.text == f"{chat.phrase('quarantine')}\n\n{queued}"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "quarantine")
    assert quarantined() == before + 1

    again = await shop.intake.take(inbound)
    assert (again.seq, again.repeated) == (received.seq, True)
    assert (len(await chat.messages()), shop.skill.runs) == (2, 3)


async def test_what_fails_twice_is_answered_and_nothing_of_the_failures_stays(
    db: Database,
) -> None:
    shop = Shop(db, times=2)
    chat = shop.chat()
    assert (await shop.say(chat, POISON)).outcome == "brittle"
    assert told(await chat.messages()) == [chat.phrase("back")]
    assert (await chat.conversation()).state == State.BOT
    assert len(await chat.all(Receipt)) == 1


async def test_only_its_own_conversation_waits(db: Database) -> None:
    shop = Shop(db)
    poisoned, others = shop.chat(), [shop.chat() for _ in range(20)]
    texts = [f"{POISON}{number}" for number in range(3)]
    told_first = [shop.say(poisoned, text) for text in (*texts, "怎么退货")]
    received = await asyncio.gather(*told_first, *(shop.say(one, "怎么退货") for one in others))
    outcomes = [one.outcome for one in received]
    assert outcomes == ["quarantine"] * 3 + ["person_in_charge"] + ["faq"] * 20
    stored = [one.text for one in await poisoned.messages() if one.author == Author.CUSTOMER]
    assert stored == [*texts, "怎么退货"]
    assert len(told(await poisoned.messages())) == 1, "told once"
    for one in others:
        assert told(await one.messages()) == ["[return_policy/zh]"]


async def test_who_has_a_person_or_is_blocked_is_not_disturbed(db: Database) -> None:
    shop = Shop(db)
    served, blocked = shop.chat(), shop.chat()
    await shop.say(served, "转人工")
    await served.by_agent(agents.take)
    await shop.say(blocked, "怎么退货")
    await db.transact(lambda session: block(session, blocked))
    for chat in (served, blocked):
        before = await chat.conversation(), len(told(await chat.messages()))
        assert (await shop.say(chat, POISON)).outcome == "quarantine"
        after = await chat.conversation(), len(told(await chat.messages()))
        assert (after[0].state, after[1]) == (before[0].state, before[1])


async def test_a_database_that_cannot_serve_is_no_poison(db: Database) -> None:
    shop = Shop(db, error=OperationalError("select", {}, Exception("gone")))
    chat = shop.chat()
    with pytest.raises(Unavailable):
        await shop.say(chat, POISON)
    assert shop.skill.runs == 1
    assert await chat.all(Message) == []


async def test_what_the_engine_cannot_read_goes_to_a_person(
    db: Database,
) -> None:
    shop = Shop(db)

    async def understand(text: str) -> Understanding:
        if POISON in text:
            raise BrokenError(text)
        return understood(text)

    shop.intake = Intake(db, understand, shop.reception)
    chat = shop.chat()
    received = await asyncio.gather(shop.say(chat, POISON), shop.say(shop.chat(), "怎么退货"))
    assert [one.outcome for one in received] == ["quarantine", "faq"]
    assert (await chat.messages())[0].verdict == {"skill": "quarantine", "outcome": "BrokenError"}


async def test_one_unreadable_text_fails_alone_in_its_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def whole(_index: object, texts: list[str]) -> list[Understanding]:
        if POISON in texts:
            raise BrokenError
        return [understood(text) for text in texts]

    monkeypatch.setattr(answerer, "understand_whole", whole)
    monkeypatch.setattr(answerer.Answerer, "index", None)
    engine = answerer.Answerer(ROOT / "faq", None)
    texts = ["怎么退货", POISON, "你好"]
    found = await asyncio.gather(*map(engine.understand, texts), return_exceptions=True)
    assert [type(one) for one in found] == [Understanding, BrokenError, Understanding]
    engine.close()


async def test_pieces_that_break_a_skill_go_to_a_person(db: Database) -> None:
    """They were acknowledged long ago, and are found wrong when the rest has not come."""
    shop = Shop(db)
    chat = shop.chat()
    whole = replace(shop.reception, skills=HEALTHY.skills)
    before = Intake(db, shop.understand, whole)
    assert (await before.take(chat.inbound(POISON))).waiting == POISON
    await before.close()
    with db.live.listen(live.QUEUE) as signal:
        await shop.intake.recover()
        assert await signal.wait(10)
    assert (await chat.conversation()).state == State.WAITING
    assert shop.skill.runs == 3
    assert len(told(await chat.messages())) == 1
    assert (await chat.conversation()).fragments_due is None
    await shop.intake.close()


def block(session: Session, chat: Chat) -> None:
    identity = find_identity(session, chat.address)
    assert identity is not None
    identity.customer(session).blocked = True
