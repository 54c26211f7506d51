"""`xiaoer doctor` says whether a bot is set up as its section says, and how to mend it."""

import pytest

from bot.channels.telegram import rights
from bot.channels.telegram.checkup import BotWrong, check
from bot.config import Telegram
from tests.doubles.bot_api import Webhook
from tests.doubles.group_chats import GroupChat
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
    with pytest.raises(BotWrong, match=r"cannot be reached.*HTTPS_PROXY"):
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


GROUP, ADMINS, DESK = -1001, -1002, -1003


async def looked(platform: TelegramDouble, **more: object) -> dict[str, str]:
    """What is said about each chat of a bot's section."""
    group = {"id": GROUP, "admin_chat_id": ADMINS, **more}
    bot = settings(platform, groups=[group], desk_chat_id=DESK)
    found = {}
    for place in rights.places(bot):
        try:
            found[place.what] = await rights.check(bot, place)
        except BotWrong as error:
            found[place.what] = f"{error.text('zh')} {error.text('en')}"
    return found


@pytest.fixture
def groups(platform: TelegramDouble) -> dict[str, GroupChat]:
    """A bot that may do all it needs."""
    platform.api.forums[str(DESK)] = {}
    platform.api.groups = {str(chat): GroupChat() for chat in (GROUP, ADMINS, DESK)}
    return platform.api.groups


async def test_rights_in_groups_and_the_forum(
    platform: TelegramDouble, groups: dict[str, GroupChat]
) -> None:
    assert set((await looked(platform)).values()) == {"ok 正常"}
    groups[str(GROUP)].denied = {"can_restrict_members"}
    groups[str(DESK)].denied = {"can_manage_topics", "can_pin_messages"}
    groups[str(ADMINS)].status = "restricted"
    told = await looked(platform)
    assert "lacks rights: ban users." in told["group 群"]
    assert "缺少权限：封禁用户。" in told["group 群"]
    assert "lacks rights: manage topics, pin messages." in told["desk 客服台"]
    assert "may not write" in told["admins' chat 管理群"]
    assert (await looked(platform, dry_run=True))["group 群"] == "ok 正常"


async def test_a_bot_that_is_no_admin_or_not_there(
    platform: TelegramDouble, groups: dict[str, GroupChat]
) -> None:
    groups[str(GROUP)].powerless = True
    groups[str(ADMINS)].status = "left"
    del platform.api.forums[str(DESK)]
    told = await looked(platform)
    assert "no admin" in told["group 群"]
    assert "delete messages, ban users" in told["group 群"]
    assert "Add the bot" in told["admins' chat 管理群"]
    assert "Turn Topics on" in told["desk 客服台"]
    del groups[str(ADMINS)]
    platform.api.migrated = {str(GROUP): -100777}
    told = await looked(platform)
    assert "hat not found" in told["admins' chat 管理群"]
    assert "new id -100777" in told["group 群"]


def test_the_command_shows_it(platform: TelegramDouble, own_service: Service) -> None:
    own_service.more_config = bot_config(platform) + "groups = [-1005]\n"
    platform.api.reads_all = True
    platform.api.groups["-1005"] = GroupChat(denied={"can_delete_messages"})
    own_service.write_config()
    assert "✓ Telegram shop: @xiaoer_bot, polling" in own_service.command("doctor").stderr
    shown = own_service.command("doctor").stderr
    assert "✗ Telegram shop, group 群 -1005: the bot lacks rights: delete messages" in shown
    platform.api.token = "7:changed"
    done = own_service.command("doctor")
    assert "✗ Telegram shop: the token is refused" in done.stderr
    assert done.returncode == 1
