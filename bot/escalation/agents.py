"""What agents do with a conversation, each deed in one transaction."""

from collections.abc import Sequence

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import AgentAnswered, ConversationResolved, ConversationTaken, emit
from bot.core.messages import MAX_TEXT, Attachment, Author, Purpose, State
from bot.customers import chats
from bot.delivery import corrections, outbox
from storage.models.agents import Agent
from storage.models.audit import record
from storage.models.conversations import (
    Conversation,
    Message,
    Note,
    Written,
    conversations_in,
    locked_conversation,
)
from storage.models.customers import Identity

_QUEUE_LOOK = 20
"""How many of the longest waiting are looked at for the next one."""


def take(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent in charge. Of two who take at once, one wins; the other gets `NotAllowed`."""
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN:
        _put_in_charge(session, conversation, agent_id, "take")
    return conversation


def take_next(session: Session, agent_id: int) -> Conversation | None:
    """Put the agent in charge of whoever has waited longest; None when nobody waits."""
    for waiting, _identity, _customer in conversations_in(session, [State.WAITING], _QUEUE_LOOK):
        assert waiting.id is not None
        # A colleague may have taken it since it was listed: then the next one is ours.
        if _conversation(session, waiting.id).state == State.WAITING:
            return take(session, waiting.id, agent_id)
    return None


def take_over(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent in charge even where a colleague is. Raises `NotAllowed` when resolved."""
    conversation = _conversation(session, conversation_id)
    if conversation.state != State.OPEN or conversation.agent_id == agent_id:
        return take(session, conversation_id, agent_id)
    _put_in_charge(session, conversation, agent_id, "take_over")
    return conversation


def assign(session: Session, conversation_id: int, agent_id: int, to: Agent) -> Conversation:
    """The agent puts the colleague `to` in charge. Raises `NotAllowed` when resolved."""
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if not to.active or to.id is None:
        raise NotAllowed(f"{to.name} 的账号已停用。", f"{to.name}'s account is disabled.")
    if conversation.agent_id != to.id:
        record(session, f"agent:{agent_id}", "assign", f"conversation:{conversation_id}")
        _put_in_charge(session, conversation, to.id, "take")
    return conversation


def release(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent's own conversation back in the queue, at the place that it had there.

    Raises `NotAllowed` unless the agent is in charge of it.
    """
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN:
        raise NotAllowed("这个会话不在您手上。", "You are not in charge of this conversation.")
    if conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    conversation.state = State.WAITING
    conversation.agent_id = None
    conversation.waiting_since = conversation.waiting_since or now()
    conversation.handoff_reason = conversation.handoff_reason or "released"
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "release", f"conversation:{conversation_id}")
    return conversation


def reply(
    session: Session,
    conversation_id: int,
    agent_id: int,
    text: str,
    origin: str = "",
    attachments: Sequence[Attachment] = (),
) -> Written:
    """Send the agent's words to the customer; the agent takes the conversation by replying.

    `origin` and `attachments` as in `outbox.post`.
    """
    words = _written(text)
    conversation = take(session, conversation_id, agent_id)
    if conversation.first_response_at is None:
        conversation.first_response_at = now()
    said = outbox.post(
        session,
        conversation,
        words,
        author=Author.AGENT,
        purpose=Purpose.AGENT,
        agent_id=agent_id,
        origin=origin,
        attachments=attachments,
    )
    emit(session, AgentAnswered(conversation_id, agent_id))
    return said


def reword(session: Session, message: Message, agent_id: int, text: str) -> bool:
    """Change what the agent wrote to a customer who is pushed to; False when it cannot be."""
    words = _written(text)
    conversation = _conversation(session, message.conversation_id)
    if message.agent_id != agent_id or not corrections.correct(session, message, words):
        return False
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "reword", f"message:{message.id}")
    return True


def note(session: Session, conversation_id: int, agent_id: int, text: str) -> Note:
    """Write an internal note; the customer never sees it."""
    words = _written(text)
    conversation = _conversation(session, conversation_id)
    row = Note(conversation_id=conversation_id, agent_id=agent_id, text=words)
    session.add(row)
    outbox.touch(session, conversation)
    session.flush()
    return row


def unlink(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """This chat is not the customer's whose it was taken for: it becomes nobody's again.

    Raises `NotAllowed` when it is nobody's already.
    """
    conversation = _conversation(session, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    if not chats.part(session, identity):
        raise NotAllowed("这个聊天没有关联顾客。", "This chat is not linked to a customer.")
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "unlink", f"conversation:{conversation_id}")
    return conversation


def resolve(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Close the conversation. The bot returns; a later message opens a new conversation."""
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    conversation.agent_id = agent_id
    conversation.state = State.RESOLVED
    conversation.resolved_at = now()
    conversation.prompt = None
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "resolve", f"conversation:{conversation_id}")
    emit(session, ConversationResolved(conversation_id, agent_id))
    return conversation


def _put_in_charge(
    session: Session, conversation: Conversation, agent_id: int, action: str
) -> None:
    assert conversation.id is not None
    conversation.state = State.OPEN
    conversation.agent_id = agent_id
    conversation.prompt = None
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", action, f"conversation:{conversation.id}")
    emit(session, ConversationTaken(conversation.id, agent_id))


def _conversation(session: Session, conversation_id: int) -> Conversation:
    found = locked_conversation(session, conversation_id)
    if found is None:
        raise NotFound("没有这个会话。", "There is no such conversation.")
    return found


def _written(text: str) -> str:
    words = text.strip()
    if not words:
        raise NotAllowed("内容不能为空。", "Write something first.")
    if len(words) > MAX_TEXT:
        raise NotAllowed(
            f"内容超过 {MAX_TEXT} 个字符，请分成几条发送。",
            f"This is longer than {MAX_TEXT} characters; send it in parts.",
        )
    return words


def _somebody_elses(session: Session, conversation: Conversation) -> NotAllowed:
    owner = session.get(Agent, conversation.agent_id) if conversation.agent_id else None
    if owner is None:  # nobody of ours: see `bot.dialogue.kf_sessions`
        return NotAllowed(
            "同事正在企业微信里接待这位客人。", "A colleague is serving this customer in WeCom."
        )
    name = owner.name
    return NotAllowed(
        f"{name} 已经在处理这个会话。", f"{name} is already handling this conversation."
    )


def _resolved() -> NotAllowed:
    return NotAllowed(
        "这个会话已经结束。客人再找人工时会重新打开。",
        "This conversation is already resolved. It opens when the customer asks again.",
    )
