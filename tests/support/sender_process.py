"""A process that sends for the tests' account until it is told to stop: DATABASE_URL BOT_API_URL."""

import asyncio
import signal
import sys

from bot.delivery.sender import Sender
from storage.db import Database
from tests.support.sending import PlainChannel


async def main(database_url: str, api_url: str) -> None:
    db = Database(database_url)
    db.listen_to_others()
    task = asyncio.create_task(Sender(db, PlainChannel(api_url)).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    db.close()


asyncio.run(main(*sys.argv[1:]))
