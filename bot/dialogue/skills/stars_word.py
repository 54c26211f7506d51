"""Takes the word about what was bought that a visit, or the stars, asked for."""

from bot.dialogue.turn import Turn, Verdict
from bot.feedback import survey

AFTER = ("acknowledge", "faq", "foreign", "fragment")


def reply(turn: Turn) -> Verdict | None:
    """Keep what no other skill understood, and offer a person who puts it right."""
    prompt = turn.prompt(survey.STARS)
    if turn.choice is not None:
        return None
    if not prompt and not survey.asks_stars(turn.offered_last(survey.PATIENCE)):
        return None
    rating = (prompt or {}).get("rating", 0)
    if rating:
        survey.comment_purchase(turn.session, turn.conversation, turn.text)
    turn.asked_nothing()
    turn.say("replies.stars_word", [turn.person_choice()], rating=rating)
    return Verdict("comment", {"rating": rating} if rating else {})
