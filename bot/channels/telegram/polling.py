"""Asks Telegram for updates; what has not been committed is asked for again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.channels.base import Duty
from bot.channels.telegram.client import Client
from bot.channels.telegram.errors import seconds_of
from bot.core.errors import Unavailable, traced

RETRY_SECONDS = 1.0
"""How long to wait when the database or the network cannot serve."""
WRONG_SECONDS = 20.0
"""How long to wait when somebody has to put something right."""
CONFLICT = (
    "updates cannot be polled: a webhook is set, or another program polls with this token. "
    "To remove a webhook (nothing does it by itself): "
    'curl <api_base_url>/bot<token>/deleteWebhook ; or set mode = "webhook". '
    "无法轮询：该机器人设置了 webhook，或别的程序在用同一个 token。"
)

Take = Callable[[Mapping[str, Any]], Awaitable[None]]

log = structlog.get_logger()


async def poll(client: Client, account: str, take: Take, duty: Duty) -> None:
    """Take updates until cancelled, while asking for them is this process's duty.

    An update is confirmed, by the offset of the next request, only when it and all before it have
    been committed. The offset is not stored: Telegram itself knows what was confirmed, and its
    update ids may begin anew after a quiet week.
    """
    while True:
        try:
            async with duty.held():
                await _serve(client, account, take, duty)
        except Exception as error:
            log.error("polling begins again", bot=account, error=traced(error))
            await asyncio.sleep(RETRY_SECONDS)


async def _serve(client: Client, account: str, take: Take, duty: Duty) -> None:
    log.info("polling", bot=account)
    offset = 0
    while await duty.is_ours():
        found = await _ask(client, account, offset)
        if not found:
            continue
        if await _take_all(found, take):
            offset = found[-1]["update_id"] + 1
        else:
            await asyncio.sleep(RETRY_SECONDS)


async def _take_all(found: list[dict[str, Any]], take: Take) -> bool:
    """Take updates, those of different chats side by side. False when one was not committed.

    All are begun in their order, which is what keeps the order within a chat.
    """
    taking = [asyncio.ensure_future(take(raw)) for raw in found]
    results = await asyncio.gather(*taking, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Unavailable):
            log.error("an update is left out", error=traced(result))
    return not any(isinstance(result, Unavailable) for result in results)


async def _ask(client: Client, account: str, offset: int) -> list[dict[str, Any]]:
    """The next updates; none when there are none, or after waiting out an error."""
    try:
        return await client.raw_updates(offset)
    except Conflict:
        log.error(CONFLICT, bot=account)
        await asyncio.sleep(WRONG_SECONDS)
    except InvalidToken:
        log.error("the token is refused: see @BotFather. token 被拒绝。", bot=account)
        await asyncio.sleep(WRONG_SECONDS)
    except RetryAfter as error:
        await asyncio.sleep(seconds_of(error))
    except TelegramError as error:
        log.warning("no updates", bot=account, error=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)
    return []
