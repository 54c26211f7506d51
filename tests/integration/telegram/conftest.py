"""A shop whose bot is on the Bot API double, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.doubles.telegram import TelegramDouble
from tests.support.service import Service
from tests.support.telegram import SECRET, TOKEN, bot_config, served
from tests.support.waiting import until


@pytest.fixture(scope="session")
def telegram() -> Iterator[TelegramDouble]:
    """The platform of the service that the tests share."""
    with served() as double:
        yield double


@pytest.fixture(scope="session")
def telegram_shop(
    telegram: TelegramDouble,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    """One running service with a bot that polls."""
    shop = Service(
        tmp_path_factory.mktemp("telegram"), model_cache, more_config=bot_config(telegram)
    ).start()
    yield shop
    assert shop.stop() == 0
    for secret in (TOKEN, SECRET, "怎么退货", "从头到尾"):
        assert secret not in shop.log


@pytest.fixture
def platform() -> Iterator[TelegramDouble]:
    """A platform of the test's own."""
    with served() as double:
        yield double


@pytest.fixture(scope="session")
def hooked() -> Iterator[TelegramDouble]:
    """The platform of the service that is called by webhook."""
    with served() as double:
        yield double


@pytest.fixture(scope="session")
def hooked_shop(
    hooked: TelegramDouble,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    small_faq: Path,
) -> Iterator[Service]:
    """One running service with a bot that Telegram calls, and one that polls a dead address."""
    shop = Service(tmp_path_factory.mktemp("hooked"), model_cache, faq=small_faq)
    shop.public_url = shop.url
    shop.more_config = bot_config(hooked, "webhook") + (
        '[[telegram]]\nname = "other"\ntoken = "2:x"\napi_base_url = "http://127.0.0.1:9"\n'
    )
    shop.start()
    until(lambda: hooked.api.webhook.url)
    yield shop
    assert shop.stop() == 0
    for secret in (TOKEN, SECRET, "怎么退货"):
        assert secret not in shop.log
