"""Reads what is written in the agents' forum."""

from telegram import Message, Update

from bot.channels.base import DeskPost
from bot.channels.telegram.client import CHANNEL
from bot.channels.telegram.updates import attachments_in
from bot.core.messages import Address
from bot.core.text import storable


def is_in(update: Update, chat: str) -> bool:
    """Whether it happened in this chat."""
    return update.effective_chat is not None and str(update.effective_chat.id) == chat


def post_in(update: Update, account: str, max_bytes: int) -> DeskPost | None:
    """What somebody wrote in a topic; None for anything else, and for what bots and the platform
    write (a pinned card, a closed topic). Files of more than `max_bytes` are too large."""
    message = update.message or update.edited_message
    if message is None or not message.is_topic_message or message.message_thread_id is None:
        return None
    text, has_file = storable(message.text or message.caption or ""), _has_file(message)
    author = _author(message)
    if author is None or not (text or has_file):
        return None
    return DeskPost(
        Address(CHANNEL, account, str(message.chat.id)),
        message.message_thread_id,
        str(update.update_id),
        author,
        text,
        message.message_id,
        is_edit=update.edited_message is not None,
        has_file=has_file,
        attachments=attachments_in(message, max_bytes),
    )


def _author(message: Message) -> str | None:
    """Who wrote it: empty for who writes as the group or a channel, None for other bots."""
    if message.sender_chat is not None:
        return ""
    writer = message.from_user
    return None if writer is None or writer.is_bot else str(writer.id)


def _has_file(message: Message) -> bool:
    return message.effective_attachment is not None
