"""Lets the rest of an answer through, where the channel can only reply to what is written."""

from bot.core.messages import State
from bot.delivery import quota
from bot.dialogue.turn import Turn, Verdict
from storage.models import deliveries

AFTER = ("blocked",)
MORE = "more"
"""The choice that asks for the rest."""


def reply(turn: Turn) -> Verdict | None:
    """Say nothing where something waits to be said: it goes out with this very reply."""
    if turn.choice != MORE:
        return None
    at = turn.inbound.address
    account = (at.channel, at.account)
    if deliveries.queued_for(turn.session, account, at.chat, held=quota.CLOSED):
        return Verdict("the rest")
    if turn.conversation.state in (State.WAITING, State.OPEN):
        turn.say("wechat.nobody_yet")
        return Verdict("nobody yet")
    turn.say("wechat.no_more")
    return Verdict("nothing more")
