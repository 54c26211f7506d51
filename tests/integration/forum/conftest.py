"""A shop whose agents answer in a forum on the Bot API double, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.doubles.telegram import TelegramDouble
from tests.support.forum import AGENT, COLLEAGUE, Forum, forum_config
from tests.support.service import Service
from tests.support.short_minute import SHORT
from tests.support.telegram import served


@pytest.fixture(scope="module")
def platform() -> Iterator[TelegramDouble]:
    """The platform of the module's service. Its minute has three seconds, so that nobody waits."""
    with served(**SHORT) as double:
        yield double


@pytest.fixture(scope="module")
def forum(platform: TelegramDouble) -> Forum:
    return Forum(platform)


@pytest.fixture(scope="module")
def shop(
    platform: TelegramDouble,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    """One running service with two agents in its forum."""
    service = Service(
        tmp_path_factory.mktemp("forum"),
        model_cache,
        module=("tests.support.short_minute",),
        more_config=forum_config(platform),
    )
    service.write_config()
    for login, name, telegram_id in (("mei", "小美", AGENT), ("lan", "小兰", COLLEAGUE)):
        assert service.command("agent", "add", login, "--name", name).returncode == 0
        assert service.command("agent", "link", login, str(telegram_id)).returncode == 0
    service.start()
    yield service
    assert service.stop() == 0
