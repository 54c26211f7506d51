"""Tells sockets and desks in this process that something they watch has changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlmodel import Session

from bot.core.messages import Address

QUEUE = "queue"
"""Topic: the list of conversations that agents see."""

TEAMS = "teams"
"""Topic: what was said at the desk of teams and their hours."""

SENDINGS = "sendings"
"""Topic: a sending to many begins, rests or goes on."""

FILES = "files"
"""Topic: files that customers sent and that are to be fetched."""

Changes = Mapping[str, object]
"""Topics, each with what was committed there; None: look into the tables."""


def chat(address: Address) -> str:
    """Topic: the messages of one customer's chat."""
    return f"chat:{address.key}"


def writing(address: Address, author: str) -> str:
    """Topic: a customer, or an agent to them, is writing in a chat; nothing of it is stored."""
    return f"writing:{author}:{address.key}"


def agent(agent_id: int) -> str:
    """Topic: the conversations that one agent has."""
    return f"agent:{agent_id}"


def sender(channel: str, account: str) -> str:
    """Topic: what waits to be sent by one channel account."""
    return f"sender:{channel}:{account}"


def touch(session: Session, *topics: str) -> None:
    """Announce `topics` when, and only if, the session's transaction commits."""
    session.info.setdefault("touched", {}).update(dict.fromkeys(topics))


def tell(session: Session, topic: str, news: object) -> None:
    """`touch` with all that is new there, which spares the listeners of this process a look."""
    session.info.setdefault("touched", {})[topic] = news


def changes(session: Session) -> Changes:
    """What a session has announced."""
    return dict(session.info.get("touched", ()))


class Signal:
    """Wakes one listener. Any number of changes between two waits wake it once.

    `news` is what the change was, where it came with its news and none came besides.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.news: object = None

    def set(self, news: object = None) -> None:
        """Wake the listener."""
        self.news = None if self._event.is_set() else news
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether there is a change that nobody has waited for or taken yet."""
        return self._event.is_set()

    def take(self) -> bool:
        """Whether there was a change since it was last asked, or waited for."""
        was_set = self._event.is_set()
        self._event.clear()
        return was_set

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
    """Topics and who listens to them. News may get lost: then a listener reads the tables."""

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

    def publish(self, changes: Changes) -> None:
        """Wake the listeners of what has changed. Call it on the event loop's thread."""
        for topic, news in changes.items():
            for signal in self._listeners.get(topic, ()):
                signal.set(news)
