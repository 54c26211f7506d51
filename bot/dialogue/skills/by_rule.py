"""Brings a person where the shop's own rules want one: who buys dear, whose parcel is lost."""

from bot.core.messages import State
from bot.dialogue.nods import needs_no_answer
from bot.dialogue.turn import Turn, Verdict
from bot.escalation import rules
from bot.escalation.rules import About, Rule

AFTER = (
    "contact",
    "edited",
    "helpful",
    "language",
    "let_go",
    "link",
    "opt_out",
    "upset",
    "welcome",
)
_SMALL_TALK = "smalltalk"


def reply(turn: Turn) -> Verdict | None:
    """Hand over and say so, once in a conversation: who prefers the bot is left to it."""
    topic = _topic(turn)
    if not turn.house.rules or not _asks(turn) or topic == _SMALL_TALK:
        return None
    about = About(topic, turn.now, turn.house.voice.words.shop.currency)
    rule = next((one for one in turn.house.rules if _applies(turn, one, about)), None)
    if rule is None:
        return None
    turn.bring_person(f"rule:{rule.name}", turn.house.voice.say("replies.by_rule", turn.language))
    return Verdict("handed over", {"rule": rule.name})


def _asks(turn: Turn) -> bool:
    """Whether something is asked of the bot, and no person was brought before."""
    conversation = turn.conversation
    is_first = conversation.state == State.BOT and not conversation.handoff_reason
    nods = needs_no_answer(turn.understanding.normalised)
    return is_first and bool(turn.text.strip()) and turn.choice is None and not nods


def _applies(turn: Turn, rule: Rule, about: About) -> bool:
    return rules.applies(turn.session, rule, turn.identity, about)


def _topic(turn: Turn) -> str:
    """What the best candidate is about, where the message is clear enough to be answered."""
    read = turn.understanding
    if read.decision != "answer" or not read.candidates:
        return ""
    entry = turn.house.entries.entry(read.candidates[0].entry_id, turn.language)
    return entry.topic if entry else ""
