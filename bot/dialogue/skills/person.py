"""Brings a person to whoever asks for one, without arguing."""

from bot.dialogue.calling import asks_for_person
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep_last

AFTER = ("survey",)


def reply(turn: Turn) -> Verdict | None:
    """Hand over at once when a person is asked for."""
    if turn.choice != "person" and not asks_for_person(turn.understanding.normalised):
        return None
    keep_last(turn)
    turn.bring_person("asked")
    return Verdict("handed over")
