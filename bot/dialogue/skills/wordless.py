"""Answers messages without a single word or digit: emoji, punctuation."""

from bot.dialogue.turn import Turn, Verdict

AFTER = ("acknowledge", "media")


def reply(turn: Turn) -> Verdict | None:
    """Invite a question; this is no miss, because nothing was asked."""
    if turn.choice is not None or any(character.isalnum() for character in turn.text):
        return None
    turn.say("replies.wordless", [turn.person_choice()])
    return Verdict("wordless")
