"""The agents' forum: from the customer's question to the rating, and what may go wrong between."""

from itertools import count
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.doubles.telegram import TelegramDouble
from tests.integration.test_story import order_event
from tests.support.chat import Chat
from tests.support.forum import COLLEAGUE, FORUM, STRANGER, Forum
from tests.support.service import HTTP, Service
from tests.support.telegram import Customer
from tests.support.waiting import until

IDS = count(7801)
UNCLEAR = "紫色的云为什么会跳舞呢？"


@pytest.fixture
def customer(platform: TelegramDouble, shop: Service) -> Customer:
    number = next(IDS)
    return Customer(platform, number, name=f"客人{number}")


def waiting_topic(forum: Forum, customer: Customer) -> int:
    """Ask for a person; returns the topic."""
    assert "人工" in customer.ask("转人工")
    thread = forum.topic(customer.name)
    forum.shows(thread, "👤", customer.name)
    return thread


def conversation(shop: Service, state: str, name: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        listed = shop.desk("GET", "/conversations", params={"state": state}).json()
        return [one for one in listed["conversations"] if one["customer"]["name"] == name]

    return until(found)[0]  # type: ignore[no-any-return]


def said(shop: Service, conversation_id: int) -> list[tuple[str, str]]:
    listed = shop.desk("GET", f"/conversations/{conversation_id}/messages").json()["messages"]
    return [(one["from"], one["text"]) for one in listed]


def test_from_the_question_to_the_rating(
    platform: TelegramDouble, shop: Service, forum: Forum, customer: Customer
) -> None:
    customer.name = "从头到尾"
    assert shop.post_event(order_event("XF20001", "13800008888")).status_code == 202
    assert "XF20001" in customer.ask("XF20001 8888")
    assert "想确认" in customer.ask(UNCLEAR)
    _, label = customer.buttons(
        platform.api.messages[str(customer.id), customer.button("都不是")[0]]
    )[0]
    customer.press(label)
    assert customer.next()
    assert "人工" in customer.ask("转人工")

    thread = forum.topic("测试")
    assert forum.topics[thread].name == "测试 · 要人工 · XF20001"
    card = forum.shows(thread, "👤")
    for part in ("Telegram", "中文", "客人要求人工", "XF20001", "8888", label, "转人工"):
        assert part in card
    assert "13800008888" not in card
    number = until(lambda: forum.topics[thread].pinned)[0]
    assert platform.api.messages[str(FORUM), number]["text"] == card

    customer.say("围巾破了")
    forum.shows(thread, "💬 围巾破了")
    forum.post(thread, "您好，我是小美 <b>&")
    assert "小美" in customer.next()
    assert customer.next() == "您好，我是小美 <b>&"
    mine = conversation(shop, "open", "测试")
    assert mine["agent"] == "小美"
    assert ("agent", "您好，我是小美 <b>&") in said(shop, mine["id"])
    forum.post(thread, "/note 老客户，多送一份")
    forum.shows(thread, "📝 小美：老客户，多送一份")
    notes = shop.desk("GET", f"/conversations/{mine['id']}/notes").json()["notes"]
    assert [one["text"] for one in notes] == ["老客户，多送一份"]

    forum.post(thread, "/resolve")
    assert "打个分" in customer.next()
    forum.shows(thread, "✅ 小美 已结束会话")
    until(lambda: forum.topics[thread].is_closed)
    customer.press("★★★★★")
    assert "5 分" in customer.next()
    conversation(shop, "resolved", "测试")
    assert "7 天" in customer.ask("怎么退货"), "the bot is back"
    whole = forum.everything(thread)
    assert whole.count("<b>&") == 0, "what agents write is not repeated to them"
    assert "7 天" not in whole

    assert "人工" in customer.ask("转人工")
    until(lambda: not forum.topics[thread].is_closed)
    until(lambda: len(forum.topics[thread].pinned) == 2)
    assert [one.name for one in forum.topics.values()].count("测试 · 要人工 · XF20001") == 1


def test_a_customer_of_the_web_chat(shop: Service, forum: Forum) -> None:
    before = set(forum.topics)
    with Chat(shop.socket_url) as chat:
        chat.ask("I need a human")
        thread = int(until(lambda: sorted(set(forum.topics) - before))[0])
        assert "网页" in forum.shows(thread, "👤")
        chat.say("my parcel is wet")
        forum.shows(thread, "💬 my parcel is wet")
        forum.post(thread, "I'm so sorry!")
        assert chat.wait_for(type="message", from_="agent")["text"] == "I'm so sorry!"
        forum.post(thread, "/c photo")
        assert "photo" in chat.wait_for(type="message", from_="agent")["text"]
        forum.shows(thread, "🧑‍💼 小美：Could you send me a photo")


def test_a_deleted_topic_is_made_anew(shop: Service, forum: Forum, customer: Customer) -> None:
    thread = waiting_topic(forum, customer)
    customer.say("第一句")
    forum.shows(thread, "第一句")
    del forum.topics[thread]
    customer.say("第二句")
    fresh = forum.topic(customer.name)
    forum.shows(fresh, "💬 第二句")
    assert "第一句" in forum.shows(fresh, "👤")
    customer.say("第三句")
    forum.shows(fresh, "💬 第三句")
    whole = forum.everything(fresh)
    assert [whole.count(words) for words in ("第一句", "第二句", "第三句")] == [1, 1, 1]
    forum.post(fresh, "/resolve")
    until(lambda: forum.topics[fresh].is_closed)
    del forum.topics[fresh]
    customer.next()  # the rating
    assert "人工" in customer.ask("转人工")
    again = forum.topic(customer.name)
    forum.shows(again, "👤", "转人工")
    forum.post(again, "来了")
    until(lambda: customer.got[-1].text == "来了")


def test_who_is_no_agent_says_nothing_to_customers(
    shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    group = {"id": FORUM, "type": "supergroup", "title": "Desk"}
    forum.post(thread, "我来说两句", author=STRANGER)
    assert str(STRANGER) in forum.shows(thread, "xiaoer agent link")
    forum.post(thread, "/resolve", author=STRANGER)
    forum.post(thread, "匿名管理员", author=1087968824, sender_chat=group)
    forum.shows(thread, "匿名身份")
    forum.post(thread, "好的，客服来了")
    until(lambda: customer.got[-1].text == "好的，客服来了")
    texts = [call.text for call in customer.got]
    assert "我来说两句" not in texts
    assert "匿名管理员" not in texts
    assert forum.everything(thread).count("xiaoer agent link") == 1
    assert conversation(shop, "open", customer.name)["agent"] == "小美"
    assert shop.command("agent", "set", "lan", "--role", "viewer").returncode == 0
    forum.post(thread, "只能看", author=COLLEAGUE)
    forum.shows(thread, "您的角色没有这项权限")
    assert "只能看" not in [call.text for call in customer.got]
    assert shop.command("agent", "disable", "lan").returncode == 0
    forum.post(thread, "停用了", author=COLLEAGUE)
    forum.shows(thread, str(COLLEAGUE))
    assert "停用了" not in [call.text for call in customer.got]


def test_commands(shop: Service, forum: Forum, customer: Customer) -> None:
    number = f"XF3{customer.id}"
    assert shop.post_event(order_event(number, "13900006666")).status_code == 202
    thread = waiting_topic(forum, customer)
    forum.post(thread, "/order")
    forum.shows(thread, "没有")
    forum.post(thread, "/nonsense")
    forum.shows(thread, "/assign")
    forum.post(thread, "/c")
    forum.shows(thread, "/c wait — 好的，请稍等")
    forum.post(thread, "/c nothing")
    forum.shows(thread, "没有名为 nothing")
    forum.post(thread, "/assign nobody")
    forum.shows(thread, "没有登录名为 nobody", "可以转给：", "mei")
    forum.post(thread, "/assign")
    forum.shows(thread, "⚠️ 可以转给：", "mei")
    assert len(customer.got) == 1, "none of this reaches the customer"
    assert shop.command("agent", "add", f"a{customer.id}", "--name", "小竹").returncode == 0
    forum.post(thread, f"/assign a{customer.id}")
    forum.shows(thread, "🙋 小竹")
    assert conversation(shop, "open", customer.name)["agent"] == "小竹"
    forum.post(thread, "我也想说")
    forum.shows(thread, "小竹 已经在处理")
    edited = forum.post(thread, "/help")
    forum.edit(edited, text="改了")
    forum.shows(thread, "这条改不了")
    assert not any(call.text in ("我也想说", "改了") for call in customer.got)


def test_the_topic_of_a_customer_who_went_back_to_the_bot(
    shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    assert "好的" in customer.ask("不等了")
    until(lambda: forum.topics[thread].is_closed)
    forum.post(thread, "/resolve")
    forum.shows(thread, "/take")
    forum.post(thread, "/note 常来的客人")
    forum.shows(thread, "📝 小美：常来的客人")
    assert "7 天" in customer.ask("怎么退货"), "and no rating was asked for"
    forum.post(thread, "/take")
    assert "小美" in customer.next()
    forum.post(thread, "/resolve")
    assert "打个分" in customer.next()
    forum.post(thread, "再说一句")
    forum.shows(thread, "已经结束", "重新打开")


PHOTO = [{"file_id": "new", "file_unique_id": "n", "width": 9, "height": 9, "file_size": 7}]


def test_an_agents_files_reach_the_customer_and_the_desk(
    platform: TelegramDouble, shop: Service, forum: Forum, customer: Customer
) -> None:
    platform.api.files["new"] = b"\xff\xd8\xff a scarf"
    thread = waiting_topic(forum, customer)
    forum.post(thread, "新的是这样")
    photo = forum.post(thread, photo=PHOTO, caption="正面")
    forum.post(thread, "可以吗")
    got = until(lambda: to(platform, customer)[-3:][0] == "新的是这样" and to(platform, customer))
    assert got[-3:] == ["新的是这样", f"copy of {photo['message']['message_id']}", "可以吗"]
    mine = conversation(shop, "open", customer.name)["id"]
    shown = until(lambda: [one for one in listed(shop, mine) if one["attachments"]])[0]
    assert (shown["from"], shown["text"]) == ("agent", "正面")
    number = shown["attachments"][0]["id"]
    file = until(lambda: kept(shop, number))
    assert file == platform.api.files["new"]
    assert "正面" not in forum.everything(thread), "what agents send is not repeated to them"

    forum.edit(photo, caption="正面和背面")
    until(lambda: "正面和背面" in captions(platform, customer))
    until(lambda: ("agent", "正面和背面") in said(shop, mine))
    forum.post(thread, photo=PHOTO, has_protected_content=True)
    forum.shows(thread, "⚠️ 没有送达", "can't be copied", "📷")


def test_what_cannot_be_sent_is_not_sent(
    platform: TelegramDouble, shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    forum.post(thread, photo=PHOTO, caption="/note 只给同事看")
    forum.shows(thread, "命令不能带文件")
    forum.post(thread, dice={"emoji": "🎲", "value": 3})
    forum.shows(thread, "这种内容发不了")
    before = set(forum.topics)
    with Chat(shop.socket_url) as chat:
        chat.ask("I need a human")
        other = int(until(lambda: sorted(set(forum.topics) - before))[0])
        forum.shows(other, "👤")
        forum.post(other, location={"latitude": 30.2, "longitude": 120.1})
        forum.shows(other, "这个发不过去")
        first = forum.post(other, "hello")
        assert chat.wait_for(type="message", from_="agent")["text"] == "hello"
        forum.edit(first, text="goodbye")
        forum.shows(other, "这条改不了")
    assert not [call for call in platform.called("copyMessage") if call.chat == str(customer.id)]


def test_a_file_from_the_forum_reaches_a_customer_elsewhere(
    platform: TelegramDouble, shop: Service, forum: Forum
) -> None:
    platform.api.files["new"] = b"\xff\xd8\xff a scarf for the web"
    before = set(forum.topics)
    with Chat(shop.socket_url) as chat:
        chat.ask("I need a human")
        thread = int(until(lambda: sorted(set(forum.topics) - before))[0])
        forum.shows(thread, "👤")
        forum.post(thread, photo=PHOTO, caption="the scarf")
        frame = chat.wait_for(type="message", from_="agent")
        assert frame["text"] == "the scarf"
        (picture,) = frame["attachments"]
        shown = HTTP.get(urljoin(f"{shop.url}/chat/ws", picture["url"]))
        assert shown.content == platform.api.files["new"]


def test_an_agents_edit_changes_what_the_customer_reads(
    platform: TelegramDouble, shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    first = forum.post(thread, "明天发货")
    until(lambda: "明天发货" in to(platform, customer))
    forum.edit(first, text="明天发货")  # the preview of a link
    forum.edit(first, text="后天发货")
    until(lambda: "后天发货" in to(platform, customer))
    forum.edit(first, text="今天就发")
    until(lambda: "今天就发" in to(platform, customer))
    mine = conversation(shop, "open", customer.name)["id"]
    assert [text for author, text in said(shop, mine) if author == "agent"] == ["今天就发"]
    forum.edit(first, text="/note 今天就发")
    forum.shows(thread, "这条改不了")
    del platform.api.messages[str(customer.id), place(platform, customer, "今天就发")]
    forum.edit(first, text="今天一定发")
    forum.shows(thread, "⚠️ 客人那边没有改成", "not found", "今天一定发")
    assert len([one for one in customer.got if "发" in one.text]) == 1


def to(platform: TelegramDouble, customer: Customer) -> list[str]:
    """What the customer's chat shows now."""
    found = list(platform.api.messages.items())
    return [one["text"] for (chat, _), one in found if chat == str(customer.id)]


def place(platform: TelegramDouble, customer: Customer, text: str) -> int:
    found = list(platform.api.messages.items())
    return next(at for (chat, at), one in found if (chat, one["text"]) == (str(customer.id), text))


def captions(platform: TelegramDouble, customer: Customer) -> list[str]:
    found = list(platform.api.messages.items())
    return [one.get("caption", "") for (chat, _), one in found if chat == str(customer.id)]


def listed(shop: Service, conversation_id: int) -> list[dict[str, Any]]:
    return shop.desk("GET", f"/conversations/{conversation_id}/messages").json()["messages"]  # type: ignore[no-any-return]


def kept(shop: Service, attachment_id: int) -> bytes | None:
    answer = shop.desk("GET", f"/conversations/attachments/{attachment_id}")
    return answer.content if answer.is_success else None


def test_files_edits_and_the_web_desk_show_in_the_topic(
    shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    first = customer.say("破了一个洞")
    photo = [{"file_id": "hole", "file_unique_id": "h", "width": 9, "height": 9, "file_size": 3}]
    picture = customer.say(photo=photo, caption="您看")
    customer.say("能换吗")
    customer.edit(first, "破了两个洞")
    forum.shows(thread, "✏️ 客人改成：破了两个洞")
    whole = forum.everything(thread)
    order = [
        whole.index(one) for one in ("破了一个洞", f"copy of {picture['message_id']}", "能换吗")
    ]
    assert order == sorted(order)
    mine = conversation(shop, "waiting", customer.name)["id"]
    assert shop.desk("POST", f"/conversations/{mine}/messages", json={"text": "可以"}).is_success
    forum.shows(thread, "desk：可以")
    assert shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    until(lambda: forum.topics[thread].is_closed)


def test_an_agent_learns_what_was_not_delivered(
    platform: TelegramDouble, shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    platform.faults.blocked = frozenset({str(customer.id)})
    forum.post(thread, "您还在吗")
    forum.shows(thread, "⚠️ 没有送达", "blocked", "您还在吗")
    platform.faults.blocked = frozenset()


def test_who_goes_back_to_the_bot_leaves_the_topic(
    shop: Service, forum: Forum, customer: Customer
) -> None:
    thread = waiting_topic(forum, customer)
    customer.press("不等了")
    forum.shows(thread, "回到了店小二")
    until(lambda: forum.topics[thread].is_closed)
    forum.post(thread, "等等")
    forum.shows(thread, "/take")
    forum.post(thread, "/take")
    until(lambda: not forum.topics[thread].is_closed)
    forum.post(thread, "我来了")
    until(lambda: customer.got[-1].text == "我来了")
    assert "等等" not in [call.text for call in customer.got]
