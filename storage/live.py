"""Tells sockets and desks in this process that something they watch has changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlmodel import Session

from bot.core.messages import Address

QUEUE = "queue"
"""Topic: the list of conversations that agents see."""


def chat(address: Address) -> str:
    """Topic: the messages of one customer's chat."""
    return f"chat:{address.key}"


def sender(channel: str, account: str) -> str:
    """Topic: what waits to be sent by one channel account."""
    return f"sender:{channel}:{account}"


def touch(session: Session, *topics: str) -> None:
    """Announce `topics` when, and only if, the session's transaction commits."""
    session.info.setdefault("touched", set()).update(topics)


class Signal:
    """Wakes one listener. Any number of changes between two waits wake it once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the listener."""
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for a change, at most `seconds`. True when there was one."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Live:
    """Topics and who listens to them. Holds no data: a listener reads the tables again."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Signal]] = defaultdict(set)

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Signal]:
        """Listen to `topics` while the context is open."""
        signal = Signal()
        for topic in topics:
            self._listeners[topic].add(signal)
        try:
            yield signal
        finally:
            for topic in topics:
                self._listeners[topic].discard(signal)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    def publish(self, topics: Iterable[str]) -> None:
        """Wake the listeners of `topics`. Call it on the event loop's thread."""
        for topic in topics:
            for signal in self._listeners.get(topic, ()):
                signal.set()
