"""Remembers on which day somebody was born, and wishes a happy birthday on it."""

from bot.dialogue.birthday_words import birthday
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.wanting import ask_once
from bot.words.dates import birthday_text
from storage.models.profiles import remember_birthday

AFTER = (
    "by_rule",
    "foreign",
    "language",
    "let_go",
    "link",
    "opt_in",
    "opt_out",
    "person",
    "upset",
)


def reply(turn: Turn) -> Verdict | None:
    """Note the day, and say so; customers say it again when it was wrong."""
    if turn.choice is not None:
        return None
    today = turn.now.astimezone(turn.house.voice.words.shop.zone).date()
    day = birthday(turn.understanding.normalised, today)
    if day is None:
        return None
    remember_birthday(turn.session, turn.identity.customer_id, day)
    turn.conversation.misses = 0
    turn.asked_nothing()
    is_today = (day.month, day.day) == (today.month, today.day)
    said = birthday_text(day, turn.language)
    turn.say("replies.birthday_noted", day=said, is_today=is_today)
    ask_once(turn)
    return Verdict("birthday noted")
