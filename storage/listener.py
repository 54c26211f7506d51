"""Hears what other processes on the same PostgreSQL have committed."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from storage.live import Changes

CHANNEL = "xiaoer"
"""PostgreSQL notification channel that carries the topics of `storage.live`, after their origin."""


class Listener(threading.Thread):
    """Hears what is not of our own `origin` and passes the topics on; reconnects by itself."""

    def __init__(self, dsn: str, origin: str, publish: Callable[[Changes], None]) -> None:
        super().__init__(name="db-listen", daemon=True)
        self._dsn = dsn
        self._origin = origin
        self._publish = publish
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._hear(connection)
            except psycopg.Error:
                self._stopped.wait(1)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopped.is_set():
            for notice in connection.notifies(timeout=0.5):
                origin, _, topic = notice.payload.partition(" ")
                if origin != self._origin:
                    self._publish({topic: None})

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=2)
