"""Keeps an account within its platform's rates: when, and to whom, the next message may leave."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta

from bot.channels.base import Limits, Rate


class Tally:
    """Messages that count against a rate: from their start until its seconds after their end.

    When a message reaches the platform, between start and end, is not known. Counted this way,
    no sliding window at the platform ever sees more than the rate allows.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._running = 0
        self._ends: deque[float] = deque()

    def free(self, at: float) -> int:
        """How many may start at the moment `at` (seconds of a monotonic clock)."""
        while self._ends and self._ends[0] <= at - self.rate.seconds:
            self._ends.popleft()
        return self.rate.count - self._running - len(self._ends)

    def free_at(self) -> float | None:
        """When the next one ceases to count; None while all that count are under way."""
        return self._ends[0] + self.rate.seconds if self._ends else None

    def is_empty(self, at: float) -> bool:
        """Whether nothing counts any more."""
        return self.free(at) == self.rate.count

    def start(self) -> None:
        """A message sets out."""
        self._running += 1

    def end(self, at: float) -> None:
        """A message that set out has arrived, or has not."""
        self._running -= 1
        self._ends.append(at)


class Limiter:
    """An account's rates, overall and for each chat. All moments are seconds of one clock."""

    def __init__(self, limits: Limits, is_group: Callable[[str], bool]) -> None:
        self._limits = limits
        self._is_group = is_group
        self._overall = Tally(limits.overall) if limits.overall else None
        self._pace = Tally(_even(limits.overall)) if limits.overall else None
        self._chats: dict[str, list[Tally]] = {}
        self._closed: dict[str, float] = {}
        self._paused_until = 0.0
        self._sending: set[str] = set()

    def free(self, at: float, most: int) -> int:
        """How many messages may leave at `at`; never more than `most` at once."""
        if at < self._paused_until:
            return 0
        return min([most, *(tally.free(at) for tally in (self._overall, self._pace) if tally)])

    def busy(self, at: float) -> list[str]:
        """The chats that nothing may be sent to at `at`: one message of theirs is under way, or
        they have had as many as their rates allow."""
        for chat in [chat for chat, until in self._closed.items() if until <= at]:
            del self._closed[chat]
        for chat, tallies in list(self._chats.items()):
            if all(tally.is_empty(at) for tally in tallies):
                del self._chats[chat]
        full = {
            chat for chat, tallies in self._chats.items() if any(t.free(at) <= 0 for t in tallies)
        }
        return sorted(full | self._sending | self._closed.keys())

    def wait(self, at: float, otherwise: float) -> float:
        """Seconds until more may leave than at `at`; `otherwise` when nothing keeps it."""
        moments = [self._paused_until, *self._closed.values()]
        tallies = [tally for found in self._chats.values() for tally in found]
        tallies += [tally for tally in (self._overall, self._pace) if tally]
        moments += [moment for tally in tallies if (moment := tally.free_at()) is not None]
        return min((moment - at for moment in moments if moment > at), default=otherwise)

    def start(self, chat: str, at: float, *, counts: bool = True) -> None:
        """A message to `chat` sets out; what does not `counts` as one counts overall alone."""
        self._sending.add(chat)
        for tally in self._counting(chat, counts=counts):
            tally.start()
        if self._pace:
            self._pace.start()
            self._pace.end(at)

    def end(self, chat: str, at: float, *, counts: bool = True) -> None:
        """The message to `chat` that set out has arrived, or has not."""
        self._sending.discard(chat)
        for tally in self._counting(chat, counts=counts):
            tally.end(at)

    def recall(self, chat: str, at: float) -> None:
        """A message to `chat` left at `at`, before this process was in charge."""
        for tally in self._counting(chat):
            tally.start()
            tally.end(at)

    def pause(self, until: float, chat: str | None = None) -> None:
        """Send nothing before `until`: to `chat`, or to anybody."""
        if chat is None:
            self._paused_until = max(self._paused_until, until)
        else:
            self._closed[chat] = max(self._closed.get(chat, 0.0), until)

    @property
    def span(self) -> timedelta:
        """How long a message may count."""
        limits = self._limits
        rates = (limits.overall, limits.per_chat, limits.per_group)
        return timedelta(seconds=max((rate.seconds for rate in rates if rate), default=0.0))

    def _counting(self, chat: str, *, counts: bool = True) -> list[Tally]:
        """Where a message to `chat` counts until its rate's time after its end."""
        overall = [self._overall] if self._overall else []
        return [*self._of(chat), *overall] if counts else overall

    def _of(self, chat: str) -> list[Tally]:
        if chat not in self._chats:
            limits = self._limits
            rates = [limits.per_chat, limits.per_group if self._is_group(chat) else None]
            self._chats[chat] = [Tally(rate) for rate in rates if rate]
        return self._chats[chat]


def _even(rate: Rate) -> Rate:
    """A tenth of `rate` in a tenth of its time, and one to catch up after a delay.

    An urgent message then never waits for a burst to be forgotten.
    """
    return Rate(rate.count // 10 + 1, rate.seconds / 10)
