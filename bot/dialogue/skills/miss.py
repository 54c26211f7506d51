"""Admits not to know; after two misses in a row a person is brought."""

from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep

AFTER = ("*",)
PATIENCE = 2
"""After how many misses in a row a person is brought."""


def reply(turn: Turn) -> Verdict:
    """Say so and offer a person, or bring one. Every miss is kept as a gap of the FAQ.

    An old button that means nothing any more is no miss, because nothing was asked.
    """
    if turn.choice is not None:
        turn.say("replies.back")
        return Verdict("old button", {"value": turn.choice})
    turn.conversation.misses += 1
    turn.asked_nothing()
    bring = turn.conversation.misses >= PATIENCE
    keep(turn, "handoff" if bring else "miss")
    if bring:
        turn.bring_person("misses", turn.house.voice.say("replies.miss_again", turn.language))
        return Verdict("handed over", {"misses": turn.conversation.misses})
    turn.say("replies.miss", [turn.person_choice()])
    return Verdict("miss", {"confidence": round(turn.understanding.confidence, 3)})
