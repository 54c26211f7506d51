"""A shop on 微信客服, over real HTTP, at the double of the platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import KfApp
from tests.support.service import Service
from tests.support.wechat_kf import AES_KEY, KF_SECRET, TOKEN, Person, callback, kf_config, served


@pytest.fixture(scope="module")
def platform() -> Iterator[tuple[WeChatDouble, KfApp]]:
    """The platform of the service that a module's tests share."""
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def double(platform: tuple[WeChatDouble, KfApp]) -> WeChatDouble:
    return platform[0]


@pytest.fixture(scope="module")
def app(platform: tuple[WeChatDouble, KfApp]) -> KfApp:
    return platform[1]


@pytest.fixture(scope="module")
def shop(
    platform: tuple[WeChatDouble, KfApp],
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    """A running service with both 客服帐号; no secret and no word of a customer is in its log."""
    double, app = platform
    config = kf_config(double, outlet=True)
    service = Service(tmp_path_factory.mktemp("kf"), model_cache, more_config=config).start()
    app.callback_url = callback(service)
    yield service
    assert service.stop() == 0
    for secret in (KF_SECRET, TOKEN, AES_KEY, "怎么退货"):
        assert secret not in service.log


@pytest.fixture
def customer(app: KfApp, shop: Service) -> Person:
    return Person.new(app)
