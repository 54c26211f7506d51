"""Puts people before everything else: despair, danger from goods, fraud, and secrets sent to us."""

from dataclasses import replace
from datetime import timedelta

from bot.core.messages import State
from bot.dialogue.alarms import Alarm, alarm_in
from bot.dialogue.secrets import masked
from bot.dialogue.turn import Turn, Verdict

AFTER = ("blocked",)
NAME = "safety"
ONCE_IN = timedelta(minutes=10)
"""How often the same grave words are said in one conversation."""


def reply(turn: Turn) -> Verdict | None:
    """Say what helps now and bring a person, also while one is awaited or in charge.

    Secrets are masked in the stored message, whatever else the message is about.
    """
    is_secret = _mask(turn)
    alarm = alarm_in(turn.understanding.normalised)
    if turn.choice is not None or (alarm is None and not is_secret):
        return None
    if alarm is None:
        turn.say("replies.secret")
        return Verdict("secret")
    return _raise(turn, alarm)


def _mask(turn: Turn) -> bool:
    safe = masked(turn.message.text)
    if safe == turn.message.text:
        return False
    turn.message.text = safe
    turn.inbound = replace(turn.inbound, text=masked(turn.inbound.text))
    return True


def _raise(turn: Turn, alarm: Alarm) -> Verdict | None:
    """Nothing is said twice in a row, but a person comes as often as it takes."""
    state, repeated = turn.conversation.state, turn.said_lately(NAME, alarm, ONCE_IN)
    if repeated and state != State.BOT:
        return None
    if repeated:
        turn.bring_person(alarm)
        return Verdict(alarm)
    words = turn.house.voice.say(f"replies.{alarm}", turn.language)
    if state == State.WAITING:
        turn.conversation.handoff_reason = alarm
    if state == State.BOT and alarm != "crisis":
        turn.bring_person(alarm, words)
        return Verdict(alarm)
    if state == State.BOT:  # the cheerful words about the queue would be out of place
        turn.hand_over(alarm)
    turn.tell(words)
    return Verdict(alarm)
