"""`xiaoer doctor` says whether a bot is set up as its section says, and how to mend it."""

import pytest

from bot.channels.telegram.checkup import BotWrong, check
from bot.config import Telegram
from tests.doubles.bot_api import Webhook
from tests.doubles.telegram import TelegramDouble
from tests.support.service import Service
from tests.support.telegram import SECRET, TOKEN, bot_config

PUBLIC = "https://shop.example"


def settings(platform: TelegramDouble, mode: str = "polling", **more: object) -> Telegram:
    values = {"name": "shop", "token": TOKEN, "mode": mode, "webhook_secret": SECRET, **more}
    return Telegram.model_validate({"api_base_url": platform.url, **values})


async def test_all_is_well(platform: TelegramDouble) -> None:
    assert await check(settings(platform), "") == "@xiaoer_bot, polling"


async def test_a_token_that_is_refused(platform: TelegramDouble) -> None:
    with pytest.raises(BotWrong, match="BotFather"):
        await check(settings(platform, token="2:y"), "")


async def test_a_server_that_is_not_there(platform: TelegramDouble) -> None:
    with pytest.raises(BotWrong, match="cannot be reached"):
        await check(settings(platform, api_base_url="http://127.0.0.1:9"), "")


async def test_a_webhook_in_the_way_of_polling(platform: TelegramDouble) -> None:
    platform.api.webhook = Webhook("https://elsewhere.example/x")
    with pytest.raises(BotWrong, match=r"elsewhere.*deleteWebhook"):
        await check(settings(platform), "")
    assert platform.api.webhook.url


async def test_webhooks(platform: TelegramDouble) -> None:
    with pytest.raises(BotWrong, match="public_url"):
        await check(settings(platform, "webhook"), "")
    assert "not registered yet" in await check(settings(platform, "webhook"), PUBLIC)
    platform.api.webhook = Webhook("https://elsewhere.example/x")
    assert "leads to https://elsewhere" in await check(settings(platform, "webhook"), PUBLIC)
    platform.api.webhook = Webhook(f"{PUBLIC}/telegram/shop", last_error="Wrong response: 502")
    long = settings(platform, "webhook", webhook_secret="x" * 20)
    assert "502" in await check(long, PUBLIC)
    platform.api.webhook.last_error = ""
    assert await check(long, PUBLIC + "/") == "@xiaoer_bot, webhook"
    assert "https addresses only" in await check(long, "http://shop.example")


async def test_privacy_mode_matters_where_there_are_groups(platform: TelegramDouble) -> None:
    assert "/setprivacy" in await check(settings(platform, groups=[-5]), "")
    platform.api.reads_all = True
    assert "/setprivacy" not in await check(settings(platform, groups=[-5]), "")


def test_the_command_shows_it(platform: TelegramDouble, own_service: Service) -> None:
    own_service.more_config = bot_config(platform)
    own_service.write_config()
    assert "✓ Telegram shop: @xiaoer_bot, polling" in own_service.command("doctor").stderr
    platform.api.token = "7:changed"
    done = own_service.command("doctor")
    assert "✗ Telegram shop: the token is refused" in done.stderr
    assert done.returncode == 1
