"""Takes the stars for what was bought, which a visit after the delivery asks for."""

from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.wanting import ask_once
from bot.feedback import survey
from storage.models.feedback import LOW

AFTER = ("edited", "person_in_charge")


def reply(turn: Turn) -> Verdict | None:
    """Store the rating, and say what follows from it."""
    rating = survey.stars_of(turn.choice)
    if rating is None:
        return None
    survey.rate_purchase(turn.session, turn.conversation, rating)
    if rating <= LOW:
        turn.say("replies.stars_low", [turn.person_choice()])
    else:
        turn.say("replies.stars_thanks", rating=rating)
    if rating >= survey.GOOD:
        ask_once(turn)
    return Verdict("rating", {"rating": rating})
