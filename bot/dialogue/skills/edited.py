"""A message that its writer has changed: answered anew only where it had no answer yet."""

from bot.dialogue.turn import Turn, Verdict
from storage.models.conversations import Message

AFTER = ("person_in_charge",)
_UNSETTLED = {"miss", "fragment", "wordless", "quarantine", "media", "edited"}
"""Skills whose reply was no answer to the question."""


def reply(turn: Turn) -> Verdict | None:
    """Stay silent about a question that was answered: agents see both versions."""
    before = turn.message.edit_of
    if before is None:
        return None
    verdict = turn.session.get_one(Message, before).verdict or {}
    is_open = not verdict or verdict.get("skill") in _UNSETTLED or "offered" in verdict
    return None if is_open else Verdict("noted")
