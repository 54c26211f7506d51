"""A shop with a page of its own and a bot on Telegram, and two agents in browsers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.browser.conftest import logging_in
from tests.doubles.telegram import TelegramDouble
from tests.support.service import Service
from tests.support.telegram import bot_config, served


@pytest.fixture(scope="module")
def platform() -> Iterator[TelegramDouble]:
    with served() as double:
        yield double


@pytest.fixture(scope="module")
def service(
    platform: TelegramDouble,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    """The shop; it takes the place of the one without Telegram."""
    folder = tmp_path_factory.mktemp("two-channels")
    shop = Service(folder, model_cache, more_config=bot_config(platform)).start()
    yield shop
    assert shop.stop() == 0


@pytest.fixture(scope="module")
def log_in(service: Service) -> Callable[[str], str]:
    return logging_in(service)
