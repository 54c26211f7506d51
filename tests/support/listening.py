"""Reads what comes into one chat, message by message, on whatever platform."""

from collections.abc import Sequence
from typing import Any

from tests.support.waiting import until


class Listener:
    """Somebody with a chat; `seen` messages of it were looked at."""

    seen = 0

    @property
    def got(self) -> Sequence[Any]:
        """All that has come; each has a `text`."""
        raise NotImplementedError

    def say(self, text: str) -> Any:
        """Write."""
        raise NotImplementedError

    def next(self, patience: float = 60) -> str:
        """The next message that was not looked at yet."""
        until(lambda: len(self.got) > self.seen, patience)
        self.seen += 1
        return str(self.got[self.seen - 1].text)

    def ask(self, text: str) -> str:
        """Write and wait for what comes back."""
        self.say(text)
        return self.next()
