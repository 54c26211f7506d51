"""A process that sends until it is told to stop: DATABASE_URL BOT_API_URL [telegram].

It sends for the tests' account, plainly or through the Telegram channel.
"""

import asyncio
import signal
import sys
from zoneinfo import ZoneInfo

from bot.channels.base import Channel
from bot.channels.telegram.client import connect
from bot.channels.telegram.sending import TelegramChannel
from bot.config import Telegram
from bot.delivery.sender import Sender
from storage.db import Database
from tests.support.sending import ACCOUNT, PlainChannel


def channel(api_url: str, kind: str) -> Channel:
    """What sends; both have the same account and the same limits."""
    if kind != "telegram":
        return PlainChannel(api_url)
    settings = Telegram(name=ACCOUNT[1], token="1:x", api_base_url=api_url)
    return TelegramChannel(connect(settings), ACCOUNT[1], ZoneInfo("UTC"))


async def main(database_url: str, api_url: str, kind: str = "") -> None:
    db = Database(database_url)
    db.listen_to_others()
    task = asyncio.create_task(Sender(db, channel(api_url, kind)).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    db.close()


asyncio.run(main(*sys.argv[1:]))
