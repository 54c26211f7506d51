"""What the address of every kind of account does when the platform calls it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

SUCCESS = "success"


class TooSlow(Exception):
    """Nothing was committed in time: the platform has to come again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to the platform, and what is to be done when that has been written."""

    body: str = SUCCESS
    then: Callable[[], Awaitable[None]] | None = None


class Callback(Protocol):
    """One account's address. Both raise `Forged` and `Unreadable` for what is not theirs."""

    def greet(self, query: Mapping[str, str]) -> str:
        """The answer to the console's question whether the address is ours."""

    async def take(self, query: Mapping[str, str], body: bytes) -> Answer:
        """Returns when the call's effect is committed, with the answer to it.

        Raises `Unavailable` and `TooSlow` when the platform has to come again.
        """
