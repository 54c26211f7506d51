"""Orders what is to be done in a topic: words that wait there are put together into one message."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from bot.channels.splitting import LIMIT, split, units
from bot.delivery import errands
from storage.models.topics import DeskTopic

_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
"""What Telegram says when a topic has been deleted."""


def tell(session: Session, topic: DeskTopic, text: str, after: Sequence[int] = ()) -> None:
    """Say it in the topic, together with what waits to be said there; nowhere without a topic.

    `after` is how much the topic showed before, where it is to be shown again if this is lost.
    """
    for piece in split(text) if topic.thread is not None else ():
        before = errands.waiting(session, topic.place, _merge(topic))
        if before is not None and units(before["text"]) + units(piece) + 2 > LIMIT:
            topic.batch += 1
            before = None
        joined = f"{before['text']}\n\n{piece}" if before else piece
        known = (before or {}).get("after") or list(after)
        order(session, topic, "say", _merge(topic), text=joined, after=known)


def order(
    session: Session,
    topic: DeskTopic,
    kind: str,
    merge: str = "",
    *,
    repeatable: bool = False,
    **details: Any,
) -> None:
    """Have the bot do this in the topic (see `bot.channels.telegram.errands.KINDS`)."""
    named = {"topic": topic.id, "thread": topic.thread, **details}
    errands.order(session, topic.place, kind, named, merge=merge, repeatable=repeatable)
    session.add(topic)


def rewind(topic: DeskTopic, details: Mapping[str, Any]) -> None:
    """What an errand was to show has not been shown."""
    after = details.get("after")
    if after:
        topic.message_id = min(topic.message_id, after[0])
        topic.note_id = min(topic.note_id, after[1])
        topic.file_id = min(topic.file_id, after[2])


def is_gone(reason: str) -> bool:
    """Whether an errand failed because its topic has been deleted."""
    return any(words in reason.lower() for words in _GONE)


def _merge(topic: DeskTopic) -> str:
    return f"topic:{topic.id}:{topic.batch}"
