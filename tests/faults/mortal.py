"""A process that forks one that dies at a point: lines POINT DATABASE_URL [BOT_API_URL].

The child takes five messages of one chat, printing each id as its acknowledgement, or, with an
address to send to, sends what waits: to a webhook, where the address is one's. After its death
`dead` is printed.
"""

import asyncio
import os
import sys

from bot.answering.understanding import Understanding
from bot.channels.base import Policy
from bot.core.messages import Address, Inbound
from bot.delivery.sender import Sender
from bot.dialogue.intake import Intake
from storage.db import Database
from tests.support import killed_at, world
from tests.support.hooks import endpoint, hook
from tests.support.receiving import reception_of, understood
from tests.support.sending import PlainChannel

IDS = ("m1", "m2", killed_at.FATAL, "m4", "m5")


def message(external_id: str) -> Inbound:
    """One of the five messages."""
    return Inbound(Address("web", "main", "ann", pulls=True), external_id, "怎么退货")


RECEPTION = reception_of(world.voice())


def intake(db: Database) -> Intake:
    """The way in, with the small FAQ."""
    return Intake(db, understand, RECEPTION)


async def understand(text: str) -> Understanding:
    return understood(text)


async def take_all(url: str) -> None:
    taking = intake(Database(url))
    for external_id in IDS:
        await taking.take(message(external_id))
        os.write(1, f"{external_id}\n".encode())
        if external_id == killed_at.FATAL:  # killed once it is acknowledged
            killed_at.die()


async def send_all(url: str, api_url: str) -> None:
    db = Database(url)
    is_hook = api_url.endswith("/hooks")
    channel = endpoint(db, hook(api_url)) if is_hook else PlainChannel(api_url, policy=Policy())
    await Sender(db, channel).run()


if __name__ == "__main__":
    for line in sys.stdin:
        point, *where = line.split()
        child = os.fork()
        if child == 0:
            if point != "acknowledged":
                killed_at.arm(point)
            asyncio.run(send_all(*where) if len(where) > 1 else take_all(*where))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")
