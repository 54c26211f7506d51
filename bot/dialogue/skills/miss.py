"""Admits not to know; after two misses in a row a person is brought."""

import re

from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep

AFTER = ("*",)
PATIENCE = 2
"""After how many misses in a row a person is brought."""

_NOISE = re.compile(r"(.{1,3}?)\1{4,}.{0,2}|\d{1,3}|[^\W\d_]", re.DOTALL)
"""The same again and again, a figure or two, a single character."""


def is_noise(normalised: str) -> bool:
    """Whether a message that nobody understood asks nothing at all."""
    return bool(_NOISE.fullmatch("".join(normalised.split())))


def reply(turn: Turn) -> Verdict:
    """Say so and offer a person, or bring one. Every miss is kept as a gap of the FAQ.

    An old button that means nothing any more is no miss, because nothing was asked; and a slip of
    the finger is none.
    """
    if turn.choice is not None:
        turn.say("replies.back")
        return Verdict("old button", {"value": turn.choice})
    if is_noise(turn.understanding.normalised):
        turn.say("replies.noise", [turn.person_choice()])
        return Verdict("noise")
    turn.conversation.misses += 1
    turn.asked_nothing()
    bring = turn.conversation.misses >= PATIENCE
    keep(turn, "handoff" if bring else "miss")
    if bring:
        turn.bring_person("misses", turn.house.voice.say("replies.miss_again", turn.language))
        return Verdict("handed over", {"misses": turn.conversation.misses})
    turn.say("replies.miss", [turn.person_choice()])
    return Verdict("miss", {"confidence": round(turn.understanding.confidence, 3)})
