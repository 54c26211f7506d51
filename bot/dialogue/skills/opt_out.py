"""Takes "stop" at once and for good, of offers, and of news about orders where that is meant."""

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
    """Store the opt-out and confirm it; news about own orders goes on, unless that is not wanted.

    What may be about an order instead ("别发了") is asked back, unless a person reads it.
    """
    is_pressed = turn.choice == _STOP
    if turn.choice is not None and not is_pressed:
        return None
    heard = wish(turn.house.voice.heard, turn.understanding.normalised)
    if is_pressed or heard == "stop":
        consent.stop(turn.session, turn.customer, turn.message.text, turn.now)
        turn.say("replies.opted_out", has_news=_has_news(turn))
        return Verdict("opted out")
    if heard == "no news" or (heard == "news" and not _has_news(turn)):
        return _news(turn, is_wanted=heard == "news")
    if heard == "maybe" and turn.conversation.state == State.BOT:
        return _ask_back(turn)
    return None


def _has_news(turn: Turn) -> bool:
    return consent.wants_news(turn.session, turn.customer)


def _news(turn: Turn, *, is_wanted: bool) -> Verdict:
    consent.tell_news(turn.session, turn.customer, turn.message.text, turn.now, is_wanted=is_wanted)
    turn.say("replies.news_on" if is_wanted else "replies.news_off")
    return Verdict("news again" if is_wanted else "no news")


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
