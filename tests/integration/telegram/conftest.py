"""A shop whose bot is on the Bot API double, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.doubles.telegram import TelegramDouble
from tests.support.service import Service
from tests.support.telegram import TOKEN, bot_config


@pytest.fixture(scope="session")
def telegram() -> Iterator[TelegramDouble]:
    """The platform of the service that the tests share."""
    double = TelegramDouble()
    double.api.token = TOKEN
    with double.running():
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


@pytest.fixture
def platform() -> Iterator[TelegramDouble]:
    """A platform of the test's own."""
    double = TelegramDouble()
    double.api.token = TOKEN
    with double.running():
        yield double
