"""Agents are told in WeCom that a customer waits for a person, within what the platform allows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_corp import WecomApp
from tests.doubles.wechat_kf import KfApp
from tests.support.command import xiaoer
from tests.support.service import Service
from tests.support.waiting import until
from tests.support.wechat_kf import AES_KEY, CORP, TOKEN, Person, callback, kf_config

APP_SECRET = "secret-of-the-app-tests"


@pytest.fixture(scope="module")
def wecom(double: WeChatDouble) -> WecomApp:
    people = {"lisi", "wangwu"}
    return double.wecom(CORP, APP_SECRET, TOKEN, AES_KEY, agent_id=1000002, members=people)


@pytest.fixture(scope="module")
def shop(
    double: WeChatDouble,
    app: KfApp,
    wecom: WecomApp,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    small_faq: Path,
) -> Iterator[Service]:
    config = kf_config(double) + (
        f'[[wechat]]\nname = "team"\nkind = "wecom"\napp_id = "{CORP}"\nsecret = "{APP_SECRET}"\n'
        f'token = "{TOKEN}"\naes_key = "{AES_KEY}"\nagent_id = 1000002\n'
        f'api_base_url = "{double.url}"\n'
    )
    service = Service(
        tmp_path_factory.mktemp("notices"), model_cache, faq=small_faq, more_config=config
    )
    service.public_url = service.url
    service.write_config()
    for login, member in (("xiaomei", "lisi"), ("xiaowang", "wangwu"), ("gone", "nobody")):
        for words in (("add", login), ("link", login, "--wecom", member)):
            assert xiaoer("agent", *words, "--config", str(service.config)).returncode == 0
    service.start()
    app.callback_url, wecom.callback_url = callback(service), f"{service.url}/wechat/team"
    yield service
    assert service.stop() == 0
    assert APP_SECRET not in service.log


def test_a_customer_waits(shop: Service, app: KfApp, wecom: WecomApp, customer: Person) -> None:
    app.names[customer.id] = "等人的"
    customer.ask("转人工")
    for member in ("lisi", "wangwu"):
        found = until(lambda member=member: wecom.texts(member))
        assert found == [f"等人的在等人工（要人工），现在共有 1 位在等。\n{shop.url}/desk"]

    def tried() -> dict[str, str]:
        return {call.data["touser"]: call.outcome for call in wecom.double.called("message/send")}

    until(lambda: tried() == {"lisi": "ok", "wangwu": "ok", "nobody": "81013"})


def test_no_member_gets_more_than_the_platform_lets_through(
    shop: Service, app: KfApp, wecom: WecomApp
) -> None:
    people = [Person.new(app) for _ in range(36)]
    for one in people:
        one.say("转人工")
    for one in people:
        assert "人工" in one.next()
    waiting = shop.desk("GET", "/conversations", params={"state": "waiting"}).json()
    assert len(waiting["conversations"]) == 37
    assert wecom.dropped == []
    assert len(wecom.texts("lisi")) <= 30


def test_the_console_is_greeted(shop: Service, wecom: WecomApp) -> None:
    assert wecom.verify() == "200 same"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("xiaowang", "--wecom", "lisi"), "already"),
        (("xiaowang", "--wecom", "li si"), "letters"),
        (("xiaowang",), "--wecom"),
        (("xiaowang", "123", "--wecom", "x"), "--wecom"),
    ],
)
def test_links_that_cannot_be(shop: Service, words: tuple[str, ...], says: str) -> None:
    done = xiaoer("agent", "link", *words, "--config", str(shop.config))
    assert done.returncode in (1, 2)
    assert says in done.stderr
