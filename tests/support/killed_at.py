"""Kills its own process at a named point of a message's way; the product has no hooks for it.

    python -m tests.support.killed_at POINT run --config …

is `xiaoer run …` that dies so at the message whose client id is `fatal`.
"""

import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from bot.channels.webhook import Endpoint
from bot.core.messages import Inbound
from bot.delivery import claims, errands, outcomes
from bot.dialogue.intake import Intake
from bot.dialogue.receive import Reception
from bot.inbox.kf_log import KeptLog
from bot.web import chat_socket
from storage.db import Database
from tests.support.sending import PlainChannel

FATAL = "fatal"
"""The client id of the message that kills."""

_is_fatal = False


def die(*_: object) -> None:
    """kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Die when this process comes to `point`."""
    global _is_fatal
    owner, name, is_before = POINTS[point]
    # whatever is sent; of what comes in, one message
    _is_fatal = owner in (claims, errands, outcomes, PlainChannel, Endpoint)
    _wrap(Intake, "take", _watch)
    _wrap(Reception, "receive", _watch_text)
    _wrap(owner, name, _before if is_before else _after)
    _wrap(KeptLog, "keep", _watch_page)


def _wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(wrapper(original)))


def _watch(original: Callable[..., Any]) -> Any:
    """Know when the fatal message is under way."""

    async def take(intake: Intake, inbound: Inbound) -> Any:
        global _is_fatal
        _is_fatal = _is_fatal or inbound.external_id.endswith(FATAL)
        return await original(intake, inbound)

    return take


def _watch_text(original: Callable[..., Any]) -> Any:
    """The same for channels whose ids are not ours to choose: the fatal message says so."""

    def receive(reception: Reception, session: Any, inbound: Inbound, *more: Any, **named: Any):  # type: ignore[no-untyped-def]
        global _is_fatal
        _is_fatal = _is_fatal or FATAL in inbound.text
        return original(reception, session, inbound, *more, **named)

    return receive


def _watch_page(original: Callable[..., Any]) -> Any:
    """The same for a page of 微信客服's log with the fatal message on it."""

    async def keep(kept: KeptLog, account: str, page: Any, *more: Any, **named: Any) -> Any:
        global _is_fatal
        _is_fatal = _is_fatal or FATAL in str(page)
        return await original(kept, account, page, *more, **named)

    return keep


def _before(original: Callable[..., Any]) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if _is_fatal:
            die()
        return original(*arguments, **named)

    return wrapped


def _after(original: Callable[..., Any]) -> Any:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        if inspect.isawaitable(result):
            return _awaited(result)
        if _is_fatal:
            die()
        return result

    return wrapped


async def _awaited(result: Any) -> Any:
    done = await result
    if _is_fatal:
        die()
    return done


POINTS: dict[str, tuple[Any, str, bool]] = {
    # of a message that came in: done and not committed; committed and nobody told; told inside;
    # and the acknowledgement has left
    "received": (Reception, "receive", False),
    "committed": (Database, "publish", True),
    "taken": (Intake, "take", False),
    "acknowledged": (chat_socket._Client, "take", False),
    # of a page of 微信客服's log: read and not stored; stored and nothing taken; taken, not forgotten
    "read": (KeptLog, "keep", True),
    "kept": (KeptLog, "keep", False),
    "forgetting": (KeptLog, "forget", True),
    # of a message that goes out
    "claiming": (claims, "claim", False),
    "claimed": (PlainChannel, "send", True),
    "sent": (PlainChannel, "send", False),
    "recording": (outcomes, "succeeded", False),
    # of what a webhook is told
    "ordered": (errands, "claim", False),
    "calling": (Endpoint, "call", True),
    "called": (Endpoint, "call", False),
    "noting": (errands, "succeeded", False),
}
"""What is patched for each point, and whether it dies before it."""


if __name__ == "__main__":
    arm(sys.argv.pop(1))
    from bot.cli import main

    main()
