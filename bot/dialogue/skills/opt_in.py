"""Takes the wish for offers: of who said stop before, of who is asked, and of who asks for them."""

from bot.dialogue.stopping import wish
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.wanting import (
    NAME,
    NO,
    SURE,
    YES,
    agreed,
    declined,
    is_asked,
    wanted,
    was_just_asked,
)

AFTER = ("opt_out",)


def reply(turn: Turn) -> Verdict | None:
    """Note what they want, or ask to confirm it; an old button confirms nothing."""
    words = turn.message.text
    if turn.choice == NO:
        return declined(turn, words)
    if turn.choice == YES:
        return wanted(turn, words)
    heard, plain = turn.house.voice.heard, turn.understanding.normalised
    said = plain.strip("!！.。~ ") if turn.choice is None else ""
    says_yes, says_no = said in heard.words("start_yes"), said in heard.words("start_no")
    if (says_yes or says_no) and was_just_asked(turn):
        return wanted(turn, words) if says_yes else declined(turn, words)
    if says_no and turn.prompt(NAME):
        return declined(turn, words)
    if turn.choice == SURE or (says_yes and turn.prompt(NAME)):
        return agreed(turn, words) if is_asked(turn) else wanted(turn, words)
    is_out = turn.customer.opted_out_at is not None
    if turn.choice is None and wish(heard, plain, stopped=is_out) == "start":
        return wanted(turn, words)
    return None
