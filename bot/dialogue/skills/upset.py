"""Hears anger: says sorry once and brings a person, instead of arguing or explaining."""

from bot.dialogue.anger import is_angry, is_annoyed, is_teasing
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep_last

AFTER = ("person",)
_ANGRY_FACES = frozenset("😡🤬👿💢😠😤")


def reply(turn: Turn) -> Verdict | None:
    """Apologise and hand over; stay calm about what is said of the bot itself."""
    if turn.choice is not None:
        return None
    words = turn.understanding.normalised
    if is_angry(words):
        keep_last(turn)
        turn.bring_person("complaint", turn.house.voice.say("replies.upset", turn.language))
        return Verdict("handed over")
    if is_teasing(words):
        turn.say("replies.teased", [turn.person_choice()])
        return Verdict("stayed calm")
    if is_annoyed(words):
        turn.say("replies.angry_face", [turn.person_choice()])
        return Verdict("annoyed")
    if not any(one.isalnum() for one in words) and not _ANGRY_FACES.isdisjoint(words):
        turn.say("replies.angry_face", [turn.person_choice()])
        return Verdict("angry face")
    return None
