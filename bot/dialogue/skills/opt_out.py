"""Takes "stop" at once and for good: no promotion is sent to this customer any more."""

from bot.core.messages import Choice, State
from bot.customers import consent
from bot.dialogue.compose import ENTRY
from bot.dialogue.order_answer import CANCEL
from bot.dialogue.stopping import wish
from bot.dialogue.turn import Turn, Verdict

AFTER = ("safety",)
NAME = "opt_out"
_STOP = "stop"


def reply(turn: Turn) -> Verdict | None:
    """Store the opt-out and confirm it; news about own orders goes on.

    What may be about an order instead ("别发了") is asked back, unless a person reads it.
    """
    heard = wish(turn.house.voice.heard, turn.understanding.normalised)
    if turn.choice == _STOP or (turn.choice is None and heard == "stop"):
        consent.stop(turn.session, turn.customer, turn.message.text, turn.now)
        turn.say("replies.opted_out")
        return Verdict("opted out")
    if turn.choice is None and heard == "maybe" and turn.conversation.state == State.BOT:
        return _ask_back(turn)
    return None


def _ask_back(turn: Turn) -> Verdict:
    say, language = turn.house.voice.say, turn.language
    choices = [
        Choice(say("replies.stop_offers_button", language), _STOP),
        Choice(say("replies.stop_order_button", language), ENTRY + CANCEL),
        turn.person_choice(),
    ]
    turn.ask(NAME, values=[one.value for one in choices])
    turn.say("replies.stop_which", choices)
    return Verdict("asked back")
