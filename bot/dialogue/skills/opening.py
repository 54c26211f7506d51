"""Hears that a question is about to come: "我想问一下", "can I ask something"."""

import re

from bot.dialogue.pieces import wait_for_more
from bot.dialogue.turn import Turn, Verdict

AFTER = ("order", "wordless")

_LONGEST = 30
_OPENING = re.compile(
    r"(?:你好|您好|亲|那个|[,。!~… ])*"
    r"(?:我?(?:就?想|要)?(?:问|咨询|请教)(?:你|您)?们?(?:一?下|一?个(?:问题|事)|点事|问题)?"
    r"(?:可以|行)?[吗嘛]?|请问(?:一?下)?"
    r"|我?有个?(?:问题|事)[儿情]?(?:想?(?:问|请教|咨询))?(?:一?下)?"
    r"|就是(?:那个|说|想问)?|那个|是这样的?)[呢啊哈,。!~… ]*"
    r"|(?:hi|hello|hey|so|well|um|[,.! ])*"
    r"(?:(?:can|could|may) i ask (?:you )?(?:something|a question)"
    r"|i (?:have|got) (?:a|another) question|(?:just a )?(?:quick )?question"
    r"|i (?:want|wanted|would like) to ask(?: (?:you )?something)?)[?,.! ]*"
)


def opens(normalised: str) -> bool:
    """Whether a whole message only says that a question comes."""
    return len(normalised) <= _LONGEST and bool(_OPENING.fullmatch(normalised))


def reply(turn: Turn) -> Verdict | None:
    """Wait for the question, then ask for it: nothing was missed yet."""
    if turn.choice is not None or turn.understanding.decision == "answer":
        return None
    if not opens(turn.understanding.normalised):
        return None
    if wait_for_more(turn):
        return Verdict("waiting for the rest")
    turn.say("replies.go_on")
    return Verdict("asked to go on")
