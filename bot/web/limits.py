"""How much one sender may send: a token bucket per key, forgotten when idle."""

from collections import OrderedDict
from time import monotonic


class RateLimit:
    """At most `burst` at once and `per_second` on average, per key.

    Keeps the `remember` most recently used keys, so memory is bounded. (Token bucket.)
    """

    def __init__(self, burst: int, per_second: float, remember: int = 100_000) -> None:
        self._burst = burst
        self._per_second = per_second
        self._remember = remember
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, key: str, at: float | None = None) -> bool:
        """Whether one more from `key` is within the limit, at `at` seconds (default: now)."""
        moment = monotonic() if at is None else at
        tokens, last = self._buckets.pop(key, (float(self._burst), moment))
        tokens = min(self._burst, tokens + (moment - last) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, moment)
        if len(self._buckets) > self._remember:
            self._buckets.popitem(last=False)
        return allowed
