"""`xiaoer` for whom Telegram's minute has three seconds, and its second a quarter of one; to one
chat it may write twenty times in a real one. `SHORT` makes a platform of the same kind.

python -m tests.support.short_minute run --config …
"""

from dataclasses import replace
from functools import partial

from bot.channels.base import Limits, Rate
from bot.channels.telegram import account, sending
from bot.cli import main

SECOND, PER_CHAT, MINUTE = 0.25, 0.05, 3.0
LIMITS = Limits(Rate(30, SECOND), Rate(1, PER_CHAT), Rate(20, MINUTE))
SHORT = {"second": SECOND, "per_chat": PER_CHAT, "group_seconds": MINUTE}

if __name__ == "__main__":
    short = replace(sending.POLICY, limits=LIMITS)
    account.TelegramChannel = partial(sending.TelegramChannel, policy=short)  # type: ignore[assignment, misc]
    main()
