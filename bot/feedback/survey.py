"""The rating from 1 to 5, asked after every resolve, and the word after it."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import Bus, ConversationResolved, Rated, emit
from bot.core.messages import Author, Choice, Inbound, Purpose
from bot.delivery import outbox, quota
from bot.words.phrases import Voice
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.feedback import Feedback, latest_feedback

PROMPT = "survey"
"""Name of the prompt on the resolved conversation, `{"skill": PROMPT, "step": …}`."""

GOOD = 4
"""From which rating on a customer is asked whether they want offers."""

STARS = "stars"
"""What the choices of `stars` begin with, and the name of the prompt for the word after them."""

PATIENCE = timedelta(days=1)
"""How long after a resolve an answer still counts."""

FRESH = timedelta(minutes=10)
"""How late the question may still be sent: a rating that is asked for days later is a nuisance."""

_LONGEST_PRAISE = 200
_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_DIGITS |= {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_NAMED = {"差评": 1, "好评": 5, "非常满意": 5, "很满意": 5, "满意": 4, "一般": 3, "不满意": 2}
_RATING = re.compile(
    r"(?:我?给?(?:你们?|您)?打?个?"
    r"|(?:i(?:'d|'ll| would| will)? )?(?:give|rate) (?:(?:it|you) )?(?:a )?)"
    r"([1-5一二两三四五]|one|two|three|four|five)"
    r" ?(?:分|星|颗星|stars?|points?|/ ?5|out of 5)?[吧了!.。！~]*"
)


_PRAISE = re.compile(
    r"很好|真好|不错|很棒|真棒|耐心|热情|专业|满意|及时|很快|给力|贴心|细心|周到"
    r"|\b(?:nice|good|great|excellent|friendly|helpful|polite|kind|patient|quick|fast|perfect)\b"
)
_NO_PRAISE = re.compile(
    r"不(?!错)|没|别|差|慢|但|可是|就是|退|换|吗|怎么|什么|多久|投诉|\?"
    r"|\b(?:no|not|but|how|when|where|why|what|can|could|bad|slow|rude)\b|n't"
)


def register(bus: Bus, voice: Voice) -> None:
    """Ask for a rating whenever a conversation is resolved, and the customer can be written to."""

    def ask(session: Session, event: ConversationResolved) -> None:
        conversation = session.get(Conversation, event.conversation_id)
        assert conversation is not None
        identity = session.get_one(Identity, conversation.identity_id)
        if quota.is_shut(session, identity.address):
            return
        conversation.prompt = _prompt("rating")
        session.add(Feedback(conversation_id=event.conversation_id, agent_id=event.agent_id))
        language = conversation.language or voice.default_language
        outbox.post(
            session,
            conversation,
            voice.say("replies.survey_ask", language),
            author=Author.BOT,
            purpose=Purpose.ANSWER,
            choices=[Choice("★" * stars, f"rating:{stars}") for stars in range(5, 0, -1)],
            useful_until=now() + FRESH,
        )

    bus.on(ConversationResolved, ask)


def rating_in(text: str) -> int | None:
    """The rating that a whole message expresses ("5", "四星", "5分", "3 stars"), if it does."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if plain in _NAMED:
        return _NAMED[plain]
    if plain and set(plain) == {"★"} and len(plain) <= 5:
        return len(plain)
    match = _RATING.fullmatch(plain)
    if match is None:
        return None
    digit = match.group(1)
    return _DIGITS.get(digit) or int(digit)


def rating_of(text: str, choice: str | None) -> int | None:
    """The rating in a typed answer or a pressed button (`rating:4`)."""
    if choice is not None:
        kind, _, stars = choice.partition(":")
        return int(stars) if kind == "rating" and stars in {"1", "2", "3", "4", "5"} else None
    return rating_in(text)


def expects(prompt: dict[str, Any], inbound: Inbound, *, is_question: bool) -> bool:
    """Whether `inbound` answers the open survey, rather than beginning something new."""
    if inbound.at - datetime.fromisoformat(prompt["asked_at"]) > PATIENCE:
        return False
    if prompt["step"] == "rating":
        return rating_of(inbound.text, inbound.choice) is not None
    return inbound.choice is None and (is_praise(inbound.text) or not is_question)


def is_praise(text: str) -> bool:
    """Whether the word after a rating is praise, whatever questions it may resemble."""
    plain = unicodedata.normalize("NFKC", text).strip().lower().replace("’", "'")
    return len(plain) <= _LONGEST_PRAISE and bool(
        _PRAISE.search(plain) and not _NO_PRAISE.search(plain)
    )


def rate(session: Session, conversation: Conversation, rating: int) -> None:
    """Store the rating and wait for a word."""
    feedback = _open(session, conversation)
    feedback.rating = rating
    feedback.answered_at = now()
    session.add(feedback)
    conversation.prompt = _prompt("word")
    emit(session, Rated(feedback.conversation_id, rating))


def stars() -> tuple[Choice, ...]:
    """Five choices for how somebody likes what they bought, the fewest first: who types a number,
    where choices are numbered, means the same by it."""
    return tuple(Choice("★" * number, f"{STARS}:{number}") for number in range(1, 6))


def stars_of(choice: str | None) -> int | None:
    """Which of them was chosen."""
    kind, _, number = (choice or "").partition(":")
    return int(number) if kind == STARS and number in {"1", "2", "3", "4", "5"} else None


def asks_stars(values: Sequence[str]) -> bool:
    """Whether these choices ask for stars."""
    return any(stars_of(one) for one in values)


def rate_purchase(session: Session, conversation: Conversation, rating: int) -> None:
    """Store how a customer likes what they bought; a second word changes the first."""
    assert conversation.id is not None
    known = latest_feedback(session, conversation.id)
    if known is None or not known.of_purchase:
        known = Feedback(conversation_id=conversation.id, of_purchase=True)
    known.rating, known.answered_at = rating, now()
    session.add(known)
    session.flush()
    emit(session, Rated(conversation.id, rating))


def comment_purchase(session: Session, conversation: Conversation, words: str) -> None:
    """Store the word after the stars for what was bought."""
    assert conversation.id is not None
    known = latest_feedback(session, conversation.id)
    if known is not None and known.of_purchase:
        known.comment = words
        session.add(known)


def comment(session: Session, conversation: Conversation, words: str) -> None:
    """Store the customer's word; the survey is over."""
    feedback = _open(session, conversation)
    feedback.comment = words
    session.add(feedback)
    conversation.prompt = None


def _prompt(step: str) -> dict[str, Any]:
    return {"skill": PROMPT, "step": step, "asked_at": now().isoformat()}


def _open(session: Session, conversation: Conversation) -> Feedback:
    assert conversation.id is not None
    feedback = latest_feedback(session, conversation.id)
    assert feedback is not None
    return feedback
