"""What agents do with a conversation: take, reply, note, resolve. Each is one transaction."""

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import ConversationResolved, emit
from bot.core.messages import MAX_TEXT, Author, Purpose, State
from bot.delivery import outbox
from storage.models.agents import Agent
from storage.models.audit import record
from storage.models.conversations import Conversation, Message, Note, locked_conversation


def take(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent in charge. Of two who take at once, one wins; the other gets `NotAllowed`."""
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        owner = session.get(Agent, conversation.agent_id)
        name = owner.name if owner else "?"
        raise NotAllowed(
            f"{name} 已经在处理这个会话。", f"{name} is already handling this conversation."
        )
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN:
        conversation.state = State.OPEN
        conversation.agent_id = agent_id
        conversation.prompt = None
        outbox.touch(session, conversation)
        record(session, f"agent:{agent_id}", "take", f"conversation:{conversation_id}")
    return conversation


def reply(session: Session, conversation_id: int, agent_id: int, text: str) -> Message:
    """Send the agent's words to the customer; the agent takes the conversation by replying."""
    words = _written(text)
    conversation = take(session, conversation_id, agent_id)
    if conversation.first_response_at is None:
        conversation.first_response_at = now()
    return outbox.post(
        session,
        conversation,
        words,
        author=Author.AGENT,
        purpose=Purpose.AGENT,
        agent_id=agent_id,
    )


def note(session: Session, conversation_id: int, agent_id: int, text: str) -> Note:
    """Write an internal note; the customer never sees it."""
    words = _written(text)
    conversation = _conversation(session, conversation_id)
    row = Note(conversation_id=conversation_id, agent_id=agent_id, text=words)
    session.add(row)
    outbox.touch(session, conversation)
    session.flush()
    return row


def resolve(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Close the conversation. The bot returns; a later message opens a new conversation."""
    conversation = _conversation(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        take(session, conversation_id, agent_id)  # raises: it is somebody else's
    conversation.agent_id = agent_id
    conversation.state = State.RESOLVED
    conversation.resolved_at = now()
    conversation.prompt = None
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "resolve", f"conversation:{conversation_id}")
    emit(session, ConversationResolved(conversation_id, agent_id))
    return conversation


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


def _resolved() -> NotAllowed:
    return NotAllowed("这个会话已经结束。", "This conversation is already resolved.")
