"""While a person has the conversation, or is on the way, the bot does not talk over them."""

from bot.core.messages import State
from bot.dialogue.turn import Turn, Verdict
from bot.escalation import handoff

AFTER = ("blocked", "opt_out")


def reply(turn: Turn) -> Verdict | None:
    """Stay silent, unless a waiting customer asks for the bot again."""
    if turn.conversation.state not in (State.WAITING, State.OPEN):
        return None
    if turn.choice == "bot" and handoff.back_to_bot(turn.session, turn.conversation):
        turn.say("replies.back")
        return Verdict("back to the bot")
    return Verdict("silent")
