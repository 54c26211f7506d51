"""Takes the rating and the word that were asked for after a resolve."""

from bot.core.messages import State
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.wanting import ask_once
from bot.feedback import survey

AFTER = ("edited", "person_in_charge")


def reply(turn: Turn) -> Verdict | None:
    """Store the answer to the rating question."""
    prompt = turn.prompt(survey.PROMPT)
    if prompt is None or turn.conversation.state != State.RESOLVED:
        return None
    if prompt["step"] == "word":
        survey.comment(turn.session, turn.conversation, turn.text)
        turn.say("replies.survey_thanks")
        return Verdict("comment")
    rating = survey.rating_of(turn.text, turn.choice)
    if rating is None:
        return None
    survey.rate(turn.session, turn.conversation, rating)
    turn.say("replies.survey_word", rating=rating)
    if rating >= survey.GOOD:
        ask_once(turn)
    return Verdict("rating", {"rating": rating})
