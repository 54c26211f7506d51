"""Turns the probability of being right into answer, ask or a person."""

from bot.answering.understanding import Decision

ANSWER, ASK = 0.5, 0.2
"""P(right) from which the bot answers, and from which it asks back; below, a person."""


def decide(confidence: float) -> Decision:
    """What to do at this probability of being right."""
    if confidence >= ANSWER:
        return "answer"
    return "ask" if confidence >= ASK else "human"
