"""People first: despair, danger, fraud, secrets, anger, waiting, and small words in a chat."""

from datetime import timedelta

import pytest

from bot.core.clock import now
from bot.core.messages import State
from bot.escalation import agents
from storage.models.conversations import Conversation
from storage.models.gaps import Gap
from tests.integration.test_receive import (  # noqa: F401
    FEE,
    RETURN,
    Chat,
    chat,
    count,
    reception,
    voice,
)

ALARMS = [
    ("不想活了", "crisis", "12356"),
    ("i want to kill myself", "crisis", "emergency"),
    ("充电器冒烟了", "danger", "120"),
    ("it gave me an electric shock", "danger", "unplug"),
    ("短信说我快递丢了要理赔", "fraud", "验证码"),
    ("someone called claiming to be you and wants my card", "fraud", "scam"),
]


@pytest.mark.parametrize(("text", "reason", "word"), ALARMS)
async def test_an_alarm_brings_a_person(chat: Chat, text: str, reason: str, word: str) -> None:  # noqa: F811
    assert await chat.say(text) == "safety"
    assert word in (await chat.last()).text
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, reason)
    assert await chat.say(text) == "person_in_charge", "said once"
    assert len(await chat.messages()) == 3


async def test_grave_words_come_again_after_a_while(chat: Chat) -> None:  # noqa: F811
    await chat.say("不想活了")
    later = now() + timedelta(minutes=11)
    assert await chat.say("我真的不想活了", at=later) == "safety"
    assert "12356" in (await chat.last()).text


async def test_who_went_back_to_the_bot_gets_a_person_again(chat: Chat) -> None:  # noqa: F811
    await chat.say("不想活了")
    await chat.press("bot")
    assert await chat.say("不想活了") == "safety"
    assert (await chat.conversation()).state == State.WAITING
    assert "12356" not in (await chat.last()).text


@pytest.mark.parametrize("text", ["不想活了", "手机炸了"])
async def test_an_alarm_while_a_person_is_in_charge(chat: Chat, text: str) -> None:  # noqa: F811
    await chat.say("转人工")
    waiting = await chat.conversation()
    await chat.by_agent(agents.reply, "您好")
    assert await chat.say(text) == "safety"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.id) == (State.OPEN, waiting.id)
    assert conversation.handoff_reason == "asked"


async def test_an_alarm_while_a_person_is_awaited_is_the_new_reason(chat: Chat) -> None:  # noqa: F811
    await chat.say("转人工")
    assert await chat.say("孩子吞了电池") == "safety"
    assert (await chat.conversation()).handoff_reason == "danger"


async def test_an_alarm_instead_of_a_word_about_the_rating(chat: Chat) -> None:  # noqa: F811
    await chat.say("转人工")
    await chat.by_agent(agents.reply, "好了")
    await chat.by_agent(agents.resolve)
    await chat.say("5")
    assert await chat.say("不想活了") == "safety"
    assert (await chat.conversation()).state == State.WAITING
    assert await count(chat, Conversation) == 2


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("我的卡号4111111111111111", "我的卡号************1111"),
        ("验证码 834512", "验证码 ******"),
        ("my id is 11010119900307888X", "my id is **************888X"),
    ],
)
@pytest.mark.parametrize("waiting", [False, True])
async def test_a_secret_is_masked(chat: Chat, text: str, stored: str, waiting: bool) -> None:  # noqa: F811
    if waiting:
        await chat.say("转人工")
    assert await chat.say(text) == "safety"
    question, answer = (await chat.messages())[-2:]
    assert question.text == stored
    assert not any(character in answer.text for character in "8*")
    state = State.WAITING if waiting else State.BOT
    assert (await chat.conversation()).state == state
    assert await count(chat, Gap) == 0


async def test_a_secret_within_an_alarm_is_masked_too(chat: Chat) -> None:  # noqa: F811
    assert await chat.say("有人打电话说要我转账到4111111111111111") == "safety"
    assert (await chat.messages())[0].text == "有人打电话说要我转账到************1111"
    assert (await chat.conversation()).handoff_reason == "fraud"


@pytest.mark.parametrize("text", ["垃圾店", "退錢！！！", "worst shop ever", "怎么投诉商品质量？"])
async def test_anger_brings_a_person(chat: Chat, text: str) -> None:  # noqa: F811
    assert await chat.say(text) == "upset"
    conversation = await chat.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "complaint")
    said = (await chat.last()).text
    assert ("sorry" in said) != ("抱歉" in said)
    assert await chat.say(text) == "person_in_charge"


@pytest.mark.parametrize(
    ("text", "key"), [("你好蠢", "teased"), ("😡😡", "angry_face"), ("🤬！！", "angry_face")]
)
async def test_milder_words_are_met_calmly(chat: Chat, text: str, key: str) -> None:  # noqa: F811
    assert await chat.say(text) == "upset"
    answer = await chat.last()
    assert answer.text == chat.phrase(key)
    assert [one["value"] for one in answer.choices] == ["person"]
    assert (await chat.conversation()).state == State.BOT


@pytest.mark.parametrize("text", ["算了不等了", "不用了你先回答我", "nvm", "機器人回來"])
async def test_back_to_the_bot_in_words(chat: Chat, text: str) -> None:  # noqa: F811
    await chat.say("转人工")
    assert await chat.say(text) == "person_in_charge"
    assert (await chat.conversation()).state == State.BOT
    assert await chat.say("怎么退货") == "faq"


async def test_the_wait_is_told_once_a_minute(chat: Chat) -> None:  # noqa: F811
    await Chat(chat.db, chat.reception, "first").say("转人工")
    await chat.say("转人工")
    for text, told in [("还要等多久", True), ("人呢", False), ("我的订单还没到", False)]:
        before = len(await chat.messages())
        assert await chat.say(text) == "person_in_charge"
        assert len(await chat.messages()) - before == 1 + told
    assert await chat.say("有人吗", at=now() + timedelta(seconds=61)) == "person_in_charge"
    last = await chat.last()
    assert last.text == chat.phrase("still_waiting", ahead=1)
    assert [one["value"] for one in last.choices] == ["bot"]


async def test_an_open_conversation_is_the_agents_alone(chat: Chat) -> None:  # noqa: F811
    await chat.say("转人工")
    await chat.by_agent(agents.reply, "您好")
    before = len(await chat.messages())
    for text in ["不等了", "还要等多久", "垃圾店", "english please", "好的"]:
        assert await chat.say(text) == "person_in_charge"
    assert len(await chat.messages()) - before == 5
    assert (await chat.conversation()).state == State.OPEN


async def test_the_language_that_was_asked_for_stays(chat: Chat) -> None:  # noqa: F811
    await chat.say("怎么退货")
    assert await chat.say("can u reply in english") == "language"
    assert (await chat.last()).text.startswith("Of course")
    await chat.say("🙂")
    assert (await chat.last()).text.startswith("Hello!")
    assert await chat.say("說中文可以嗎") == "language"
    assert (await chat.last()).text == chat.phrase("speaks")
    await chat.say("ok")
    assert (await chat.last()).text == chat.phrase("acknowledged")
    assert (await chat.conversation()).language == "zh"


@pytest.mark.parametrize("text", ["好的", "嗯嗯", "哈哈", "👍"])
async def test_an_acknowledgement_is_answered_once(chat: Chat, text: str) -> None:  # noqa: F811
    await chat.say("怎么退货")
    assert await chat.say(text) == "acknowledge"
    assert (await chat.last()).text == chat.phrase("acknowledged")
    before = len(await chat.messages())
    for _ in range(3):
        assert await chat.say(text) == "acknowledge"
    assert len(await chat.messages()) - before == 3
    await chat.say("怎么退货")
    assert await chat.say(text) == "acknowledge"
    assert (await chat.last()).text == chat.phrase("acknowledged")
    assert await count(chat, Gap) == 0


@pytest.mark.parametrize(
    ("text", "skill", "answer"),
    [
        ("第一个", "faq", FEE),
        ("第二個", "faq", RETURN),
        ("最后一个", "faq", RETURN),
        ("option 2", "faq", RETURN),
        ("都不对", "person", "person"),
        ("none of them", "person", "person"),
    ],
)
async def test_a_choice_in_words(chat: Chat, text: str, skill: str, answer: str) -> None:  # noqa: F811
    await chat.say("运费？")
    assert await chat.say(text) == skill
    if answer != "person":
        assert answer.removeprefix("faq:") in (await chat.last()).text
