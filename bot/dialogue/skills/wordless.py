"""Answers messages without a single word or digit: emoji, punctuation, a sticker's name."""

import re

from bot.core.messages import is_mark
from bot.dialogue.turn import Turn, Verdict

AFTER = ("acknowledge", "media")
_STICKER = re.compile(r"[\[【［][^\[\]【】［］]{1,10}[\]】］]")
"""What apps write where a face was sent: [微笑], [Smile]."""


def reply(turn: Turn) -> Verdict | None:
    """Invite a question; this is no miss, because nothing was asked."""
    rest = turn.text if is_mark(turn.text) else _STICKER.sub("", turn.text)
    if turn.choice is not None or any(character.isalnum() for character in rest):
        return None
    turn.say("replies.wordless", [turn.person_choice()])
    return Verdict("wordless")
