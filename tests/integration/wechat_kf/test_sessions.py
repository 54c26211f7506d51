"""What 微信客服 lets pass and what not: sessions that people have, windows, messages that fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from storage.models.agents import Agent
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import NEW, POOL, SERVICER, KfApp
from tests.integration.wechat_kf.test_conversation import conversation_of, said
from tests.support.command import xiaoer
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat_kf import Person, callback, kf_config


@pytest.fixture(scope="module")
def shop(
    platform: tuple[WeChatDouble, KfApp],
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    small_faq: Path,
) -> Iterator[Service]:
    double, app = platform
    service = Service(
        tmp_path_factory.mktemp("kf"), model_cache, faq=small_faq, more_config=kf_config(double)
    )
    service.write_config()
    for words in (("add", "xiaomei", "--name", "小美"), ("link", "xiaomei", "--wecom", "lisi")):
        assert xiaoer("agent", *words, "--config", str(service.config)).returncode == 0
    service.start()
    app.callback_url = callback(service)
    yield service
    assert service.stop() == 0


def deliveries(shop: Service, customer: Person) -> list[tuple[str, str]]:
    """State and reason of what was to be sent to somebody."""
    query = select(Delivery).where(Delivery.chat == customer.id).order_by(Delivery.id)
    return shop.look(lambda session: [(one.state, one.reason) for one in session.exec(query)])


def states(shop: Service, customer: Person) -> list[str]:
    return [state for state, _ in deliveries(shop, customer)]


def test_a_session_that_a_person_has_from_the_beginning(
    app: KfApp, shop: Service, customer: Person
) -> None:
    name = app.names[customer.id] = "直接人工"
    app.first_state = SERVICER
    customer.say("怎么退货")
    app.first_state = NEW
    mine = conversation_of(shop, name, "open")
    taken = shop.desk("POST", f"/conversations/{mine}/take")
    assert (taken.status_code, "WeCom" in taken.text) == (409, True)
    app.speak(customer.id, "lisi", "您好，我是丽思")
    until(lambda: ("agent", "您好，我是丽思") in said(shop, mine))
    customer.say("怎么退货呢")
    until(lambda: ("customer", "怎么退货呢") in said(shop, mine))
    assert [one.by for one in customer.got] == ["servicer lisi"], "the bot says nothing"
    app.end(customer.id)
    assert conversation_of(shop, name, "resolved") == mine
    customer.seen = 1
    assert "7 天" in customer.ask("怎么退货")
    assert states(shop, customer)[:-1] in ([], ["failed"]), "what was held is not said any more"


def test_somebody_takes_it_in_their_own_client(app: KfApp, shop: Service, customer: Person) -> None:
    name = app.names[customer.id] = "转走的"
    assert "7 天" in customer.ask("怎么退货")
    app.take(customer.id, "lisi")
    mine = conversation_of(shop, name, "open")
    assert any("小美正在企业微信里接待" in text for _, text in said(shop, mine))
    reply = {"text": "我来补充一句"}
    refused = shop.desk("POST", f"/conversations/{mine}/messages", json=reply)
    taken = shop.desk("POST", f"/conversations/{mine}/take")
    assert (refused.status_code, taken.status_code) == (409, 409), "it is 小美's"
    customer.say("怎么退货")
    until(lambda: said(shop, mine)[-1] == ("customer", "怎么退货"))
    assert len(customer.got) == 1
    app.end(customer.id)
    conversation_of(shop, name, "resolved")
    assert "7 天" in customer.ask("怎么退货")
    tried = [one for one in app.double.called("kf/send_msg") if one.data["touser"] == customer.id]
    assert len(tried) == 2, "nothing was tried while she had it"


def test_a_place_in_the_queue_there(app: KfApp, shop: Service, customer: Person) -> None:
    name = app.names[customer.id] = "池子里"
    app.first_state = POOL
    customer.say("怎么退货")
    app.first_state = NEW
    mine = conversation_of(shop, name, "open")
    until(lambda: any("接待池" in text for _, text in said(shop, mine)))
    assert customer.got == []


def test_what_did_not_arrive_has_failed(app: KfApp, shop: Service, customer: Person) -> None:
    app.fails_next.extend([4])
    customer.say("怎么退货")
    until(lambda: deliveries(shop, customer) == [("failed", "the session is older than 48 hours")])
    app.fails_next.extend([10])
    customer.say("怎么退货")
    until(lambda: states(shop, customer) == ["failed", "failed"])
    assert customer.got == []

    def is_blocked() -> bool:
        query = select(Identity).where(Identity.chat == customer.id)
        return shop.look(lambda session: session.exec(query).one().blocked_at is not None)

    until(is_blocked)
    assert "7 天" in customer.ask("怎么退货")
    assert not is_blocked()


def test_five_messages_and_no_more(app: KfApp, shop: Service, customer: Person) -> None:
    name = app.names[customer.id] = "话多"
    assert "人工" in customer.ask("转人工")
    mine = conversation_of(shop, name)
    for number in range(6):
        reply = {"text": f"第 {number} 条"}
        assert shop.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
    until(lambda: states(shop, customer) == ["sent"] * 5 + ["held"] * 3)
    customer.say("然后呢")
    until(lambda: states(shop, customer) == ["sent"] * 8)
    assert [text for text in app.texts(customer.id) if text.startswith("第")] == [
        f"第 {number} 条" for number in range(6)
    ]
    assert {call.outcome for call in app.double.called("kf/send_msg")} & {"95001", "95002"} == set()


@pytest.mark.parametrize("what", ["5xx", "reset before", "reset after", "busy", "40014"])
@pytest.mark.parametrize("path", ["kf/sync_msg", "kf/send_msg"])
def test_faults(app: KfApp, shop: Service, customer: Person, path: str, what: str) -> None:
    app.double.fail(path, what)
    assert "7 天" in customer.ask("怎么退货")
    until(lambda: states(shop, customer) == ["sent"])
    assert len(customer.got) == 1, "an id of ours makes it go out once"


def test_a_token_that_somebody_else_renewed(app: KfApp, shop: Service, customer: Person) -> None:
    app.rotate()
    assert "7 天" in customer.ask("怎么退货")


def test_pages_of_a_crowd(app: KfApp, shop: Service) -> None:
    app.page, app.loses_callbacks = 3, True
    people = [Person.new(app) for _ in range(8)]
    for one in people[:-1]:
        one.say("怎么退货")
    app.loses_callbacks = False
    people[-1].say("怎么退货")
    assert ["7 天" in one.next() for one in people] == [True] * 8
    app.page = 1000
    assert [in_chat(shop, one.id)[0] for one in people] == [("customer", "怎么退货")] * 8


def test_the_agent_is_linked(shop: Service) -> None:
    assert "lisi" in shop.look(lambda session: list(session.exec(select(Agent.wecom_id))))
