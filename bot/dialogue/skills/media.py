"""Takes a photo or a file that came without words: waits for them, then asks what it is about."""

from bot.core.messages import is_mark
from bot.dialogue.pieces import wait_for_more
from bot.dialogue.turn import Turn, Verdict

AFTER = ("acknowledge", "contact", "person")


def reply(turn: Turn) -> Verdict | None:
    """Most people send the picture first and the question right after it."""
    if turn.choice is not None or not is_mark(turn.text):
        return None
    attachments = turn.inbound.attachments
    if attachments and all(one.is_too_large for one in attachments):
        turn.say("replies.media_too_large", [turn.person_choice()])
        return Verdict("too large")
    if attachments and wait_for_more(turn):
        return Verdict("waiting for the words")
    if not attachments and not turn.is_complete:  # typed, and no file at all
        return None
    turn.say("replies.media_received", [turn.person_choice()])
    return Verdict("asked what it is about")
