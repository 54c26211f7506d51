"""Admits not to know; after two misses in a row a person is brought."""

from bot.dialogue.turn import Turn, Verdict
from storage.models.gaps import Gap

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
    assert turn.message.id is not None
    turn.session.add(
        Gap(
            message_id=turn.message.id,
            language=turn.language,
            text=turn.message.text,
            reason="handoff" if bring else "miss",
            candidates=[
                {"entry": candidate.entry_id, "score": round(candidate.score, 3)}
                for candidate in turn.understanding.candidates[:3]
            ],
        )
    )
    if bring:
        turn.bring_person("misses", turn.house.voice.say("replies.miss_again", turn.language))
        return Verdict("handed over", {"misses": turn.conversation.misses})
    turn.say("replies.miss", [turn.person_choice()])
    return Verdict("miss", {"confidence": round(turn.understanding.confidence, 3)})
