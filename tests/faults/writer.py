"""A process that stores customers as fast as it can and says which commits it was told of.

For each line on standard input, DATABASE_URL FIRST [PRAGMA], it forks a writer, which prints
`pid PID`, then the number of each customer after its commit; after its death `dead` is printed.
Forking spares the seconds of imports.
"""

import asyncio
import os
import random
import sys
from itertools import count

from sqlalchemy import event
from sqlmodel import Session

from storage.db import Database
from storage.models.customers import Customer

AT_ONCE = 24


def add(session: Session, number: int) -> None:
    """Store a customer whose texts take up to three pages."""
    long = "x" * random.randrange(10_000)
    session.add(Customer(shop_ref=str(number), name=f"customer {number}", email=long))


async def store(db: Database, numbers: "count[int]") -> None:
    for number in numbers:
        await db.transact(add, number)
        os.write(1, b"%d\n" % number)


async def main(url: str, first: int, pragma: str) -> None:
    db = Database(url)
    if pragma:
        event.listen(db.engine, "connect", lambda dbapi, _: dbapi.execute(f"PRAGMA {pragma}"))
    numbers = count(first)
    await asyncio.gather(*(store(db, numbers) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    for line in sys.stdin:
        url, first, *pragma = line.split()
        child = os.fork()
        if child == 0:
            os.write(1, b"pid %d\n" % os.getpid())
            asyncio.run(main(url, int(first), "".join(pragma)))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")
