"""Files from the desk to customers in WeChat, by an official account and by 微信客服."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import KfApp
from tests.doubles.wechat_official import OfficialAccount
from tests.support import wechat_kf
from tests.support.at_desk import JPEG, MP3, MP4, PDF, AtTheDesk
from tests.support.listening import Listener
from tests.support.service import Service
from tests.support.waiting import until
from tests.support.wechat import Follower, account, conversation, section, states
from tests.support.wechat_kf import Person


@pytest.fixture(scope="module")
def double() -> Iterator[WeChatDouble]:
    with WeChatDouble().running() as found:
        yield found


@pytest.fixture(scope="module")
def official(double: WeChatDouble) -> OfficialAccount:
    return account(double, 21)


@pytest.fixture(scope="module")
def passive(double: WeChatDouble) -> OfficialAccount:
    return account(double, 22, service_messages=False)


@pytest.fixture(scope="module")
def kf(double: WeChatDouble) -> KfApp:
    return double.kf(
        wechat_kf.CORP, wechat_kf.KF_SECRET, wechat_kf.TOKEN, wechat_kf.AES_KEY,
        accounts={wechat_kf.SHOP: "小二"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop(
    double: WeChatDouble,
    official: OfficialAccount,
    passive: OfficialAccount,
    kf: KfApp,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    small_faq: Path,
) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("files-out"), model_cache, faq=small_faq)
    running.more_config = wechat_kf.kf_config(double)
    for name, one in (("service", official), ("passive", passive)):
        running.more_config += section(one, name, double.url)
        one.callback_url = f"{running.url}/wechat/{name}"
    kf.callback_url = wechat_kf.callback(running)
    running.start()
    yield running
    assert running.stop() == 0
    refused = [one for one in double.calls if one.outcome in ("40005", "40006", "40007", "45047")]
    assert refused == []


@pytest.fixture(scope="module")
def agent(shop: Service) -> AtTheDesk:
    return AtTheDesk(shop)


def taken(shop: Service, agent: AtTheDesk, who: Listener, chat: str) -> int:
    """The agent has taken the conversation and the customer has heard so, before what is tried."""
    who.next()
    number = conversation(shop, chat)
    assert agent.say(number, "我在").status_code == 200
    while "我在" not in who.next():
        pass
    until(lambda: set(states(shop, chat)) == {"sent"})
    second = int(time.time())
    until(lambda: int(time.time()) > second)  # the platform's times have no fractions
    return number


def said_in(shop: Service, number: int) -> list[str]:
    found = shop.desk("GET", f"/conversations/{number}/messages").json()["messages"]
    return [one["text"] for one in found]


def test_by_an_official_account(
    shop: Service, agent: AtTheDesk, double: WeChatDouble, official: OfficialAccount
) -> None:
    fan = Follower(official)
    fan.say("转人工")
    number = taken(shop, agent, fan, fan.openid)
    fan.say("有照片吗")
    before = len(fan.got)
    double.fail("media/upload", "reset after")
    for content, mime in ((JPEG, "image/jpeg"), (MP4, "video/mp4"), (MP3, "audio/mpeg")):
        assert agent.send(number, content, mime).status_code == 200
    assert agent.say(number, "请看").status_code == 200
    until(lambda: len(fan.got) == before + 4)
    shown = fan.got[before:]
    assert [one.kind for one in shown] == ["image", "video", "voice", "text"]
    assert [one.data["content"] for one in shown[:3]] == [JPEG, MP4, MP3]
    until(lambda: set(states(shop, fan.openid)) == {"sent"})
    refused = agent.send(number, PDF, "application/pdf")
    assert refused.status_code == 409
    assert "gif/jpg/png" in refused.json()["detail"]


def test_by_an_account_that_can_only_reply(
    shop: Service, agent: AtTheDesk, passive: OfficialAccount
) -> None:
    fan = Follower(passive)
    fan.say("转人工")
    refused = agent.send(conversation(shop, fan.openid), JPEG, "image/jpeg")
    assert refused.status_code == 409
    assert "只能在客人发来消息时回复文字" in refused.json()["detail"]


def test_by_kf(shop: Service, agent: AtTheDesk, double: WeChatDouble, kf: KfApp) -> None:
    person = Person.new(kf)
    person.say("转人工")
    number = taken(shop, agent, person, person.id)
    person.say("有说明书吗")
    until(lambda: "有说明书吗" in said_in(shop, number))
    before = len(person.got)
    double.fail("kf/send_msg", "reset after")  # it arrives, and nobody knows: it is sent again
    files = ((JPEG, "image/jpeg", "图.jpg"), (PDF, "application/pdf", "说明书.pdf"))
    for content, mime, name in files:
        assert agent.send(number, content, mime, name).status_code == 200
    assert agent.say(number, "都在这里").status_code == 200
    until(lambda: len(person.got) == before + 3)
    until(lambda: set(states(shop, person.id)) == {"sent"})
    shown = person.got[before:]
    assert [one.text for one in shown] == ["[image 图.jpg]", "[file 说明书.pdf]", "都在这里"]
    assert [one.data["content"] for one in shown[:2]] == [JPEG, PDF]
