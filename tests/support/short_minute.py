"""`xiaoer` for whom Telegram's minute has three seconds, and its second a twentieth.

python -m tests.support.short_minute run --config …
"""

from dataclasses import replace
from functools import partial

from bot.channels.base import Limits, Rate
from bot.channels.telegram import account, sending
from bot.cli import main

LIMITS = Limits(overall=Rate(30, 1), per_chat=Rate(1, 0.05), per_group=Rate(20, 3))

if __name__ == "__main__":
    short = replace(sending.POLICY, limits=LIMITS)
    account.TelegramChannel = partial(sending.TelegramChannel, policy=short)  # type: ignore[assignment, misc]
    main()
