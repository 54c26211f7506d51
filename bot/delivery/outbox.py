"""Writes what is said to a customer: the message, and its delivery where we have to push it."""

from collections.abc import Sequence

from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.messages import Author, Choice, Purpose, State
from bot.core.text import to_traditional
from storage import live
from storage.models.conversations import Conversation, Message, latest_conversation
from storage.models.customers import Identity
from storage.models.deliveries import Delivery


def post(
    session: Session,
    conversation: Conversation,
    text: str,
    *,
    author: Author = Author.BOT,
    purpose: Purpose = Purpose.ANSWER,
    choices: Sequence[Choice] = (),
    agent_id: int | None = None,
) -> Message:
    """Say `text` to the customer of `conversation`. Returns the stored message, with its id.

    The bot's words go in traditional script to customers who write it. Web chat fetches
    messages by itself; every other channel gets a queued `Delivery`.
    """
    identity = _locked_identity(session, conversation)
    convert = to_traditional if identity.traditional and author == Author.BOT else str
    message = Message(
        conversation_id=_id(conversation),
        identity_id=conversation.identity_id,
        agent_id=agent_id,
        author=author,
        purpose=purpose,
        text=convert(text),
        choices=[choice.reworded(convert).as_dict() for choice in choices],
    )
    session.add(message)
    session.flush()
    if not identity.pulls:
        assert message.id is not None
        session.add(
            Delivery(
                message_id=message.id,
                channel=identity.channel,
                account=identity.account,
                chat=identity.chat,
                purpose=purpose,
            )
        )
    touch(session, conversation)
    return message


def touch(session: Session, conversation: Conversation) -> None:
    """Mark the conversation as changed, for the sockets and desks that show it."""
    conversation.updated_at = now()
    session.add(conversation)
    live.touch(session, live.chat(_identity(session, conversation).address), live.QUEUE)


def conversation_for(session: Session, identity: Identity, *, fresh: bool = False) -> Conversation:
    """The chat's conversation that is not resolved, or a new one; `fresh` always makes one."""
    assert identity.id is not None
    latest = None if fresh else latest_conversation(session, identity.id)
    if latest is not None and latest.state != State.RESOLVED:
        return latest
    conversation = Conversation(identity_id=identity.id, language=identity.language)
    session.add(conversation)
    session.flush()
    return conversation


def _locked_identity(session: Session, conversation: Conversation) -> Identity:
    """The chat's row, held until the commit.

    So the ids of a chat's messages grow in the order of their commits, and whoever reads on
    from the last id that they saw misses none.
    """
    query = select(Identity).where(Identity.id == conversation.identity_id)
    return session.exec(query.with_for_update()).one()


def _identity(session: Session, conversation: Conversation) -> Identity:
    identity = session.get(Identity, conversation.identity_id)
    assert identity is not None
    return identity


def _id(conversation: Conversation) -> int:
    assert conversation.id is not None
    return conversation.id
