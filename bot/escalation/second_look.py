"""An agent's second look at a message: the bot was wrong, or what did not arrive goes once more."""

from sqlmodel import Session

from bot.core.errors import NotAllowed, NotFound
from bot.core.messages import Author
from bot.delivery import dead_letters, outbox
from storage.models.audit import record
from storage.models.conversations import Conversation, Message, locked_conversation, question_before
from storage.models.deliveries import held_delivery
from storage.models.gaps import record_gap, whole_text


def was_wrong(session: Session, conversation_id: int, agent_id: int, message_id: int) -> None:
    """The bot's answer does not answer the customer's question: keep that as a gap.

    Raises `NotFound` where it is no answer of the bot's to a question of this conversation.
    """
    conversation, message = _found(session, conversation_id, message_id)
    asked = question_before(session, conversation, message_id)
    if message.author != Author.BOT or asked is None:
        raise NotFound("店小二没有在回答问题。", "Xiaoer was not answering a question there.")
    verdict = asked.verdict or {}
    language = conversation.language
    entry, words = str(verdict.get("entry") or ""), whole_text(session, asked)
    record_gap(session, asked, language, "wrong", [], entry, words)
    record(session, f"agent:{agent_id}", "wrong", f"message:{message_id}")


def send_again(session: Session, conversation_id: int, agent_id: int, message_id: int) -> None:
    """Queue a message again that is held, has failed or perhaps has not arrived.

    Raises `NotAllowed` where there is nothing to be sent again.
    """
    conversation, _ = _found(session, conversation_id, message_id)
    delivery = held_delivery(session, message_id)
    if delivery is None or not dead_letters.retry(session, [delivery.id or 0]):
        raise NotAllowed("这条消息不需要重发。", "This message need not be sent again.")
    outbox.touch(session, conversation)
    record(session, f"agent:{agent_id}", "retry", f"message:{message_id}")


def _found(session: Session, conversation_id: int, message_id: int) -> tuple[Conversation, Message]:
    conversation = locked_conversation(session, conversation_id)
    message = session.get(Message, message_id)
    if conversation is None or message is None or message.conversation_id != conversation_id:
        raise NotFound("没有这条消息。", "There is no such message.")
    return conversation, message
