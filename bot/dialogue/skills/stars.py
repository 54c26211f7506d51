"""Takes the stars for what was bought, which a visit after the delivery asks for."""

from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.wanting import ask_once
from bot.feedback import survey
from storage.models.feedback import LOW

AFTER = ("edited", "person_in_charge", "survey")


def reply(turn: Turn) -> Verdict | None:
    """Store the rating, pressed or typed, and say what follows from it; wait for a word."""
    rating = survey.stars_of(turn.choice)
    if rating is None and turn.choice is None:
        typed = survey.rating_in(turn.text)
        rating = typed if typed and survey.asks_stars(turn.offered_last(survey.PATIENCE)) else None
    if rating is None:
        return None
    survey.rate_purchase(turn.session, turn.conversation, rating)
    turn.ask(survey.STARS, rating=rating)
    if rating <= LOW:
        turn.say("replies.stars_low", [turn.person_choice()])
    else:
        turn.say("replies.stars_thanks", rating=rating)
    if rating >= survey.GOOD:
        ask_once(turn)
    return Verdict("rating", {"rating": rating})
