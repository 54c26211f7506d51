"""A customer on Telegram, from the first word to the rating, over HTTP."""

from itertools import count
from typing import Any

import pytest

from tests.doubles.telegram import TelegramDouble
from tests.integration.test_story import order_event
from tests.support.service import Service
from tests.support.telegram import Customer, in_chat
from tests.support.waiting import until

IDS = count(7001)


@pytest.fixture
def customer(telegram: TelegramDouble, telegram_shop: Service) -> Customer:
    return Customer(telegram, next(IDS))


def waiting(shop: Service, customer: Customer) -> int:
    """The id of the customer's conversation in the agents' queue."""

    def found() -> list[int]:
        listed = shop.desk("GET", "/conversations", params={"state": "waiting"}).json()
        return [
            one["id"] for one in listed["conversations"] if one["customer"]["name"] == customer.name
        ]

    return max(until(found))


def messages(shop: Service, conversation: int) -> list[dict[str, Any]]:
    return shop.desk("GET", f"/conversations/{conversation}/messages").json()["messages"]  # type: ignore[no-any-return]


def test_from_the_question_to_the_rating(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.name = "从头到尾"
    assert "7 天" in customer.ask("怎么退货")
    assert "想确认" in customer.ask("紫色的云为什么会跳舞呢？")
    asked, first = (
        customer.got[-1],
        customer.buttons(telegram.api.messages[str(customer.id), customer.button("都不是")[0]])[0],
    )
    assert asked.data["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == first[0]
    query = customer.press(first[1])
    assert customer.next()
    until(lambda: query in telegram.api.answered)
    until(lambda: telegram.called("editMessageReplyMarkup"))
    assert telegram.api.answered[query] == ""

    assert "人工" in customer.ask("转人工")
    mine = waiting(telegram_shop, customer)
    reply = {"text": "您好，我是小美 <b>&"}
    assert telegram_shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    assert "客服来了" in customer.next()
    assert customer.next() == "您好，我是小美 <b>&"
    assert telegram_shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    assert "打个分" in customer.next()
    customer.press("★★★★★")
    assert "5 分" in customer.next()
    assert "记下了" in customer.ask("小美很耐心")
    said = [(one["from"], one["text"]) for one in messages(telegram_shop, mine)]
    assert ("customer", first[1]) in said
    assert ("customer", "★★★★★") in said
    assert "7 天" in customer.ask("怎么退货"), "the bot is back"


def test_a_button_works_once_in_its_own_chat(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.ask("转人工")
    number, data = customer.button("不等了")
    other = Customer(telegram, next(IDS))
    other.ask("怎么退货")
    for update in (other.pressing(data, number), other.pressing("person", number)):
        telegram.push(update)
        query = update["callback_query"]["id"]
        assert "已经用过" in until(lambda query=query: telegram.api.answered.get(query))
    query = customer.press("不等了")
    assert "不排队" in customer.next()
    assert until(lambda: query in telegram.api.answered)
    again = customer.pressing(data, number)
    telegram.push(again, again)
    assert "已经用过" in until(lambda: telegram.api.answered.get(again["callback_query"]["id"]))
    assert "7 天" in customer.ask("怎么退货")
    assert len(other.got) == 1
    assert len(customer.got) == 3


def test_a_button_that_was_changed_in_any_byte_does_nothing(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.ask("转人工")
    number, data = customer.button("不等了")
    assert len(data.encode()) <= 64
    changed = [
        customer.pressing(data[:at] + ("A" if data[at] != "A" else "B") + data[at + 1 :], number)
        for at in range(len(data))
    ]
    changed += [customer.pressing(one, number) for one in (data[:-1], data + "A", "bot", "💥")]
    telegram.push(*changed)
    for update in changed:
        assert "已经用过" in until(
            lambda u=update: telegram.api.answered.get(u["callback_query"]["id"])
        )
    assert len(customer.got) == 1
    customer.press("不等了")
    assert "不排队" in customer.next(), "the genuine one still works"


def test_commands_in_the_customers_language(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    assert set(telegram.api.commands) == {"", "zh", "en"}
    names = {one["command"] for one in telegram.api.commands["en"]}
    assert names == {"order", "human", "language", "help", "stop"}
    english = Customer(telegram, next(IDS), language="en", name="Ann")
    assert english.ask("/start").startswith("Hello, I'm Xiaoer")
    assert customer.ask("/start").startswith("您好")
    assert "退订" in customer.ask("/help")
    assert "订单号" in customer.ask("/order")
    assert "收到" in customer.ask("/start faq-return_how"), "the key for one's number goes away"
    assert "7 天" in customer.next()
    assert "T123" in customer.ask("/start order-T123")
    assert "收到" in customer.ask("/start spring-poster")
    assert customer.next().startswith("您好")
    assert "退订" in customer.ask("/stop")
    customer.ask("/language")
    customer.press("English")
    assert customer.next().startswith("Of course")
    assert customer.ask("/help").startswith("Just ask")
    assert "colleague" in customer.ask("/human")
    english.ask("/nonsense")
    assert english.got[-1].text.startswith("Just ask")


def test_an_edited_question(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.name = "改口"
    missed = customer.say("多少钱？")
    assert "不太确定" in customer.next()
    customer.edit(missed, "多少钱？")  # a preview came: no word has changed
    customer.edit(missed, "怎么退货？")
    assert "7 天" in customer.next()
    answered = customer.say("几天能到？")
    assert customer.next()
    customer.edit(answered, "几天能到上海？")
    customer.ask("转人工")
    mine = waiting(telegram_shop, customer)
    theirs = [one for one in messages(telegram_shop, mine) if one["from"] == "customer"]
    assert [one["text"] for one in theirs] == [
        "多少钱？", "怎么退货？", "几天能到？", "几天能到上海？", "转人工",
    ]  # fmt: skip
    seqs = [one["seq"] for one in theirs]
    assert [one["edit_of"] for one in theirs] == [None, seqs[0], None, seqs[2], None]
    assert len(customer.got) == 4


def test_a_shared_contact_proves_only_the_senders_own_number(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    number = f"T{next(IDS)}"
    phone = f"138{next(IDS):08d}"
    assert telegram_shop.post_event(order_event(number, phone)).status_code == 202
    contact = {"phone_number": f"86{phone}", "first_name": "林"}
    customer.say(contact={**contact, "user_id": customer.id + 1})
    assert "收到" in customer.next()
    customer.say(
        contact={"phone_number": "8613000000001", "first_name": "x", "user_id": customer.id}
    )
    assert "没有查到" in customer.next()
    customer.say(contact={**contact, "user_id": customer.id})
    assert "确认是您本人" in customer.next()
    assert number in customer.ask("我的快递到哪了")


def test_the_key_that_shares_ones_number(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    number = f"T{next(IDS)}"
    phone = f"138{next(IDS):08d}"
    assert telegram_shop.post_event(order_event(number, phone)).status_code == 202
    assert "订单号" in customer.ask("我的快递到哪了")
    ((key,),) = customer.got[-1].data["reply_markup"]["keyboard"]
    assert key["request_contact"]
    customer.say(contact={"phone_number": f"86{phone}", "first_name": "林", "user_id": customer.id})
    assert "确认是您本人" in customer.next()
    assert customer.got[-1].data["reply_markup"]["remove_keyboard"]
    assert number in customer.next(), "what was asked is answered"
    assert number in customer.ask("我的快递到哪了")


def test_the_key_goes_away_when_it_is_not_pressed(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.ask("我的快递到哪了")
    label = customer.got[-1].data["reply_markup"]["keyboard"][0][0]["text"]
    customer.say(label)  # where the app cannot share a number, it sends the words
    assert "收到" in customer.next()
    assert customer.got[-1].data["reply_markup"]["remove_keyboard"]
    assert customer.next()
    assert "7 天" in customer.ask("怎么退货")
    assert "keyboard" not in str(customer.got[-1].data.get("reply_markup", {}).keys() - {
        "inline_keyboard"})  # fmt: skip


def test_signs_under_answers_tell_whether_they_helped(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    assert "7 天" in customer.ask("怎么退货")
    customer.react("👍")
    until(lambda: in_chat(telegram_shop, customer.id)[2:] == [("customer", "👍")])
    customer.react("👎", before=("👍",))  # the first sign counts
    other = Customer(telegram, next(IDS))
    assert "7 天" in other.ask("怎么退货")
    other.react("🎃")  # tells nothing
    other.react(before=("👍",))  # taken away
    other.react("👎", user=customer.user)  # somebody else's
    other.react("👎", chat={"id": -100, "type": "supergroup", "title": "Fans"})
    other.react("👎")
    assert "没帮上忙" in other.next()
    assert customer.buttons(telegram.api.messages[str(other.id), other.shown()])[0][1] == "转人工"
    other.react("💩")  # under the apology, which is no answer
    assert "7 天" in other.ask("怎么退货")
    texts = [text for author, text in in_chat(telegram_shop, other.id) if author == "customer"]
    assert texts == ["怎么退货", "👎", "怎么退货"]
    assert len(customer.got) == 1


def test_who_blocks_the_bot_is_known_until_they_write_again(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    from sqlmodel import select

    from storage.models.customers import Identity

    def is_blocked() -> bool:
        query = select(Identity).where(Identity.chat == str(customer.id))
        return telegram_shop.look(lambda session: session.exec(query).one().blocked_at is not None)

    customer.ask("怎么退货")
    assert not is_blocked()
    customer.block()
    until(is_blocked)
    customer.block(False)
    until(lambda: not is_blocked())
    customer.block()
    until(is_blocked)
    customer.ask("怎么退货")
    assert not is_blocked()


def test_a_long_text_and_one_full_of_markup_arrive_whole(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.name = "<b>长&文_*["
    customer.ask("转人工")
    mine = waiting(telegram_shop, customer)
    family = "👨‍👩‍👧‍👦"
    text = (family + "好的_*[`<b>&amp;") * 180
    assert len(text) < 4000 < len(text.encode("utf-16-le")) // 2
    sent = telegram_shop.desk("POST", f"/conversations/{mine}/messages", json={"text": text})
    assert sent.is_success
    customer.next()
    pieces = [customer.next(), customer.next()]
    assert "".join(pieces) == text
    assert pieces[1].startswith(("好", family))
