"""What a message brings besides its words: a button's token, an album's part, an edit, files."""

from dataclasses import dataclass, replace
from typing import TypedDict

from sqlmodel import Session

from bot.core.messages import Inbound, State, is_mark
from bot.delivery import outbox
from bot.dialogue.compose import HELPFUL, UNHELPFUL
from storage.models.attachments import album_message, attach
from storage.models.buttons import open_button, use_up
from storage.models.conversations import (
    Conversation,
    Message,
    Written,
    is_judged,
    message_from,
    question_before,
    reword,
)
from storage.models.customers import Identity
from storage.models.deliveries import message_sent_as
from storage.models.inbound import Found, keep_receipt

ALBUM, UNCHANGED, STALE, IGNORED = "album", "unchanged", "stale button", "ignored"


ANSWERING = ("faq", "order")
"""Skills whose reply is an answer that helps or does not."""


@dataclass(frozen=True, slots=True)
class Early:
    """What came in needs no message of its own: it belongs to `message_id`, or to none (0)."""

    outcome: str
    message_id: int = 0
    is_stale: bool = False


class Context(TypedDict):
    """The messages to which a new one refers."""

    reply_to: int | None
    edit_of: int | None


def settled(session: Session, inbound: Inbound, found: Found) -> Early | None:
    """Do what needs no turn: a button without effect, an album's further part, an edit that
    changes no word (a link's preview). None for everything else."""
    assert found.identity.id is not None
    if inbound.token is not None:
        button = open_button(session, found.identity.id, inbound.token)
        return Early(STALE, is_stale=True) if button is None else None
    if inbound.likes is not None and _judged(session, inbound, found) is None:
        return Early(IGNORED)
    if inbound.album and not inbound.is_edit:
        return _join_album(session, inbound, found.identity)
    if inbound.is_edit:
        before = message_from(session, found.identity.id, inbound.origin)
        if before is not None and before.text == inbound.text:
            return _done(session, inbound, before, UNCHANGED)
    return None


def pressed(session: Session, inbound: Inbound, found: Found) -> Inbound:
    """`inbound` with the choice that its token stands for, which is used up; or its sign."""
    if inbound.likes is not None:
        judged = _judged(session, inbound, found)
        verdict = (judged.verdict or {}) if judged else {}
        entry = verdict.get("entry", "") if verdict.get("skill") == "faq" else ""
        return replace(inbound, choice=(HELPFUL if inbound.likes else UNHELPFUL) + entry)
    if inbound.token is None:
        return inbound
    assert found.identity.id is not None
    button = open_button(session, found.identity.id, inbound.token)
    assert button is not None  # `settled` has looked, and the chat is held
    use_up(session, button)
    return replace(inbound, choice=button.value, text=button.label)


def context(
    session: Session, inbound: Inbound, identity: Identity, conversation: Conversation
) -> Context:
    """The messages that `inbound` answers or changes, as far as they are known."""
    assert identity.id is not None
    before = message_from(session, identity.id, inbound.origin) if inbound.is_edit else None
    if before is not None and before.id in conversation.fragments:  # the new words replace it
        conversation.fragments = [one for one in conversation.fragments if one != before.id]
    return {
        "reply_to": _answered(session, identity, inbound.reply_to) if inbound.reply_to else None,
        "edit_of": (before.edit_of or before.id) if before else None,
    }


def keep_attachments(session: Session, inbound: Inbound, message: Written) -> None:
    """Store what the message carries; an edit carries again what is there already."""
    if inbound.attachments and message.edit_of is None:
        origin, carried = inbound.origin, inbound.attachments
        attach(session, message.id, message.identity_id, carried, inbound.album, origin)


def _answered(session: Session, identity: Identity, origin: str) -> int | None:
    assert identity.id is not None
    theirs = message_from(session, identity.id, origin)
    return theirs.id if theirs is not None else message_sent_as(session, identity, origin)


def _judged(session: Session, inbound: Inbound, found: Found) -> Message | None:
    """The question that our message answers under which the customer put a sign; None where it is
    no answer, of another conversation, or has had its sign."""
    now = found.conversation
    if now is None or now.state == State.RESOLVED:
        return None
    ours = message_sent_as(session, found.identity, inbound.reply_to)
    question = question_before(session, now, ours) if ours is not None else None
    is_answered = question is not None and (question.verdict or {}).get("skill") in ANSWERING
    if ours is None or not is_answered or is_judged(session, now, ours):
        return None
    return question


def _join_album(session: Session, inbound: Inbound, identity: Identity) -> Early | None:
    """Put a further part to its album's message; None for the first, and where it has words of its
    own to be answered."""
    assert identity.id is not None
    first = album_message(session, identity.id, inbound.album)
    if first is None:
        return None
    assert first.id is not None
    has_words = not is_mark(inbound.text)
    conversation = session.get_one(Conversation, first.conversation_id)
    if has_words and first.id not in conversation.fragments:
        return None
    if has_words:
        reword(session, first.id, inbound.text)
    carried = inbound.attachments
    attach(session, first.id, identity.id, carried, inbound.album, inbound.origin)
    if conversation.state != State.RESOLVED:
        outbox.touch(session, conversation)
    return _done(session, inbound, first, ALBUM)


def _done(session: Session, inbound: Inbound, message: Message, outcome: str) -> Early:
    assert message.id is not None
    keep_receipt(session, inbound, message.id)
    return Early(outcome, message.id)
