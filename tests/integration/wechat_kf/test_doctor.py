"""`xiaoer doctor` looks at 微信客服 and WeCom apps, and says what is to be mended."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.channels.wechat.checkup import check
from bot.core.errors import XiaoerError
from bot.wechat_settings import WeChat
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import KfApp
from tests.support.wechat_kf import AES_KEY, CORP, KF_SECRET, OUTLET, SHOP, TOKEN, served

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[WeChatDouble, KfApp]]:
    with served() as found:
        found[0].wecom(CORP, "secret-of-the-app", TOKEN, AES_KEY, agent_id=7)
        yield found


def section(double: WeChatDouble, **more: Any) -> WeChat:
    about = {"name": "kf", "kind": "kf", "app_id": CORP, "secret": KF_SECRET, "token": TOKEN}
    values = {**about, "aes_key": AES_KEY, "open_kfid": SHOP, "api_base_url": double.url, **more}
    return WeChat(**values)


async def test_what_is_well(company: tuple[WeChatDouble, KfApp]) -> None:
    double, _ = company
    found = await check(section(double), NOWHERE)
    assert "kf, safe; 小二" in found
    assert "does not answer" in found
    app = {"kind": "wecom", "secret": "secret-of-the-app", "open_kfid": "", "agent_id": 7}
    assert "wecom, safe; 店小二" in await check(section(double, **app), NOWHERE)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"open_kfid": "wkUnknown"}, (SHOP, OUTLET, "折扣店小二")),
        ({"secret": "another-secret"}, ("40001",)),
        ({"app_id": "ww0000000000"}, ("40013",)),
        ({"kind": "wecom", "agent_id": 8, "open_kfid": ""}, ("40066",)),
        ({"api_base_url": NOWHERE}, (NOWHERE,)),
    ],
)
async def test_what_is_wrong(
    company: tuple[WeChatDouble, KfApp], wrong: dict[str, Any], says: tuple[str, ...]
) -> None:
    with pytest.raises(XiaoerError) as found:
        await check(section(company[0], **wrong), NOWHERE)
    for text in (found.value.zh, found.value.en):
        assert all(word in text for word in says)


async def test_an_address_that_may_not_call(company: tuple[WeChatDouble, KfApp]) -> None:
    double, app = company
    app.allowed_ips = frozenset()
    try:
        with pytest.raises(XiaoerError, match=r"127\.0\.0\.1"):
            await check(section(double), NOWHERE)
    finally:
        app.allowed_ips = None
