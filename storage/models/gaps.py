"""FAQ gaps: questions that the bot did not settle, each kept once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.messages import Author
from storage.models.base import json_field, moment
from storage.models.conversations import Message, Written

Reason = Literal["miss", "handoff", "wrong"]
_WEIGHT = {"miss": 0, "handoff": 1, "wrong": 2}
_QUESTION_SKILLS = ("faq", "order", "miss")
_LOOK_BACK = 4


class Gap(SQLModel, table=True):
    """One question that was not settled.

    `reason`: `miss` (no answer was known), `handoff` (a person was brought) or `wrong` (the
    customer said that the answer did not help). `entry` is the FAQ entry that was answered, if
    one was; `candidates` are the engine's best guesses: `[{"entry", "score"}]`.
    """

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", unique=True)
    language: str
    text: str
    reason: str
    entry: str = ""
    candidates: list[dict[str, Any]] = json_field(default_factory=list)
    created_at: datetime = moment(default_factory=now, index=True)
    closed_at: datetime | None = moment(nullable=True, default=None)


def record_gap(
    session: Session,
    message: Message | Written,
    language: str,
    reason: Reason,
    candidates: list[dict[str, Any]],
    entry: str = "",
    text: str = "",
) -> Gap:
    """Keep the customer's `message` as a gap; a second record of it only adds what is new.

    `text` is the whole question where it came in several messages, of which this is the last.
    Of two reasons the one that says more stays: wrong, then handoff, then miss.
    """
    assert message.id is not None
    gap = session.exec(select(Gap).where(Gap.message_id == message.id)).one_or_none()
    if gap is None:
        gap = Gap(
            message_id=message.id,
            language=language,
            text=text or message.text,
            reason=reason,
            created_at=message.created_at,
        )
    if _WEIGHT[reason] > _WEIGHT[gap.reason]:
        gap.reason = reason
    gap.entry = entry or gap.entry
    gap.candidates = candidates or gap.candidates
    gap.closed_at = None
    session.add(gap)
    return gap


def open_gaps(session: Session, since: datetime, limit: int) -> list[Gap]:
    """The gaps since `since` that nobody has closed, newest first, at most `limit`."""
    query = (
        select(Gap)
        .where(col(Gap.created_at) >= since, col(Gap.closed_at).is_(None))
        .order_by(col(Gap.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def close_gaps(session: Session, ids: Iterable[int]) -> None:
    """Mark these gaps as dealt with."""
    for gap in session.exec(select(Gap).where(col(Gap.id).in_(list(ids)))):
        gap.closed_at = now()
        session.add(gap)


def agents_words(session: Session, gap: Gap, limit: int = 10) -> list[str]:
    """What agents wrote in the gap's conversation after the question, oldest first."""
    asked = session.get(Message, gap.message_id)
    assert asked is not None
    query = (
        select(Message.text)
        .where(
            Message.conversation_id == asked.conversation_id,
            Message.author == Author.AGENT,
            col(Message.id) > asked.id,
        )
        .order_by(col(Message.id))
        .limit(limit)
    )
    return list(session.exec(query))


def last_question(session: Session, message: Message | Written) -> Message | None:
    """The question that the bot took up shortly before the customer wrote `message`.

    None when there was none, or a person was already in charge.
    """
    query = (
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.author == Author.CUSTOMER,
            col(Message.id) < message.id,
        )
        .order_by(col(Message.id).desc())
        .limit(_LOOK_BACK)
    )
    for earlier in session.exec(query):
        verdict = earlier.verdict or {}
        if str(verdict.get("skill", "")).startswith("person"):
            return None
        if verdict.get("skill") in _QUESTION_SKILLS and verdict.get("outcome") != "old button":
            return earlier
    return None


def whole_text(session: Session, message: Message) -> str:
    """What the customer said with `message` and the pieces that were understood with it."""
    pieces = (message.verdict or {}).get("joined", [])
    if not pieces:
        return message.text
    query = select(Message.text).where(col(Message.id).in_(pieces)).order_by(col(Message.id))
    return " ".join([*session.exec(query), message.text])
