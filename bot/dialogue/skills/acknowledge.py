"""Takes "好的" and "ok" for what they are: no question, and no reason to go on talking."""

from datetime import timedelta

from bot.core.messages import Author
from bot.dialogue.nods import is_acknowledgement
from bot.dialogue.turn import Turn, Verdict

AFTER = ("order",)
NAME = "acknowledge"
_ACKNOWLEDGED, _SILENT = "acknowledged", "silent"
_MEMORY = timedelta(hours=1)


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
