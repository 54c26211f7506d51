"""Takes "stop" at once and for good: no promotion is sent to this customer any more."""

import re

from bot.dialogue.turn import Turn, Verdict

AFTER = ("safety",)

_STOP = re.compile(
    r"(退订|td|取消订阅|不要再?(给我)?发(消息|短信|广告|推送)?了?|别再?(给我)?发(消息|短信|广告"
    r"|推送)?了?"
    r"|stop|unsubscribe|opt ?out|stop (all )?(messages|messaging|texting|sending)( me)?)[!！.。]*"
)


def reply(turn: Turn) -> Verdict | None:
    """Store the opt-out and confirm it; news about own orders goes on."""
    if turn.choice != "stop" and not _STOP.fullmatch(turn.understanding.normalised):
        return None
    turn.customer.opted_out_at = turn.customer.opted_out_at or turn.now
    turn.session.add(turn.customer)
    turn.say("replies.opted_out")
    return Verdict("opted out")
