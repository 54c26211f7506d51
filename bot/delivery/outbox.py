"""Writes what is said to a customer: the message, and its delivery where we have to push it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import ConversationChanged, emit
from bot.core.messages import Attachment, Author, Choice, Purpose, State
from bot.core.text import to_traditional
from storage import live
from storage.models.attachments import attach
from storage.models.base import new_row
from storage.models.conversations import (
    Conversation,
    Written,
    latest_conversation,
    open_all,
    open_conversation,
    touch_all,
    write,
    write_all,
)
from storage.models.customers import Identity, held_identities, held_identity
from storage.models.deliveries import Delivery, add_deliveries

USEFUL = {
    Purpose.ANSWER: timedelta(hours=24),
    Purpose.AGENT: timedelta(hours=48),
    Purpose.TRANSACTIONAL: timedelta(hours=48),
    Purpose.MARKETING: timedelta(hours=24),
}
"""How long after it was written a message may still be sent, where nothing else is said."""


def post(
    session: Session,
    conversation: Conversation,
    text: str,
    *,
    author: Author = Author.BOT,
    purpose: Purpose = Purpose.ANSWER,
    choices: Sequence[Choice] = (),
    agent_id: int | None = None,
    useful_until: datetime | None = None,
    origin: str = "",
    attachments: Sequence[Attachment] = (),
) -> Written:
    """Say `text` to the customer of `conversation`. Returns the stored message, with its id.

    The bot's words go in traditional script to customers who write it. Web chat fetches
    messages by itself; every other channel gets a queued `Delivery`, which is not sent after
    `useful_until` (see `USEFUL` for what holds without it). What an agent wrote at the platform
    has its `chat/id` there as `origin`; with `attachments` it is copied from there.
    """
    # The chat is held, so that the ids of its messages grow in the order of their commits: whoever
    # reads on from the last id that they saw misses none.
    identity = held_identity(session, conversation.identity_id)
    convert = to_traditional if identity.traditional and author == Author.BOT else str
    message = Written(
        conversation_id=_id(conversation),
        identity_id=conversation.identity_id,
        agent_id=agent_id,
        author=author,
        purpose=purpose,
        text=convert(text),
        choices=[choice.reworded(convert).as_dict() for choice in choices],
        origin=origin,
    )
    write(session, message)
    if attachments:
        attach(session, message.id, message.identity_id, attachments)
    if not identity.pulls:
        session.add(
            Delivery(
                message_id=message.id,
                channel=identity.channel,
                account=identity.account,
                chat=identity.chat,
                purpose=purpose,
                rank=purpose.rank,
                useful_until=useful_until or now() + USEFUL[purpose],
            )
        )
        live.touch(session, live.sender(identity.channel, identity.account))
    touch(session, conversation)
    return message


@dataclass(frozen=True, slots=True)
class Post:
    """One of many messages to say: the bot's words to the chat with this id."""

    identity_id: int
    text: str
    purpose: Purpose
    useful_until: datetime
    choices: tuple[Choice, ...] = ()


def post_all(session: Session, posts: Sequence[Post]) -> list[int]:
    """`post` for many at once, in a few statements. Returns the messages' ids, in their order."""
    at = now()
    chats = held_identities(session, {one.identity_id for one in posts})
    conversations = open_all(session, {key: chat.language for key, chat in chats.items()})
    messages = [
        _written(one, chats[one.identity_id], conversations[one.identity_id][0], at)
        for one in posts
    ]
    write_all(session, messages)
    pairs = zip(posts, messages, strict=True)
    pushed = [
        _delivery(one, message.id, chats[one.identity_id], at)
        for one, message in pairs
        if not chats[one.identity_id].pulls
    ]
    add_deliveries(session, pushed)
    touched = {one.conversation_id for one in messages}
    touch_all(session, touched, at)
    live.touch(session, live.QUEUE, *(live.chat(chat.address) for chat in chats.values()))
    live.touch(session, *{live.sender(one["channel"], one["account"]) for one in pushed})
    for conversation_id in touched:
        emit(session, ConversationChanged(conversation_id))
    return [one.id for one in messages]


def _written(post: Post, identity: Identity, conversation_id: int, at: datetime) -> Written:
    convert = to_traditional if identity.traditional else str
    return Written(
        conversation_id=conversation_id,
        identity_id=post.identity_id,
        author=Author.BOT,
        purpose=post.purpose,
        text=convert(post.text),
        choices=[choice.reworded(convert).as_dict() for choice in post.choices],
        created_at=at,
    )


def _delivery(post: Post, message_id: int, identity: Identity, at: datetime) -> dict[str, Any]:
    return new_row(
        Delivery,
        message_id=message_id,
        channel=identity.channel,
        account=identity.account,
        chat=identity.chat,
        purpose=post.purpose,
        rank=post.purpose.rank,
        useful_until=post.useful_until,
        created_at=at,
        updated_at=at,
    )


def keep(
    session: Session,
    conversation: Conversation,
    author: Author,
    text: str,
    agent_id: int | None = None,
    purpose: Purpose = Purpose.AGENT,
) -> None:
    """Store what the customer has seen already, or what only the desk shows: nothing is sent."""
    message = Written(
        conversation_id=_id(conversation),
        identity_id=conversation.identity_id,
        author=author,
        purpose=purpose,
        text=text,
        agent_id=agent_id,
    )
    write(session, message)


def touch(session: Session, conversation: Conversation) -> None:
    """Mark the conversation as changed, for the sockets and desks that show it."""
    conversation.updated_at = now()
    session.add(conversation)
    live.touch(session, live.chat(_identity(session, conversation).address), live.QUEUE)
    emit(session, ConversationChanged(_id(conversation)))


def conversation_for(session: Session, identity: Identity, *, fresh: bool = False) -> Conversation:
    """The chat's conversation that is not resolved, or a new one; `fresh` always makes one."""
    assert identity.id is not None
    latest = None if fresh else latest_conversation(session, identity.id)
    if latest is not None and latest.state != State.RESOLVED:
        return latest
    return open_conversation(session, identity)


def _identity(session: Session, conversation: Conversation) -> Identity:
    identity = session.get(Identity, conversation.identity_id)
    assert identity is not None
    return identity


def _id(conversation: Conversation) -> int:
    assert conversation.id is not None
    return conversation.id
