"""Offers, only to who wants them: asks once, has it confirmed where that is set, and notes it."""

from datetime import timedelta

from bot.core.messages import Choice
from bot.customers import consent
from bot.dialogue.turn import Turn, Verdict
from storage.models.consents import MARKETING, ConsentState

NAME = "opt_in"
CONSENT = "consent:"
"""Prefix of the values of the buttons by which customers agree to offers, or not."""
YES, SURE, NO = f"{CONSENT}yes", f"{CONSENT}sure", f"{CONSENT}no"

_JUST_NOW = timedelta(hours=1)


def ask_once(turn: Turn) -> None:
    """Ask whether they want offers, where the shop wants that asked and it never was."""
    is_new = turn.customer.opted_out_at is None and _state(turn) is None
    if not turn.house.ask_consent or not is_new:
        return
    _enter(turn, ConsentState.ASKED, _say(turn, "consent_ask"))
    turn.say("replies.consent_ask", _choices(turn, YES))


def wanted(turn: Turn, wording: str) -> Verdict:
    """They want offers: note it, or have it confirmed first where that is set."""
    if turn.identity.channel not in turn.house.double_opt_in:
        return agreed(turn, wording)
    _enter(turn, ConsentState.ASKED, wording)
    choices = _choices(turn, SURE)
    turn.ask(NAME, values=[one.value for one in choices])
    turn.say("replies.consent_sure", choices)
    return Verdict("asked to confirm")


def agreed(turn: Turn, wording: str) -> Verdict:
    """They have agreed, as often as it takes."""
    _enter(turn, ConsentState.GIVEN, wording)
    turn.say("replies.consent_given")
    return Verdict("agreed")


def declined(turn: Turn, wording: str) -> Verdict:
    """They would rather not, on this channel; they are not asked again."""
    _enter(turn, ConsentState.WITHDRAWN, wording)
    turn.say("replies.consent_left")
    return Verdict("declined")


def is_asked(turn: Turn) -> bool:
    """Whether a question about offers is the last that was said of them."""
    return _state(turn) == ConsentState.ASKED


def was_just_asked(turn: Turn) -> bool:
    """Whether the first question about offers is what was said last to the customer."""
    return YES in turn.offered_last(_JUST_NOW)


def _state(turn: Turn) -> ConsentState | None:
    return consent.state_of(turn.session, turn.customer, MARKETING, turn.identity.channel)


def _enter(turn: Turn, state: ConsentState, wording: str) -> None:
    channel = turn.identity.channel
    consent.enter(turn.session, turn.customer, state, "chat", wording, channel=channel, at=turn.now)


def _choices(turn: Turn, yes: str) -> list[Choice]:
    return [
        Choice(_say(turn, "consent_yes_button"), yes),
        Choice(_say(turn, "consent_no_button"), NO),
    ]


def _say(turn: Turn, key: str) -> str:
    return turn.house.voice.say(f"replies.{key}", turn.language)
