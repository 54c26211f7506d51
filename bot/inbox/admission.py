"""Lets in no more messages than can be answered soon; whoever is turned away sends again."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from bot.core.errors import Unavailable

PATIENCE = 0.5
"""Seconds that a message may be expected to wait behind those before it."""
LEAST = 64
"""So many are always let in: what comes at once is not yet too much."""
PER_CHAT = 8
"""How many of one chat may wait at a time, over all its connections."""
MEMORY = 2.0
"""Seconds of work after which what was measured counts half."""
RETRY_AFTER = 2
"""Seconds after which a message that was turned away is to come again."""


class Busy(Unavailable):
    """Too many messages wait: nothing was stored, and this one is to be sent again."""

    retry_after = RETRY_AFTER

    def __init__(self) -> None:
        super().__init__(
            "现在消息太多，请过几秒再发一次。",
            "Too many messages are waiting: send this one again in a few seconds.",
        )


class Admission:
    """Counts those who wait, and how many are done in a second while anybody waits.

    As many are let in as are done in `patience` seconds, but at least `least`, and at most
    `per_chat` of one chat. So under any load the wait stays short (Little's law: those who wait =
    those done in a second × the wait), and memory bounded. `clock` counts seconds.
    """

    def __init__(
        self,
        patience: float = PATIENCE,
        least: int = LEAST,
        per_chat: int = PER_CHAT,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._patience = patience
        self._least = least
        self._per_chat = per_chat
        self._clock = clock
        self._chats: Counter[str] = Counter()
        self._waiting = 0
        self._looked = clock()
        self._busy = 0.0
        self._done = 0.0

    @property
    def waiting(self) -> int:
        """How many have been let in and are not done."""
        return self._waiting

    @property
    def room(self) -> int:
        """How many may wait at a time, by what was measured so far."""
        rate = self._done / self._busy if self._busy else 0.0
        return max(self._least, int(self._patience * rate))

    @contextmanager
    def enter(self, chat: str = "") -> Iterator[None]:
        """Be let in while the context is open; a `chat` has its share. Raises `Busy`."""
        if self._waiting >= self.room or (chat and self._chats[chat] >= self._per_chat):
            raise Busy
        self._look()
        self._waiting += 1
        self._chats[chat] += 1
        try:
            yield
            self._done += 1
        finally:
            self._look()
            self._waiting -= 1
            self._chats[chat] -= 1
            if not self._chats[chat]:
                del self._chats[chat]

    def _look(self) -> None:
        """Count the seconds since the last look, if anybody waited in them."""
        moment = self._clock()
        if self._waiting:
            self._busy += moment - self._looked
        self._looked = moment
        if self._busy > MEMORY:
            self._busy, self._done = self._busy / 2, self._done / 2
