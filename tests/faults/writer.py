"""A process that stores as fast as it can and says which commits it was told of.

For each line on standard input, DATABASE_URL DEED FIRST LAST [PRAGMA], it forks a writer, which
prints `pid PID`, then each number from FIRST to LAST once its DEED is committed, `add` (a customer)
or `take` (a delivery, which counts once); after its death `dead` is printed. Forking spares the
seconds of imports.
"""

import asyncio
import os
import random
import sys
from collections.abc import Callable, Iterator

from sqlalchemy import event, text
from sqlmodel import Session

from storage.db import Database
from storage.models.customers import Customer
from storage.models.inbound import take

AT_ONCE = 24
EFFECTS = "CREATE TABLE effect (number INTEGER)"
"""Where `take_once` counts: nothing but the receipt keeps a number from being there twice."""
_COUNT = text("INSERT INTO effect (number) VALUES (:number)")


def add(session: Session, number: int) -> None:
    """Store a customer whose texts take up to three pages."""
    long = "x" * random.randrange(10_000)
    session.add(Customer(shop_ref=str(number), name=f"customer {number}", email=long))


def take_once(session: Session, number: int) -> None:
    """Take a delivery; the first time it is counted."""
    if take(session, "soak", str(number)) is not None:
        session.connection().execute(_COUNT, {"number": number})


DEEDS: dict[str, Callable[[Session, int], None]] = {"add": add, "take": take_once}


async def store(db: Database, deed: Callable[[Session, int], None], numbers: Iterator[int]) -> None:
    for number in numbers:
        await db.transact(deed, number)
        os.write(1, b"%d\n" % number)


async def main(url: str, deed: str, first: int, last: int, pragma: str) -> None:
    db = Database(url)
    if pragma:
        event.listen(db.engine, "connect", lambda dbapi, _: dbapi.execute(f"PRAGMA {pragma}"))
    numbers = iter(range(first, last + 1))
    await asyncio.gather(*(store(db, DEEDS[deed], numbers) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    for line in sys.stdin:
        url, deed, first, last, *pragma = line.split()
        child = os.fork()
        if child == 0:
            os.write(1, b"pid %d\n" % os.getpid())
            asyncio.run(main(url, deed, int(first), int(last), "".join(pragma)))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")
