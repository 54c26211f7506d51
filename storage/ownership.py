"""Lets one process at a time do what only one may do, such as sending for a channel account."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import text
from sqlmodel import Session

from storage.db import Database

LOOK_SECONDS = 1.0
"""How often a process looks, at least, whether its lock still holds."""
TRY_SECONDS = 0.2
"""How often a process tries whether another's lock has become free: nothing is sent meanwhile."""
_DEAD_SECONDS: dict[str, Any] = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
}
"""How soon each side notices that the other's machine is gone (TCP keepalive)."""


def alone(session: Session, name: str) -> bool:
    """Whether `name`'s work is this transaction's until it ends, and no other process's."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(session.connection().execute(query, {"name": name}).scalar_one())


def in_turn(session: Session, name: str) -> None:
    """Wait until `name`'s work is this transaction's; then it is until it ends."""
    if session.get_bind().dialect.name == "sqlite":  # it writes alone anyway
        return
    query = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.connection().execute(query, {"name": name})


class Ownership:
    """The right to do `name`'s work, held by this process while it lives.

    On PostgreSQL it is an advisory lock, which the server gives back when the process or its
    machine dies. On SQLite the service process has the file for itself, and with it everything.
    """

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._connection: psycopg.AsyncConnection[Any] | None = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait until the work is ours; it is until the context ends or `is_ours` says no."""
        while not await self._try():  # noqa: ASYNC110 (another process's death sets no event)
            await asyncio.sleep(TRY_SECONDS)
        try:
            yield
        finally:
            await self._let_go()

    async def is_ours(self) -> bool:
        """Whether the lock still holds: a lost connection may have given it away."""
        if self._connection is None:
            return self._db.is_sqlite
        try:
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    async def _try(self) -> bool:
        if self._db.is_sqlite:
            return True
        try:
            if self._connection is None:
                self._connection = await self._connect()
            answer = await self._connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._name]
            )
            row = await answer.fetchone()
        except psycopg.Error:
            await self._let_go()
            return False
        return bool(row and row[0])

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(
            self._db.dsn, autocommit=True, **_DEAD_SECONDS
        )
        for name, seconds in _DEAD_SECONDS.items():
            # A Unix socket has no keepalive, and needs none.
            with contextlib.suppress(psycopg.Error):
                await connection.execute(f"SET tcp_{name} = {seconds}")
        return connection

    async def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None
