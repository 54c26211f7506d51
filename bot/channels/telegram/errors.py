"""What the Bot API's errors mean for a message that was being sent."""

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.channels.base import DeliveryError, Refused, TryLater, Uncertain

TOKEN_SECONDS = 60.0
"""How long to wait after the token was refused: somebody has to mend the configuration."""
_NOT_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_GONE = ("bot was blocked", "user is deactivated", "bot was kicked")


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram asks us to wait, in seconds."""
    wait = error.retry_after  # of either type, by the library's setting
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()


def delivery_error(error: TelegramError, *, is_group: bool) -> DeliveryError:
    """What the sender has to do after `error`.

    A 429 counts for the group in a group, and for the whole bot elsewhere: to one person we never
    send faster than allowed. A request that was written and not answered is uncertain, for
    sendMessage has no idempotency key.
    """
    if isinstance(error, RetryAfter):
        return TryLater("429", seconds_of(error), everyone=not is_group)
    if isinstance(error, Forbidden):
        blocked = any(reason in str(error).lower() for reason in _GONE)
        return Refused(str(error), blocked=blocked)
    if isinstance(error, InvalidToken):
        return TryLater(f"token refused: {error}", TOKEN_SECONDS, everyone=True)
    if isinstance(error, BadRequest | ChatMigrated):
        return Refused(str(error))
    if isinstance(error.__cause__, _NOT_WRITTEN):
        return TryLater(_named(error))
    if "too many requests" in str(error).lower():
        return TryLater("429")
    return Uncertain(_named(error))


def _named(error: TelegramError) -> str:
    cause = error.__cause__
    return f"{type(cause).__name__}: {error}" if isinstance(cause, httpx.HTTPError) else str(error)
