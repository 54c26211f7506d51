"""What agents keep: things to remember about a customer, tags, conversations put off."""

from datetime import datetime

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import Bus, CustomerAsked
from bot.core.messages import Author, State
from bot.delivery import outbox
from bot.escalation.agents import held
from storage.models.audit import record
from storage.models.conversations import Conversation, Message
from storage.models.customers import Identity
from storage.models.remarks import ConversationTag, CustomerNote

MAX_NOTE = 1000
"""Longest thing to remember, in characters."""
MAX_TAG = 30
"""Longest tag, in characters."""


def register(bus: Bus) -> None:
    """A conversation that was put off comes back as soon as the customer asks again."""

    def wake(session: Session, event: CustomerAsked) -> None:
        conversation = session.get_one(Conversation, event.conversation_id)
        if conversation.snoozed_until is not None:
            conversation.snoozed_until = None
            session.add(conversation)

    bus.on(CustomerAsked, wake)


def remember(
    session: Session, conversation_id: int, agent_id: int, text: str, message_id: int | None = None
) -> CustomerNote:
    """Keep something about the customer of this conversation. Raises `NotAllowed`."""
    words = text.strip()
    if not 0 < len(words) <= MAX_NOTE:
        raise NotAllowed(
            f"请写 1 到 {MAX_NOTE} 个字符。", f"Write 1 to {MAX_NOTE} characters to remember."
        )
    conversation = held(session, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    row = CustomerNote(
        customer_id=identity.customer_id, agent_id=agent_id, text=words, message_id=message_id
    )
    session.add(row)
    _changed(session, conversation, agent_id, "remember")
    session.flush()
    return row


def remember_message(
    session: Session, conversation_id: int, agent_id: int, message_id: int
) -> CustomerNote:
    """Keep what the customer said in a message of their chat. Raises `NotFound`."""
    conversation = held(session, conversation_id)
    message = session.get(Message, message_id)
    is_theirs = message is not None and message.identity_id == conversation.identity_id
    if message is None or not is_theirs or message.author != Author.CUSTOMER:
        raise NotFound("没有这条消息。", "There is no such message.")
    return remember(session, conversation_id, agent_id, message.text[:MAX_NOTE], message_id)


def forget(session: Session, conversation_id: int, agent_id: int, note_id: int) -> None:
    """Remove something that was kept about the customer. Raises `NotFound`."""
    conversation = held(session, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    row = session.get(CustomerNote, note_id)
    if row is None or row.customer_id != identity.customer_id:
        raise NotFound("没有这条记录。", "There is no such note.")
    session.delete(row)
    _changed(session, conversation, agent_id, "forget")


def checked_tag(tag: str) -> str:
    """The tag as it is stored. Raises `NotAllowed`."""
    words = " ".join(tag.split())
    if not 0 < len(words) <= MAX_TAG:
        raise NotAllowed(
            f"标签需要 1 到 {MAX_TAG} 个字符。", f"A tag has 1 to {MAX_TAG} characters."
        )
    return words


def tag(session: Session, conversation_id: int, agent_id: int, tag: str) -> None:
    """Put a tag on the conversation, if it is not there. Raises `NotAllowed`."""
    words = checked_tag(tag)
    conversation = held(session, conversation_id)
    if session.get(ConversationTag, (conversation_id, words)) is None:
        session.add(ConversationTag(conversation_id=conversation_id, tag=words))
        _changed(session, conversation, agent_id, "tag")


def untag(session: Session, conversation_id: int, agent_id: int, tag: str) -> None:
    """Take a tag away; one that is not there stays away."""
    conversation = held(session, conversation_id)
    row = session.get(ConversationTag, (conversation_id, tag))
    if row is not None:
        session.delete(row)
        _changed(session, conversation, agent_id, "untag")


def snooze(
    session: Session, conversation_id: int, agent_id: int, until: datetime | None
) -> Conversation:
    """Put the agent's own conversation off until a moment, or (None) take it up again.

    It comes back before that when the customer asks. Raises `NotAllowed`.
    """
    conversation = held(session, conversation_id)
    if conversation.state != State.OPEN or conversation.agent_id != agent_id:
        raise NotAllowed("这个会话不在您手上。", "You are not in charge of this conversation.")
    if until is not None and until <= now():
        raise NotAllowed("请选一个以后的时间。", "Choose a time to come.")
    conversation.snoozed_until = until
    _changed(session, conversation, agent_id, "snooze" if until else "wake")
    return conversation


def _changed(session: Session, conversation: Conversation, agent_id: int, action: str) -> None:
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", action, f"conversation:{conversation.id}")
