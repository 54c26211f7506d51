"""Lets go of who says "算了" or "never mind", instead of asking on or fetching a person."""

from bot.dialogue.leaving import lets_go
from bot.dialogue.turn import Turn, Verdict

AFTER = ("link", "survey")


def reply(turn: Turn) -> Verdict | None:
    """Forget what was asked: neither a miss nor an answer to an open question."""
    if turn.choice is not None or not lets_go(turn.understanding.normalised):
        return None
    turn.conversation.prompt, turn.conversation.misses = None, 0
    turn.say("replies.let_go")
    return Verdict("let go")
