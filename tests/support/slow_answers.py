"""`xiaoer` with which a second of WeChat's patience lasts `SECOND`, and whose answer to a text that
begins with a number takes so many of those seconds.

python -m tests.support.slow_answers run --config …
"""

import asyncio
import re
from typing import Any

from bot.answering.answerer import Answerer
from bot.channels.wechat import account
from bot.cli import main

SECOND = 0.8
_SLOW = re.compile(r"(\d+)秒 ?(.*)")

if __name__ == "__main__":
    account.REPLY_SECONDS *= SECOND
    understand = Answerer.understand

    async def slowly(answerer: Answerer, text: str) -> Any:
        """Understand what stands behind the number."""
        found = _SLOW.fullmatch(text)
        if found is None:
            return await understand(answerer, text)
        await asyncio.sleep(int(found[1]) * SECOND)
        return await understand(answerer, found[2])

    Answerer.understand = slowly  # type: ignore[method-assign, assignment]
    main()
