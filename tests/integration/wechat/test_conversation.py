"""Customers of official accounts, from the first word to the rating, over HTTP."""

import re

import pytest

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat import Follower, conversation, states


def test_from_the_question_to_the_rating(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    assert "7 天" in customer.ask("怎么退货")
    assert "想确认" in customer.ask("紫色的云为什么会跳舞呢？")
    menu = customer.got[-1]
    assert menu.kind == "msgmenu"
    assert customer.press(menu.choices[0][1])
    customer.pause()
    assert "人工" in customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    reply = {"text": "您好，我是小美 <b>&"}
    assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    words = customer.next()  # both in one message: only five may follow the customer's last word
    assert "客服来了" in words
    assert (words if "小美" in words else customer.next()).endswith("您好，我是小美 <b>&")
    assert shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    assert "打个分" in customer.next()
    assert "5 分" in customer.press("★★★★★")
    assert "记下了" in customer.ask("小美很耐心")
    assert ("customer", menu.choices[0][1]) in in_chat(shop, customer.openid)
    assert "7 天" in customer.ask("怎么退货"), "the bot is back"
    assert {one.by for one in customer.got} == {"custom"}


def test_the_same_where_only_replies_are_possible(shop: Service, passive: OfficialAccount) -> None:
    customer = Follower(passive)
    assert "7 天" in customer.ask("怎么退货")
    asked = customer.ask("紫色的云为什么会跳舞呢？")
    assert "想确认" in asked
    assert "\n1. " in asked
    assert customer.ask("1")
    assert ("customer", "1") in in_chat(shop, customer.openid)
    assert "人工" in customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    assert shop.desk(
        "POST", f"/conversations/{mine}/messages", json={"text": "我是小美]]>"}
    ).is_success
    both = customer.ask("继续")
    assert "客服来了" in both
    if "我是小美" not in both:
        assert customer.ask("继续") == "我是小美]]>"
    assert shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    rating = customer.ask("继续")
    assert "打个分" in rating
    assert "5. ★★★★★" in rating
    assert "4 分" in customer.ask("4")
    assert {one.by for one in customer.got} == {"passive"}
    assert until(lambda: set(states(shop, customer.openid)) == {"sent"})


@pytest.mark.parametrize("name", ["service_account", "compatible", "passive", "plain"])
def test_every_mode_proves_the_address_and_answers(
    shop: Service, name: str, request: pytest.FixtureRequest
) -> None:
    account: OfficialAccount = request.getfixturevalue(name)
    assert account.verify() == "200 same"
    customer = Follower(account)
    assert "7 天" in customer.ask("怎么退货")
    assert all(one.status == 200 and len(posting.tries) == 1 for posting in account.postings
               if posting.values["FromUserName"] == customer.openid
               for one in posting.tries)  # fmt: skip


def test_following_scanning_and_the_menu(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    service_account.follow(customer.openid, "shop-window").result()
    welcome = customer.next()
    assert "小二" in welcome or "您好" in welcome
    service_account.scan(customer.openid, "faq-return_how").result()
    assert "7 天" in customer.next()
    service_account.click(customer.openid, "person").result()
    assert "人工" in customer.next()
    service_account.view(customer.openid, "https://shop.example").result()
    said = [text for author, text in in_chat(shop, customer.openid) if author == "customer"]
    assert said == ["👋", "👋", "找人工"]
    until(lambda: set(states(shop, customer.openid)) == {"sent"})


def test_the_menu_of_the_configuration_is_set_once(
    wechat: WeChatDouble, shop: Service, service_account: OfficialAccount
) -> None:
    until(lambda: service_account.menu)
    assert service_account.menu == {
        "button": [
            {"name": "查订单", "type": "click", "key": "order"},
            {
                "name": "服务",
                "sub_button": [
                    {"name": "找人工", "type": "click", "key": "person"},
                    {"name": "商城", "type": "view", "url": "https://shop.example"},
                ],
            },
        ]
    }
    assert len(wechat.called("menu/create")) == 1


def test_who_leaves_gets_nothing_more(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    assert "7 天" in customer.ask("怎么退货")
    service_account.leave(customer.openid).result()
    mine = conversation(shop, customer.openid)
    assert shop.desk("GET", f"/conversations/{mine}/messages").is_success
    service_account.follow(customer.openid).result()
    assert customer.next()


def test_several_accounts_do_not_mix(
    wechat: WeChatDouble, shop: Service, service_account: OfficialAccount,
    compatible: OfficialAccount,
) -> None:  # fmt: skip
    first = Follower(service_account)
    second = Follower(compatible, openid=first.openid)
    assert "7 天" in first.ask("怎么退货")
    assert "7 天" in second.ask("怎么退货")
    assert len(first.got) == len(second.got) == 1


def test_who_can_be_written_to_in_replies_alone_is_told_so_and_so_are_agents(
    shop: Service, passive: OfficialAccount
) -> None:
    customer = Follower(passive)
    told = customer.ask("转人工")
    assert "已为您转接" in told
    assert "这里没法主动给您发消息" in told
    assert "回复“继续”" in told
    mine = conversation(shop, customer.openid)
    remarks = [text for author, text in in_chat(shop, customer.openid) if author == "system"]
    assert len(remarks) == 1
    assert "客人再来消息时才看得到" in remarks[0]
    assert "暂时没有新的回复" in customer.ask("继续")
    reply = {"text": "您好，我是小美"}
    assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    assert "小美" in customer.ask("继续")
    assert "暂时没有新的回复" in customer.ask("继续")
    assert remarks[0] not in customer.account.texts(customer.openid)


def test_that_is_told_once(shop: Service, passive: OfficialAccount) -> None:
    customer = Follower(passive)
    assert "we can't send you messages here" in customer.ask("talk to a person").lower()
    assert "no longer in line" in customer.ask("1")
    assert "That's all for now" in customer.ask("continue")
    again = customer.ask("talk to a person")
    assert "asked a colleague" in again
    assert "can't send" not in again
    assert [author for author, _ in in_chat(shop, customer.openid)].count("system") == 1


def test_nothing_of_that_where_messages_can_be_sent(
    shop: Service, service_account: OfficialAccount
) -> None:
    customer = Follower(service_account)
    told = customer.ask("转人工")
    assert "已为您转接" in told
    assert "继续”" not in told
    assert "system" not in [author for author, _ in in_chat(shop, customer.openid)]


def test_choices_are_numbered_below_words_that_say_so(
    shop: Service, passive: OfficialAccount
) -> None:
    customer = Follower(passive)
    answer = customer.ask("怎么退货")
    assert "\n\n回复数字就行：\n1. " in answer, "the answer itself has steps by number"
    assert answer.count("回复数字就行") == 1
    assert "\n\nJust reply with a number:\n1. " in customer.ask("how do I return something")
    assert "没解决" not in customer.ask("你好")


def test_two_chats_in_wechat_are_called_this_and_the_other(
    shop: Service, passive: OfficialAccount, service_account: OfficialAccount
) -> None:
    first, second = Follower(passive), Follower(service_account)
    code = re.search(r"绑定 (\d{6})", first.ask("绑定"))
    assert code is not None
    asked = second.ask(code[0])
    assert asked.startswith("要把这个聊天和您的另一个聊天合在一起吗？")
    assert "现在都认得您" in second.press("是我")
    assert first.ask("继续").startswith("您的另一个聊天已经和这里合在一起")
