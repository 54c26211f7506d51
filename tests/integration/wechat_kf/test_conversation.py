"""A customer of 微信客服, from the first word to the rating, over HTTP."""

import time

import httpx

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import BOT, KfApp
from tests.integration.telegram.test_conversation import messages
from tests.support.service import Service
from tests.support.waiting import until
from tests.support.wechat_kf import OUTLET, SHOP, Person


def conversation_of(shop: Service, name: str, state: str = "waiting") -> int:
    """The id of the conversation of the customer with this name."""

    def found() -> list[int]:
        listed = shop.desk("GET", "/conversations", params={"state": state}).json()
        return [one["id"] for one in listed["conversations"] if one["customer"]["name"] == name]

    return max(until(found, 120))


def said(shop: Service, conversation: int) -> list[tuple[str, str]]:
    return [(one["from"], one["text"]) for one in messages(shop, conversation)]


def test_from_the_question_to_the_rating(app: KfApp, shop: Service, customer: Person) -> None:
    name = app.names[customer.id] = "从头到尾"
    assert "7 天" in customer.ask("怎么退货")
    assert "想确认" in customer.ask("紫色的云为什么会跳舞呢？")
    asked = customer.got[-1]
    assert asked.kind == "msgmenu"
    customer.press(asked.choices[0][1])
    assert customer.next()
    until(lambda: app.sessions[SHOP, customer.id].state == BOT)

    assert "人工" in customer.ask("转人工")
    mine = conversation_of(shop, name)
    reply = {"text": "您好，我是小美 <b>& ]]>"}
    app.message(
        customer.id, "image", {"media_id": app.add_media(b"\x89PNG\r\n\x1a\n", "image/png")}
    )
    assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    assert "客服来了" in customer.next()
    assert customer.next() == "您好，我是小美 <b>& ]]>"
    assert app.sessions[SHOP, customer.id].state == BOT, "agents answer as the assistant"
    customer.say("那就好")
    until(lambda: ("customer", "那就好") in said(shop, mine))
    assert shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    assert "打个分" in customer.next()
    customer.press("★★★★★")
    assert "5 分" in customer.next()
    assert "记下了" in customer.ask("小美很耐心")
    assert {asked.choices[0][1], "📷", "★★★★★"} <= {text for _, text in said(shop, mine)}
    assert "7 天" in customer.ask("怎么退货"), "the bot is back"
    refused = [call for call in app.double.called("kf/send_msg") if call.outcome != "ok"]
    assert refused == []


def test_a_welcome_with_lines_that_work(app: KfApp, shop: Service, customer: Person) -> None:
    app.enter(customer.id)
    assert "店小二" in customer.next()
    assert [label for _, label in customer.got[0].choices] == ["查我的包裹", "转人工"]
    customer.press("查我的包裹")
    assert "订单号" in customer.next()
    app.enter(customer.id)
    assert "7 天" in customer.ask("怎么退货")
    assert len(customer.got) == 3, "nobody is welcomed twice"


def test_a_welcome_that_comes_too_late_is_left_out(
    app: KfApp, shop: Service, customer: Person
) -> None:
    app.loses_callbacks = True
    app.enter(customer.id)
    app.log[-1]["send_time"] -= 30
    app.loses_callbacks = False
    welcomed = len(app.double.called("kf/send_msg_on_event"))
    assert "7 天" in customer.ask("怎么退货")
    assert len(app.double.called("kf/send_msg_on_event")) == welcomed


def test_a_used_line_is_what_it_says(app: KfApp, shop: Service, customer: Person) -> None:
    assert "人工" in customer.ask("转人工")
    customer.press("不等了")
    assert "不排队" in customer.next()
    number = customer.got[0].choices[0][0]
    app.write(customer.id, "怎么退货", menu_id=number)
    assert "7 天" in customer.next()


def test_each_account_has_its_own_customers(app: KfApp, shop: Service) -> None:
    here = Person.new(app, "此处")
    there = Person(app, here.id, OUTLET)
    assert "7 天" in here.ask("怎么退货")
    there.seen = 1
    assert "人工" in there.ask("转人工")
    assert [call.data["open_kfid"] for call in app.double.called("kf/send_msg")[-2:]] == [
        SHOP, OUTLET
    ]  # fmt: skip
    assert "7 天" in here.ask("怎么退货") or here.got[-1], "the bot still answers here"
    until(lambda: "7 天" in here.got[-1].text)


def test_news_without_a_callback_is_found(
    double: WeChatDouble, app: KfApp, shop: Service, customer: Person
) -> None:
    app.loses_callbacks = True
    customer.say("怎么退货")
    app.loses_callbacks = False
    other = Person.new(app)
    assert "7 天" in other.ask("怎么退货")
    assert "7 天" in customer.next(), "whatever is there is read with the next news"


def test_the_console_is_greeted_and_forgers_are_not(
    app: KfApp, shop: Service, customer: Person
) -> None:
    assert app.verify() == "200 same"
    customer.ask("怎么退货")
    query, body = app.sealed(app.postings[-1].values, str(int(time.time())), "nonce1")
    stale, _ = app.sealed(app.postings[-1].values, str(int(time.time()) - 600), "nonce2")
    synced = len(app.double.called("kf/sync_msg"))
    with httpx.Client(verify=False) as http:
        for wrong in (
            {**query, "msg_signature": "0" * 40},
            {**query, "nonce": "other"},
            {**query, "timestamp": str(int(time.time()) + 1)},
            stale,
            {},
        ):
            assert http.post(app.callback_url, params=wrong, content=body).status_code == 403
        assert http.post(app.callback_url, params=query, content=b"<x/>").status_code in (400, 403)
        assert http.post(app.callback_url, params=query, content=b"x" * 70_000).status_code == 413
        evil = b'<!DOCTYPE a [<!ENTITY b "c">]><xml><Encrypt>&b;</Encrypt></xml>'
        assert http.post(app.callback_url, params=query, content=evil).status_code in (400, 403)
        assert len(app.double.called("kf/sync_msg")) == synced, "nothing was stored"
        assert http.post(app.callback_url, params=query, content=body).status_code == 200
    until(lambda: len(app.double.called("kf/sync_msg")) > synced)
