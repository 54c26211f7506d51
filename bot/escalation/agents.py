"""What agents do with a conversation, each deed in one transaction."""

from collections.abc import Sequence

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import (
    AgentAnswered,
    ConversationReleased,
    ConversationResolved,
    ConversationTaken,
    emit,
)
from bot.core.messages import MAX_TEXT, Attachment, Author, Purpose, State
from bot.customers import chats, linking
from bot.delivery import corrections, outbox
from bot.escalation import follow_ups
from storage.models.agents import Agent, agent_by_login
from storage.models.audit import record
from storage.models.conversations import (
    Conversation,
    Message,
    Note,
    Written,
    locked_conversation,
)
from storage.models.customers import Identity, held_identity
from storage.models.routing import held_agent, next_waiting, open_counts, teams_of


class AtCapacity(NotAllowed):
    """Somebody has as many open conversations as they are to have."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(
            f"{agent.name} 手上已有 {agent.capacity} 个会话，达到上限。请先结束或转出一个。",
            f"{agent.name} has {agent.capacity} open conversations already, which is the most. "
            "Resolve or transfer one first.",
        )


def take(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent in charge. Of two who take at once, one wins; the other gets `NotAllowed`.

    Raises `AtCapacity` where the agent has enough to do.
    """
    conversation = held(session, conversation_id)
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN:
        put_in_charge(session, conversation, agent_id, "take")
    return conversation


def take_next(session: Session, agent_id: int) -> Conversation | None:
    """Put the agent in charge of whoever has waited longest for a team of theirs; None when nobody
    waits. Raises `AtCapacity`."""
    mine = teams_of(session, agent_id)
    teams = {"", *mine} if mine else None
    for skip_held in (True, False):  # what a colleague is taking just now, is not worth waiting for
        while (found := next_waiting(session, teams, skip_held=skip_held)) is not None:
            # A colleague may have taken it since it was looked up: then the next one is ours.
            if held(session, found).state == State.WAITING:
                return take(session, found, agent_id)
    return None


def take_over(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent in charge even where a colleague is, and of one more than they are to have.

    Raises `NotAllowed` when resolved.
    """
    conversation = held(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN or conversation.agent_id != agent_id:
        action = "take_over" if conversation.state == State.OPEN else "take"
        put_in_charge(session, conversation, agent_id, action, beyond_capacity=True)
    return conversation


def assign(session: Session, conversation_id: int, agent_id: int, to: Agent) -> Conversation:
    """The agent puts the colleague `to` in charge.

    Raises `NotAllowed` when it is resolved or the account disabled, `AtCapacity` where the
    colleague has enough to do.
    """
    conversation = held(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if not to.active or to.id is None:
        raise NotAllowed(f"{to.name} 的账号已停用。", f"{to.name}'s account is disabled.")
    if conversation.agent_id != to.id:
        record(session, f"agent:{agent_id}", "assign", f"conversation:{conversation_id}")
        put_in_charge(session, conversation, to.id, "take")
    return conversation


def release(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Put the agent's own conversation back in the queue, at the place that it had there.

    Raises `NotAllowed` unless the agent is in charge of it.
    """
    conversation = held(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state != State.OPEN:
        raise NotAllowed("这个会话不在您手上。", "You are not in charge of this conversation.")
    if conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    to_queue(conversation, "released")
    conversation.left_by = agent_id  # the router looks for somebody else
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "release", f"conversation:{conversation_id}")
    emit(session, ConversationReleased(conversation_id, agent_id))
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
    conversation.owed_since = None
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
    record(session, f"agent:{agent_id}", "reply", f"conversation:{conversation_id}")
    emit(session, AgentAnswered(conversation_id, agent_id))
    return said


def reword(session: Session, message: Message, agent_id: int, text: str) -> bool:
    """Change what the agent wrote to a customer who is pushed to; False when it cannot be."""
    words = _written(text)
    conversation = held(session, message.conversation_id)
    if message.agent_id != agent_id or not corrections.correct(session, message, words):
        return False
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "reword", f"message:{message.id}")
    return True


def note(session: Session, conversation_id: int, agent_id: int, text: str) -> Note:
    """Write an internal note; the customer never sees it. Colleagues named as `@login` or `@name`
    find it among what they have to do."""
    words = _written(text)
    conversation = held(session, conversation_id)
    row = Note(conversation_id=conversation_id, agent_id=agent_id, text=words)
    session.add(row)
    follow_ups.mention(session, conversation_id, agent_id, words)
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "note", f"conversation:{conversation_id}")
    session.flush()
    return row


def link(session: Session, conversation_id: int, agent_id: int, order_number: str) -> Conversation:
    """This chat is whose the order is; what is known of either is one customer's from now on.

    Raises `NotFound` for an unknown order, `NotAllowed` for a chat that is another customer's.
    """
    conversation = held(session, conversation_id)
    identity = held_identity(session, conversation.identity_id)
    was_linked = identity.linked_at is not None
    at = now()
    order = linking.vouch(session, identity, order_number, at)
    if order is None:
        raise NotFound(
            "没有这个订单号，请核对后再试。", "There is no such order: please check its number."
        )
    if was_linked and order.customer_id != identity.customer_id:
        raise NotAllowed(
            "这个聊天已关联另一位顾客，请先解除关联。",
            "This chat is another customer's: unlink it first.",
        )
    outbox.touch(session, conversation)
    # At the moment of `Identity.linked_at`, by which the card tells who vouched.
    record(session, f"agent:{agent_id}", "link", f"conversation:{conversation_id}", at)
    return conversation


def unlink(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """This chat is not the customer's whose it was taken for: it becomes nobody's again.

    Raises `NotAllowed` when it is nobody's already.
    """
    conversation = held(session, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    if not chats.part(session, identity):
        raise NotAllowed("这个聊天没有关联顾客。", "This chat is not linked to a customer.")
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "unlink", f"conversation:{conversation_id}")
    return conversation


def resolve(session: Session, conversation_id: int, agent_id: int) -> Conversation:
    """Close the conversation. The bot returns; a later message opens a new conversation."""
    conversation = held(session, conversation_id)
    if conversation.state == State.RESOLVED:
        raise _resolved()
    if conversation.state == State.OPEN and conversation.agent_id != agent_id:
        raise _somebody_elses(session, conversation)
    conversation.agent_id = agent_id
    conversation.state = State.RESOLVED
    conversation.resolved_at = now()
    conversation.owed_since = None
    conversation.prompt = None
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "resolve", f"conversation:{conversation_id}")
    emit(session, ConversationResolved(conversation_id, agent_id))
    return conversation


def to_queue(conversation: Conversation, reason: str) -> None:
    """Nobody is in charge any more: it waits at its old place, for `reason` where it had none."""
    conversation.state = State.WAITING
    conversation.agent_id = None
    conversation.owed_since = None
    conversation.waiting_since = conversation.waiting_since or now()
    conversation.handoff_reason = conversation.handoff_reason or reason


def put_in_charge(
    session: Session,
    conversation: Conversation,
    agent_id: int,
    action: str,
    *,
    beyond_capacity: bool = False,
) -> None:
    """Make the agent the one owner of a conversation whose chat is held.

    The agent's row is held while what they have is counted, so that nobody gets too many. Raises
    `AtCapacity`, unless `beyond_capacity`.
    """
    assert conversation.id is not None
    agent = held_agent(session, agent_id)
    if not beyond_capacity and agent.capacity is not None:
        session.flush()
        if open_counts(session, [agent_id])[agent_id] >= agent.capacity:
            raise AtCapacity(agent)
    if conversation.state == State.WAITING or conversation.owed_since is not None:
        conversation.owed_since = now()
    conversation.state = State.OPEN
    conversation.agent_id = agent_id
    conversation.at_head = False
    conversation.prompt = None
    agent.assigned_at = now()
    session.add(agent)
    outbox.touch(session, conversation)
    session.flush()
    record(session, f"agent:{agent_id}", action, f"conversation:{conversation.id}")
    emit(session, ConversationTaken(conversation.id, agent_id))


def named(session: Session, login: str) -> Agent:
    """The agent with this login, however it is typed. Raises `NotFound`."""
    agent = agent_by_login(session, login.strip().lower())
    if agent is None:
        raise NotFound(f"没有登录名为 {login} 的客服。", f"There is no agent with login {login}.")
    return agent


def held(session: Session, conversation_id: int) -> Conversation:
    """The conversation, its chat held until the commit. Raises `NotFound`."""
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
