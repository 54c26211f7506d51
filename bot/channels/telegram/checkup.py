"""Looks whether a bot is set up as its section says, and says how to mend what is not."""

from telegram import User, WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram import client as clients
from bot.config import Telegram
from bot.core.errors import XiaoerError

GOOD_SECRET = 16
"""A shorter secret can be guessed."""


class BotWrong(XiaoerError):
    """The bot does not work as it is configured."""


async def check(settings: Telegram, public_url: str) -> str:
    """What there is to say about a bot that works. Raises `BotWrong`."""
    client = clients.connect(settings)
    try:
        me, webhook = await client.get_me(), await client.get_webhook_info()
    except TelegramError as error:
        raise unreachable(settings, error) from error
    finally:
        await clients.disconnect(client)
    if settings.mode == "polling":
        _refuse_webhook(settings, webhook)
    notes = [f"@{me.username}, {settings.mode}", *_notes(settings, me)]
    if settings.mode == "webhook":
        notes += _webhook_notes(settings, webhook, public_url)
    return "; ".join(notes)


def unreachable(settings: Telegram, error: TelegramError) -> BotWrong:
    """What is wrong where Telegram does not answer as it does to its bots."""
    if isinstance(error, InvalidToken):
        return BotWrong(
            "token 被拒绝。请在 Telegram 里找 @BotFather，用 /token 核对。",
            "the token is refused. Ask @BotFather on Telegram (/token) for the right one.",
        )
    name = type(error).__name__
    return BotWrong(
        f"连不上 {settings.api_base_url}（{name}）。请检查网络；要经代理的，"
        "设置环境变量 HTTPS_PROXY，或改 api_base_url。",
        f"{settings.api_base_url} cannot be reached ({name}). Check the network; where a proxy is "
        "needed, set HTTPS_PROXY in the environment, or another api_base_url.",
    )


def _refuse_webhook(settings: Telegram, webhook: WebhookInfo) -> None:
    if webhook.url:
        how = f"curl {settings.api_base_url.rstrip('/')}/bot<token>/deleteWebhook"
        raise BotWrong(
            f"该机器人已设置 webhook（{webhook.url}），轮询收不到消息。"
            f'要么改成 mode = "webhook"，要么删掉它：{how}',
            f"a webhook is set ({webhook.url}), so polling gets nothing. Either set "
            f'mode = "webhook", or remove it: {how}',
        )


def _notes(settings: Telegram, me: User) -> list[str]:
    if settings.groups and not me.can_read_all_group_messages:
        return [
            "! privacy mode is on: in groups the bot sees commands and replies only "
            "(@BotFather, /setprivacy) 隐私模式已开启，群里只能看到命令和回复"
        ]
    return []


def _webhook_notes(settings: Telegram, webhook: WebhookInfo, public_url: str) -> list[str]:
    if not public_url:
        raise BotWrong(
            "webhook 需要公网地址：请设置 [web] public_url。",
            "a webhook needs an address that Telegram can reach: set [web] public_url.",
        )
    expected = clients.webhook_url(settings, public_url)
    found = []
    if not webhook.url:
        found.append("not registered yet: the service does it when it starts 启动服务时会自动注册")
    elif webhook.url != expected:
        found.append(f"! the webhook leads to {webhook.url}, the service will set {expected}")
    elif webhook.last_error_message:
        found.append(
            f"! Telegram's last call failed 最近一次回调失败: {webhook.last_error_message}"
        )
    if not expected.startswith("https://"):
        found.append("! Telegram calls https addresses only 只支持 https 地址")
    if len(settings.webhook_secret) < GOOD_SECRET:
        found.append("! webhook_secret is short 过短")
    return found
