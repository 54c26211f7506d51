"""Takes "好的" and "ok" for what they are: no question, and no reason to go on talking."""

import re
from datetime import timedelta

from bot.core.messages import Author
from bot.dialogue.turn import Turn, Verdict

AFTER = ("order",)
NAME = "acknowledge"
_ACKNOWLEDGED, _SILENT = "acknowledged", "silent"
_MEMORY = timedelta(hours=1)
_OK = re.compile(
    r"(?:好|行|可以|嗯|恩|哦|噢|喔|知道|晓得|明白|懂|了解|收到|没事|哈|呵|嘿|嘻"
    r"|ok(?:ay|ey|i)?|k|got it|gotcha|i see|sure|fine|alright|all right|cool|great|nice|noted"
    r"|understood|lol|ha|👍|👌|🙏|🆗|🤝|[🏻🏼🏽🏾🏿]|[的吧嘞哒滴啦啊呀呢了,.!~。…\s])+"
)
"""Every word here begins in its own way, so that a text is read in one way only."""
_WORD = re.compile(r"[^\W_]|👍|👌|🙏|🆗|🤝")

_THANKS = re.compile(
    r"谢谢?(?:你们?|您|啦|了|哈|呀)*|[多感]谢(?:你们?|您)?|辛苦(?:你们?|您)?[了啦]?|再见|拜拜?|88|唔该"
    r"|\b(?:thank(?:s| you| u)(?: (?:so|very) much| a lot| again)?|thx|ty|cheers"
    r"|(?:good ?)?bye(?: bye)?)\b"
)


def needs_no_answer(normalised: str) -> bool:
    """Whether a message to a person is only thanks, a farewell, or a sign that it was heard."""
    rest = _THANKS.sub(" ", normalised) if len(normalised) <= 24 else normalised
    return bool(normalised) and (not _WORD.search(rest) or is_acknowledgement(rest.strip()))


def is_acknowledgement(normalised: str) -> bool:
    """Whether a message only says that it was heard."""
    return bool(len(normalised) <= 24 and _WORD.search(normalised) and _OK.fullmatch(normalised))


def reply(turn: Turn) -> Verdict | None:
    """One short word, and none when the last thing said was just that word."""
    if turn.choice is not None or not is_acknowledgement(turn.understanding.normalised):
        return None
    if _was_just_said(turn):
        return Verdict(_SILENT)
    turn.say("replies.acknowledged")
    return Verdict(_ACKNOWLEDGED)


def _was_just_said(turn: Turn) -> bool:
    """Whether the newest message to the customer is this skill's."""
    said = 0
    for message in turn.earlier(_MEMORY):
        if message.author != Author.CUSTOMER:
            said += 1
            continue
        verdict = message.verdict or {}
        if verdict.get("skill") != NAME or verdict.get("outcome") == _SILENT:
            if verdict.get("skill") == NAME and said == 0:
                continue
            return False
        return said == 1
    return False
