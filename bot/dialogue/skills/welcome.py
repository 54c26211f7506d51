"""Says hello to who opens the chat, and what can be asked."""

from bot.core.messages import Choice
from bot.dialogue.turn import Turn, Verdict

AFTER = ("link", "person_in_charge")
_PHRASES = {"start": "replies.welcome", "help": "replies.help"}


def reply(turn: Turn) -> Verdict | None:
    """Answer `start` and `help`; where a link led here from (`start:shop-window`) is kept."""
    kind, _, source = (turn.choice or "").partition(":")
    if kind not in _PHRASES:
        return None
    order = turn.house.voice.say("replies.order_button", turn.language)
    turn.say(_PHRASES[kind], [Choice(order, "order"), turn.person_choice()])
    return Verdict(kind, {"source": source} if source else {})
