"""A message at which the skills keep failing goes to a person, so that nobody waits for it."""

from bot.core.messages import State
from bot.dialogue.turn import Turn
from storage.models.conversations import judge

NAME = "quarantine"


def quarantine(turn: Turn, failed: str) -> str:
    """Bring a person instead of asking the skills, and tell the customer so.

    `failed` names the error, for agents. Who is blocked, or has or awaits a person, is told
    nothing. Returns the name under which the message is counted.
    """
    if turn.conversation.state == State.BOT and not turn.customer.blocked:
        turn.bring_person(NAME, turn.house.voice.say("replies.quarantine", turn.language))
    judge(turn.session, turn.message, {"skill": NAME, "outcome": failed})
    return NAME
