"""Hears that an answer did not help, and offers a person; the FAQ's owner learns of it."""

import re

from bot.dialogue.compose import HELPFUL, UNHELPFUL
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep_wrong

AFTER = ("person",)
_NO = re.compile(
    r"(没用|没有用|没帮到我?|没解决|没有解决|不是这个(意思|问题)?|答非所问|说了等于没说|你没(看"
    r"|听)懂"
    r"|看不懂你?(在)?说(什么|啥)|不对|文不对题|牛头不对马嘴)[啊呀吧了的。！!~]*"
    r"|(no[, ]*)?(that|this|it)('?s| is| was|)"
    r" ?(not|isn'?t|wasn'?t|didn'?t|doesn'?t|does not|did not)"
    r" (help|helpful|help me|what i (asked|meant|mean|want|wanted)|my question|it|right)[.!]*"
    r"|not (helpful|what i (asked|meant|mean))[.!]*|(wrong answer|you misunderstood( me)?)[.!]*"
)


def reply(turn: Turn) -> Verdict | None:
    """Be glad in silence; or be sorry, keep the question as a gap, offer a person."""
    if turn.choice is not None and turn.choice.startswith(HELPFUL):
        turn.conversation.misses = 0
        return Verdict("helped", {"entry": turn.choice.removeprefix(HELPFUL)})
    entry = _unhelpful_entry(turn)
    if entry is None:
        return None
    if entry:
        keep_wrong(turn, entry)
    turn.asked_nothing()
    turn.say("replies.unhelpful", [turn.person_choice()])
    return Verdict("did not help", {"entry": entry})


def says_no(normalised: str) -> bool:
    """Whether a whole normalised message says that an answer did not help."""
    return bool(_NO.fullmatch(normalised))


def _unhelpful_entry(turn: Turn) -> str | None:
    """The entry whose answer was of no use, when the customer says so."""
    if turn.choice is not None:
        is_no = turn.choice.startswith(UNHELPFUL)
        return turn.choice.removeprefix(UNHELPFUL) if is_no else None
    answered = turn.prompt("faq")
    if answered and "entry" in answered and says_no(turn.understanding.normalised):
        return str(answered["entry"])
    return None
