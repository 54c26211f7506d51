"""Colleagues read words, not keys."""

import re

from bot.care.say import Say
from bot.config import ROOT
from tests.support import world

REASON = re.compile(r'(?:Verdict\("(?:no|wait)", |return |reason or |NO_CHAT = )"([a-z][a-z \']+)"')
ROOMS = ("guard", "planner", "reading", "truth")


def reasons() -> set[str]:
    """What the guard gives as a reason, as its files have it."""
    files = [ROOT / "bot" / "care" / f"{name}.py" for name in ROOMS]
    files.append(ROOT / "storage" / "models" / "care.py")
    found = {one for file in files for one in REASON.findall(file.read_text(encoding="utf-8"))}
    return found | {f"order {one}" for one in ("paid", "shipped", "cancelled", "refunded")}


def test_every_reason_of_the_guard_has_words() -> None:
    say, wanted = Say(world.voice(), "zh"), reasons()
    assert {"no chat", "quiet hours", "another's order", "another's chat", "no words"} <= wanted
    assert [one for one in wanted if say.known("reason", one) == one] == []


def test_a_word_that_nobody_has_written_stands_for_itself() -> None:
    say = Say(world.voice(), "zh")
    assert say.known("reason", "new reason") == "new reason"
    assert (say.channel(""), say.channel("carrier pigeon")) == ("–", "carrier pigeon")
    assert say.verdict("wait", "no chat") == "暂缓: 没有可用的会话"
