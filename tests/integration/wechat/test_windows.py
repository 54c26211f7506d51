"""What may be sent when: counted windows, templates outside them, and the platform's own no."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.messages import Purpose
from bot.delivery import outbox
from storage import live
from storage.models.customers import Identity
from storage.models.deliveries import Delivery, Quota
from storage.models.feedback import Feedback
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.waiting import until
from tests.support.wechat import Follower, conversation, states


def say(shop: Service, openid: str, *texts: str, purpose: Purpose = Purpose.TRANSACTIONAL) -> None:
    """The shop says it, all in one transaction."""

    def work(session: Session) -> None:
        identity = session.exec(select(Identity).where(Identity.chat == openid)).one()
        for text in texts:
            outbox.post(session, outbox.conversation_for(session, identity), text, purpose=purpose)

    shop.look(work)


def shut(shop: Service, openid: str) -> None:
    """The customer has not written for a long time."""

    def work(session: Session) -> None:
        for quota in session.exec(select(Quota).where(Quota.chat == openid)):
            quota.closes_at = now() - timedelta(seconds=1)
            session.add(quota)
            live.touch(session, live.sender(quota.channel, quota.account))

    shop.look(work)


def reasons(shop: Service, openid: str) -> list[str]:
    query = select(Delivery).where(Delivery.chat == openid).order_by(Delivery.id)  # type: ignore[arg-type]
    return shop.look(lambda session: [one.reason for one in session.exec(query)])  # type: ignore[no-any-return]


def test_many_answers_go_as_few_messages(shop: Service, compatible: OfficialAccount) -> None:
    customer = Follower(compatible)
    customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    for number in range(12):
        reply = {"text": f"第{number}句"}
        assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    until(lambda: set(states(shop, customer.openid)) <= {"sent", "held"})
    held = states(shop, customer.openid).count("held")
    assert len(customer.got) <= 5
    if held:
        customer.say("在吗")
        until(lambda: set(states(shop, customer.openid)) == {"sent"})
    said = "\n".join(one.text for one in customer.got)
    assert [said.index(f"第{number}句") for number in range(12)] == sorted(
        said.index(f"第{number}句") for number in range(12)
    )


def test_a_shut_window_holds_until_the_customer_writes(
    wechat: WeChatDouble, shop: Service, compatible: OfficialAccount
) -> None:
    customer = Follower(compatible)
    customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    compatible.windows[customer.openid].clear()  # the platform says no, whatever we think
    before = len(wechat.calls)
    reply = {"text": "您的退款到账了"}
    assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    until(lambda: "held" in states(shop, customer.openid))
    refused = [call for call in wechat.calls[before:] if call.outcome == "45015"]
    assert len(refused) == 1
    refused[0].outcome = "wanted"
    assert reasons(shop, customer.openid)[-1] == "window"
    again = {"text": "还在吗"}
    assert shop.desk("POST", f"/conversations/{mine}/messages", json=again).is_success
    until(lambda: states(shop, customer.openid).count("held") == 3)
    assert len([call for call in wechat.calls[before:] if call.outcome == "45015"]) == 0
    customer.say("在的")
    until(lambda: set(states(shop, customer.openid)) == {"sent"})
    said = "\n".join(one.text for one in customer.got)
    assert said.index("您的退款到账了") < said.index("还在吗")


def test_order_news_goes_by_template_and_advertising_never_does(
    shop: Service, service_account: OfficialAccount
) -> None:
    customer = Follower(service_account)
    assert "7 天" in customer.ask("怎么退货")
    shut(shop, customer.openid)
    say(shop, customer.openid, "全场优惠 5 折", purpose=Purpose.MARKETING)
    say(shop, customer.openid, "您的包裹已由中通揽收，预计后天送达杭州市西湖区")
    say(shop, customer.openid, "还需要帮忙吗？", purpose=Purpose.ANSWER)
    assert "7 天" in Follower(service_account).ask("怎么退货"), "which has the sender look"
    assert "中通揽收" in customer.next()
    news = customer.got[-1]
    assert news.by == "template"
    assert [line.partition("：")[0] for line in news.text.splitlines()] == [
        "thing1", "thing2", "time3"
    ]  # fmt: skip
    until(lambda: states(shop, customer.openid) == ["sent", "held", "sent", "held"])
    assert "7 天" in customer.ask("怎么退货")
    until(lambda: states(shop, customer.openid) == ["sent", "held", "sent", "sent", "sent"])
    assert not service_account.bans


def test_a_template_that_did_not_arrive_is_told_when_the_customer_writes(
    shop: Service, service_account: OfficialAccount
) -> None:
    customer = Follower(service_account)
    assert "7 天" in customer.ask("怎么退货")
    shut(shop, customer.openid)
    service_account.refused_templates.add(customer.openid)
    say(shop, customer.openid, "您的包裹已签收")
    assert "7 天" in Follower(service_account).ask("怎么退货")
    until(lambda: reasons(shop, customer.openid)[-1] == "blocked")
    assert states(shop, customer.openid) == ["sent", "failed"]


def test_who_has_paid_is_written_to_as_often_as_need_be(
    shop: Service, service_account: OfficialAccount
) -> None:
    customer = Follower(service_account)
    customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    service_account.pay(customer.openid)
    service_account.event(customer.openid, "merchant_order", OrderId="1", OrderStatus=2).result()
    for number in range(8):
        reply = {"text": f"第{number}句"}
        assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
        until(lambda number=number: f"第{number}句" in customer.got[-1].text)
    assert len(customer.got) >= 9
    until(lambda: set(states(shop, customer.openid)) == {"sent"})


def test_a_permission_is_good_for_one_message(
    wechat: WeChatDouble, shop: Service, compatible: OfficialAccount
) -> None:
    customer = Follower(compatible)
    assert "7 天" in customer.ask("怎么退货")
    shut(shop, customer.openid)
    compatible.authorise(customer.openid, "S-news").result()
    say(shop, customer.openid, "您的包裹已发出", "您的包裹已签收")
    assert "7 天" in Follower(compatible).ask("怎么退货")
    assert "已发出" in customer.next()
    assert customer.got[-1].by == "subscribe"
    until(lambda: states(shop, customer.openid) == ["sent", "sent", "held"])
    assert not [
        call
        for call in wechat.calls
        if call.outcome == "43101" and call.app_id == compatible.app_id
    ]


@pytest.mark.parametrize("is_shut", [False, True])
def test_nobody_is_asked_for_a_rating_once_the_window_is_shut(
    shop: Service, compatible: OfficialAccount, is_shut: bool
) -> None:
    customer = Follower(compatible)
    customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    if is_shut:
        shut(shop, customer.openid)
    assert shop.desk("POST", f"/conversations/{mine}/resolve").is_success
    query = select(Feedback).where(Feedback.conversation_id == mine)
    assert len(shop.look(lambda session: session.exec(query).all())) == (not is_shut)
    if not is_shut:
        assert "打个分" in customer.next()
    else:
        customer.say("在吗")
        assert "打个分" not in customer.next()
