"""A process that carries out sendings until it is killed: DATABASE_URL BOT_API_URL SECOND.

It sends for the tests' account, 30 messages in SECOND seconds.
"""

import asyncio
import sys

from bot.care.house import House
from bot.care.sending_run import SendingRunner
from bot.channels.base import Limits, Policy, Rate
from bot.delivery.sender import Sender
from storage.db import Database
from tests.support.care import config
from tests.support.sending import ACCOUNT, PlainChannel
from tests.support.world import voice


async def main(database_url: str, api_url: str, second: str) -> None:
    policy = Policy(Limits(overall=Rate(30, float(second)), per_chat=Rate(1, 1)))
    care = House.of(config(), voice())
    care.connect({ACCOUNT: policy})
    db = Database(database_url)
    db.listen_to_others()
    sender = Sender(db, PlainChannel(api_url, policy), care.planner.guard)
    await asyncio.gather(sender.run(), SendingRunner(db, care.planner).run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
