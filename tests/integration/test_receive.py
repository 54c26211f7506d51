"""A customer's message takes effect: exactly once, in order, answered by the right skill."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from bot.answering.understanding import Understanding
from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.core.messages import Author, State
from bot.dialogue import skills
from bot.dialogue.intake import Intake
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.escalation import agents
from bot.feedback import survey
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.conversations import Conversation, waiting_before
from storage.models.customers import Customer, Identity
from storage.models.feedback import Feedback
from storage.models.gaps import Gap
from storage.models.inbound import Receipt
from tests.support import world
from tests.support.receiving import Chat, Faq, reception_of, understood

RETURN, FEE = "faq:return_policy", "faq:shipping_fee"


@pytest.fixture(scope="module")
def voice() -> Voice:
    return world.voice()


@pytest.fixture
def reception(voice: Voice) -> Reception:
    return reception_of(voice)


@pytest.fixture
def chat(db: Database, reception: Reception, voice: Voice) -> Chat:
    survey.register(db.bus, voice)
    return Chat(db, reception)


async def count(chat: Chat, table: Any) -> int:
    query = select(func.count(col(table.id)))
    return await chat.db.read(lambda session: session.exec(query).one())


async def understand(text: str) -> Understanding:
    await asyncio.sleep(random.random() / 1000)  # as an engine that is busy with others
    return understood(text)


# Exactly once, in order


async def test_sixty_four_first_messages_at_once(chat: Chat) -> None:
    sent = [chat.inbound(f"问题 {number}") for number in range(64)]
    received = await asyncio.gather(*map(chat.receive, sent))
    assert len({one.seq for one in received}) == 64
    assert not any(one.repeated for one in received)
    assert (await count(chat, Customer), await count(chat, Identity)) == (1, 1)
    assert await count(chat, Conversation) == 1
    stored = [one.text for one in await chat.messages() if one.author == Author.CUSTOMER]
    assert sorted(stored) == sorted(one.text for one in sent)


async def test_each_delivery_three_times_shuffled(chat: Chat, db: Database) -> None:
    """Repetitions come at any time; a chat's first deliveries come in the order of writing."""
    intake = Intake(db, understand, chat.reception)
    dice = random.Random(7)
    chats = [Chat(db, chat.reception, f"chat{number}") for number in range(20)]
    sent = {one.name: [one.inbound(f"{one.name}: {n}") for n in range(4)] for one in chats}
    queue = [one for inbounds in zip(*sent.values(), strict=True) for one in inbounds]
    first = [intake.take(inbound) for inbound in queue]
    again = queue * 2
    dice.shuffle(again)
    received = await asyncio.gather(*first, *map(intake.take, again))

    assert [one.repeated for one in received] == [False] * 80 + [True] * 160
    seqs = {inbound.external_id: one.seq for inbound, one in zip(queue, received[:80], strict=True)}
    assert [one.seq for one in received[80:]] == [seqs[inbound.external_id] for inbound in again]
    for one in chats:
        stored = [m.text for m in await one.messages() if m.author == Author.CUSTOMER]
        assert stored == [inbound.text for inbound in sent[one.name]]
    assert await count(chat, Receipt) == 80


async def test_the_same_delivery_has_the_same_seq_and_no_second_answer(chat: Chat) -> None:
    inbound = chat.inbound("怎么退货")
    first, second = await chat.receive(inbound), await chat.receive(inbound)
    assert (first.seq, first.repeated) == (second.seq, False)
    assert second.repeated
    assert [one.text for one in await chat.messages()] == ["怎么退货", "[return_policy/zh]"]


async def test_what_fails_leaves_nothing_and_may_come_again(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbound = chat.inbound("怎么退货")
    with monkeypatch.context() as broken:
        broken.setattr(Faq, "entry", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await chat.receive(inbound)
    assert (await count(chat, Receipt), await count(chat, Identity)) == (0, 0)
    assert not (await chat.receive(inbound)).repeated


# Answers


async def test_answers_in_the_language_of_the_question(chat: Chat) -> None:
    assert await chat.say("How do I return this") == "faq"
    assert (await chat.last()).text == "[return_policy/en]"
    assert await chat.say("怎么退货") == "faq"
    assert (await chat.last()).text == "[return_policy/zh]"
    await chat.say("🙂")
    assert (await chat.last()).text == chat.phrase("wordless")


async def test_the_verdict_says_why(chat: Chat) -> None:
    await chat.say("怎么退货")
    question, answer = await chat.messages()
    assert question.verdict == {
        "skill": "faq",
        "outcome": "answered",
        "confidence": 0.9,
        "entry": "return_policy",
        "title": "如何退货",
    }
    assert answer.verdict is None


@pytest.mark.parametrize("text", ["😀", "😭😭😭", "？？？", "👨‍👩‍👧", "..."])
async def test_messages_without_a_word_are_no_miss(chat: Chat, text: str) -> None:
    for _ in range(3):
        assert await chat.say(text) == "wordless"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.misses) == (State.BOT, 0)
    assert await count(chat, Gap) == 0


async def test_a_blocked_customer_is_stored_and_not_answered(chat: Chat) -> None:
    await chat.say("你好")

    def block(session: Session) -> None:
        session.exec(select(Customer)).one().blocked = True

    await chat.db.transact(block)
    before = len(await chat.messages())
    assert await chat.say("转人工") == "blocked"
    assert [one.text for one in (await chat.messages())[before:]] == ["转人工"]
    assert (await chat.conversation()).state == State.BOT


@pytest.mark.parametrize("text", ["退订", "TD", "STOP", "unsubscribe", "不要再给我发消息了！"])
async def test_stop_is_kept_for_good(chat: Chat, text: str) -> None:
    inbound = chat.inbound(text)
    assert (await chat.receive(inbound)).outcome == "opt_out"
    assert await chat.say(text) == "opt_out"
    customer = (await chat.all(Customer))[0]
    assert customer.opted_out_at == inbound.at
    assert await chat.say("怎么退货") == "faq"


async def test_stop_is_taken_while_a_person_is_in_charge(chat: Chat) -> None:
    await chat.say("转人工")
    assert await chat.say("退订") == "opt_out"
    assert (await chat.conversation()).state == State.WAITING


# Asking back


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ({"choice": RETURN}, "[return_policy/zh]"),
        ({"choice": FEE}, "[shipping_fee/zh]"),
        ({"text": "2"}, "[return_policy/zh]"),
        ({"text": " １ "}, "[shipping_fee/zh]"),
        ({"text": "第2个"}, "[return_policy/zh]"),
        ({"text": "2."}, "[return_policy/zh]"),
        ({"text": "如何退货"}, "[return_policy/zh]"),
        ({"text": "運費多少"}, "[shipping_fee/zh]"),
    ],
)
async def test_asked_back_and_chosen(chat: Chat, reply: dict[str, str], answer: str) -> None:
    assert await chat.say("运费？") == "faq"
    asked = await chat.last()
    assert asked.text == chat.phrase("ask_back")
    assert [one["value"] for one in asked.choices] == [FEE, RETURN, "person"]
    assert await chat.say(**reply) == "faq"
    assert (await chat.last()).text == answer


@pytest.mark.parametrize("reply", ["3", "都不是，转人工", "person"])
async def test_asked_back_and_none_of_them(chat: Chat, reply: str) -> None:
    await chat.say("运费？")
    answered = await (chat.press(reply) if reply == "person" else chat.say(reply))
    assert answered == "person"
    assert (await chat.conversation()).state == State.WAITING


async def test_none_of_them_in_english(chat: Chat) -> None:
    await chat.say("the fee?")
    assert await chat.say("none of these, get me a person") == "person"


async def test_a_number_without_a_question_is_just_a_number(chat: Chat) -> None:
    await chat.say("运费？")
    await chat.say("怎么退货")
    assert await chat.say("2") == "miss"


async def test_a_pressed_button_shows_as_its_label(chat: Chat) -> None:
    await chat.say("运费？")
    await chat.press(RETURN)
    assert [one.text for one in await chat.messages()][2] == "如何退货"


@pytest.mark.parametrize("value", ["faq:gone", "order:", "rating:9", "bot", "';--", "rating:3"])
async def test_an_unknown_button_is_harmless(chat: Chat, value: str) -> None:
    await chat.say("你好")
    for _ in range(3):
        await chat.press(value)
    conversation = await chat.conversation()
    assert (conversation.state, conversation.misses) == (State.BOT, 0)
    assert await count(chat, Gap) == 0
    assert (await chat.last()).author == Author.BOT
    assert await chat.say("怎么退货") == "faq"


# People


@pytest.mark.parametrize("text", ["转人工", "a human please"])
async def test_who_asks_for_a_person_gets_one(chat: Chat, text: str) -> None:
    assert await chat.say(text) == "person"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "asked")
    assert [one["value"] for one in (await chat.last()).choices] == ["bot"]


async def test_the_place_in_the_queue(chat: Chat) -> None:
    for number, name in enumerate(["first", "second", "third"]):
        one = Chat(chat.db, chat.reception, name)
        await one.say("转人工")
        assert (await one.last()).text == chat.phrase("handoff_queued", ahead=number)


async def test_the_place_of_those_who_came_at_the_same_moment(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = now()
    monkeypatch.setattr("bot.escalation.handoff.now", lambda: moment)
    await test_the_place_in_the_queue(chat)
    waiting = await chat.all(Conversation)
    assert [await chat.db.read(waiting_before, one) for one in waiting] == [0, 1, 2]


async def test_two_misses_in_a_row_bring_a_person(chat: Chat) -> None:
    assert await chat.say("天书一？") == "miss"
    assert await chat.say("怎么退货") == "faq"
    assert await chat.say("天书二？") == "miss"
    assert (await chat.conversation()).state == State.BOT
    assert await chat.say("天书三？") == "miss"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "misses")
    assert (await chat.last()).text.startswith(chat.phrase("miss_again"))
    gaps = [(gap.text, gap.reason) for gap in await chat.all(Gap)]
    assert gaps == [("天书一？", "miss"), ("天书二？", "miss"), ("天书三？", "handoff")]


async def test_misses_at_the_same_moment_are_all_counted(chat: Chat) -> None:
    await chat.say("你好")
    await asyncio.gather(*(chat.say(f"天书{number}") for number in range(8)))
    assert [gap.reason for gap in await chat.all(Gap)] == ["miss", "handoff"]
    texts = [one.text for one in await chat.messages() if one.author == Author.BOT]
    assert len(texts) == 3


async def test_an_entry_may_bring_a_person(chat: Chat) -> None:
    assert await chat.say("收到的是坏的") == "faq"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "entry:damaged")
    assert (await chat.last()).text.startswith("[damaged/zh]\n\n")


async def test_the_bot_is_silent_while_a_person_is_in_charge(chat: Chat) -> None:
    await chat.say("转人工")
    before = len(await chat.messages())
    assert await chat.say("怎么退货") == "person_in_charge"
    await chat.by_agent(agents.reply, "您好，我是小美")
    assert await chat.say("转人工") == "person_in_charge"
    assert await chat.press("bot") == "person_in_charge"
    authors = [one.author for one in (await chat.messages())[before:]]
    assert authors == [Author.CUSTOMER, Author.AGENT, Author.CUSTOMER, Author.CUSTOMER]
    assert (await chat.conversation()).state == State.OPEN


@pytest.mark.parametrize("typed", [False, True])
async def test_back_to_the_bot(chat: Chat, typed: bool) -> None:
    await chat.say("天书一？")
    await chat.say("天书二？")
    label = (await chat.last()).choices[0]["label"]
    assert await (chat.say(label) if typed else chat.press("bot")) == "person_in_charge"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.misses) == (State.BOT, 0)
    assert (await chat.last()).text == chat.phrase("left_queue")
    assert await chat.say("怎么退货") == "faq"


async def test_who_leaves_the_queue_is_told_and_can_come_back(chat: Chat) -> None:
    await chat.say("转人工")
    await chat.say("算了")
    assert (await chat.conversation()).state == State.BOT
    again = (await chat.last()).choices[0]
    assert again["value"] == "person"
    await chat.say(again["label"])
    assert (await chat.conversation()).state == State.WAITING


@pytest.mark.parametrize("words", [["骗子 我要投诉你们"], ["转人工！！！", "骗子"], ["洗完痒"]])
async def test_who_complained_and_sighs_keeps_the_place(chat: Chat, words: list[str]) -> None:
    for text in [*words, "算了"]:
        await chat.say(text)
    assert (await chat.conversation()).state == State.WAITING
    assert (await chat.last()).text == chat.phrase("place_kept", ahead=0)
    before = len(await chat.messages())
    await chat.say("算了")
    assert len(await chat.messages()) == before + 1, "said once"
    await chat.say("不等了")
    assert (await chat.conversation()).state == State.BOT, "clear words are heard"


@pytest.mark.parametrize("text", ["human", "人呢", "转人工！！！", "u r useless"])
async def test_the_impatient_hear_their_place_but_not_every_time(chat: Chat, text: str) -> None:
    await chat.say("转人工")
    await chat.say(text)
    assert (await chat.last()).author == Author.BOT
    await chat.say(text)
    assert (await chat.last()).author == Author.CUSTOMER


async def test_several_questions_are_answered_in_order(chat: Chat) -> None:
    def read(*texts: str) -> Understanding:
        whole = understood("?".join(texts))
        return replace(whole, apart=tuple(understood(one) for one in texts))

    async def ask(*texts: str) -> str:
        read_as = read(*texts)
        inbound = chat.inbound(read_as.text)
        await chat.db.transact(chat.reception.receive, inbound, read_as)
        return (await chat.last()).text

    said = await ask("怎么退货", "运费多少钱")
    assert said.index("[return_policy/zh]") < said.index("[shipping_fee/zh]")
    said = await ask("运费多少钱", "天书", "怎么退货", "你好")
    assert said.endswith(chat.phrase("several_rest")), "what is not clear is said to be so"
    assert "[return_policy/zh]" in said
    assert "[hello/zh]" not in said
    assert await ask("怎么退货", "收到的是坏的") == chat.phrase("miss"), "a person's: as a whole"


async def test_noise_is_no_miss(chat: Chat) -> None:
    for text in ("1", "[微笑]", "123", "[捂脸]"):
        await chat.say(text)
    conversation = await chat.conversation()
    assert (conversation.state, conversation.misses) == (State.BOT, 0)
    assert await count(chat, Gap) == 0


async def test_other_languages_are_told_which_are_spoken(chat: Chat) -> None:
    assert await chat.say("¿dónde está mi pedido?") == "foreign"
    values = [one["value"] for one in (await chat.last()).choices]
    assert values == ["language:zh", "language:en", "person"]


# The rating


async def resolved(chat: Chat) -> Conversation:
    await chat.say("转人工")
    await chat.by_agent(agents.reply, "好了")
    await chat.by_agent(agents.resolve)
    return await chat.conversation()


async def test_a_resolve_asks_for_a_rating_once(chat: Chat) -> None:
    await resolved(chat)
    with pytest.raises(NotAllowed):
        await chat.by_agent(agents.resolve)
    texts = [one.text for one in await chat.messages()]
    assert texts.count(chat.phrase("survey_ask")) == 1
    assert await count(chat, Feedback) == 1
    assert [one["value"] for one in (await chat.last()).choices] == [
        f"rating:{stars}" for stars in (5, 4, 3, 2, 1)
    ]


@pytest.mark.parametrize(
    ("reply", "rating"),
    [
        ({"text": "5"}, 5),
        ({"text": "四星"}, 4),
        ({"choice": "rating:3"}, 3),
        ({"text": "★★"}, 2),
        ({"text": "不满意"}, 2),
    ],
)
async def test_a_rating_and_a_word(chat: Chat, reply: dict[str, str], rating: int) -> None:
    conversation = await resolved(chat)
    assert await chat.say(**reply) == "survey"
    assert (await chat.last()).text == chat.phrase("survey_word", rating=rating)
    assert await chat.say("小美很耐心，谢谢") == "survey"
    assert (await chat.last()).text == chat.phrase("survey_thanks")
    feedback = (await chat.all(Feedback))[0]
    assert (feedback.rating, feedback.comment) == (rating, "小美很耐心，谢谢")
    assert (feedback.conversation_id, feedback.agent_id) == (conversation.id, chat.agent)
    assert await count(chat, Conversation) == 1
    assert await chat.say("怎么退货") == "faq"
    assert await count(chat, Conversation) == 2


async def test_a_question_instead_of_a_rating(chat: Chat) -> None:
    old = await resolved(chat)
    assert await chat.say("怎么退货") == "faq"
    new = await chat.conversation()
    assert new.id != old.id
    assert new.state == State.BOT
    assert (await chat.all(Feedback))[0].rating is None


@pytest.mark.parametrize("text", ["怎么退货", "转人工"])
async def test_a_wish_instead_of_a_word(chat: Chat, text: str) -> None:
    await resolved(chat)
    await chat.say("5")
    assert await chat.say(text) in {"faq", "person"}
    assert await count(chat, Conversation) == 2
    feedback = (await chat.all(Feedback))[0]
    assert (feedback.rating, feedback.comment) == (5, "")


async def test_the_bot_is_back_after_a_resolve(chat: Chat) -> None:
    await resolved(chat)
    assert await chat.say("转人工") == "person"
    assert (await chat.conversation()).state == State.WAITING


async def test_a_rating_after_a_day_starts_anew(chat: Chat) -> None:
    old = await resolved(chat)
    late = now() + timedelta(days=1, minutes=1)
    await chat.say("5", at=late)
    assert (await chat.conversation()).id != old.id
    assert (await chat.all(Feedback))[0].rating is None


# A new skill

SKILL = '''"""Says the time."""

from bot.dialogue.turn import Turn, Verdict

AFTER = ("person",)


def reply(turn: Turn) -> Verdict | None:
    if turn.text != "几点了？":
        return None
    turn.tell("早着呢")
    return Verdict("told the time")
'''


async def test_a_skill_is_one_new_file(
    chat: Chat, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clock_skill.py").write_text(SKILL, encoding="utf-8")
    monkeypatch.setattr(skills, "__path__", [*skills.__path__, str(tmp_path)])
    found = skills.discover(skills.__path__)
    assert {one.name for one in found} - {one.name for one in chat.reception.skills} == {
        "clock_skill"
    }
    extended = Chat(chat.db, Reception(House(voice, Faq()), found), "bob")
    assert await chat.say("几点了？") == "miss"
    assert await extended.say("几点了？") == "clock_skill"
    assert (await extended.last()).text == "早着呢"
    assert await extended.say("怎么退货") == "faq"


def test_skills_are_asked_in_the_order_they_declare() -> None:
    names = [one.name for one in skills.discover()]
    assert names[-1] == "miss"
    for one in skills.discover():
        for earlier in set(one.after) - {skills.LAST}:
            assert names.index(earlier) < names.index(one.name)


def test_a_skill_after_one_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = SKILL.replace('"person"', '"nobody"')
    (tmp_path / "lost_skill.py").write_text(lost, encoding="utf-8")
    monkeypatch.setattr(skills, "__path__", [*skills.__path__, str(tmp_path)])
    with pytest.raises(LookupError, match=r"lost_skill comes after \['nobody'\]"):
        skills.discover(skills.__path__)
