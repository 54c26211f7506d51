"""Reads updates: from what Telegram sends to what a customer did."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from telegram import (
    Bot,
    CallbackQuery,
    ChatMember,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    Update,
    User,
)
from telegram.constants import ChatType

from bot.channels.telegram.client import CHANNEL
from bot.channels.telegram.commands import meaning
from bot.core.messages import Address, Attachment, Inbound, Kind
from bot.core.text import storable

MAX_NAME = 64
"""Longest name of a person or file that is kept, in characters."""
HELPED = frozenset("👍❤🔥👏🎉🤩🙏👌💯🏆😍🥰🤝🫡😘🤗💘⚡😇😁")
FAILED = frozenset("👎💩🤮🤬😡🤡🖕💔🤨🥱🤦😢")
"""Reactions that tell whether an answer helped, of those that Telegram has
(core.telegram.org/bots/api#reactiontypeemoji); others tell nothing."""
MAX_DATA = 64
"""Most bytes that a button carries (core.telegram.org/bots/api#inlinekeyboardbutton)."""


def read(raw: Mapping[str, Any], bot: Bot) -> Update | None:
    """The update in `raw`; None when it is none that can be read."""
    try:
        return Update.de_json(dict(raw), bot)
    except (AttributeError, KeyError, LookupError, TypeError, ValueError, OverflowError):
        return None


def message_in(update: Update, account: str, max_bytes: int) -> Inbound | None:
    """What a customer wrote, sent or edited in a private chat; None when it is nothing for us.

    Files of more than `max_bytes` are marked as too large.
    """
    message = update.message or update.edited_message
    if message is None or not _is_private(message) or message.from_user is None:
        return None
    attachments = attachments_in(message, max_bytes)
    text = storable(message.text or message.caption or "") or _stand_in(message, attachments)
    if not text:  # pinned, a changed timer, and whatever else is no message of a customer
        return None
    return Inbound(
        Address(CHANNEL, account, str(message.chat.id)),
        str(update.update_id),
        text=text,
        choice=meaning(text) if _is_command(message) else None,
        name=name_of(message.from_user),
        language=language_of(message.from_user),
        origin=str(message.message_id),
        reply_to=str(message.reply_to_message.message_id) if message.reply_to_message else "",
        is_edit=update.edited_message is not None,
        attachments=attachments,
        album=message.media_group_id or "",
        phone=_own_phone(message),
    )


def press_in(update: Update, account: str) -> Inbound | None:
    """The button that a customer pressed in their own chat; None when it can be none of ours."""
    query = update.callback_query
    chat = _chat_of(query) if query else None
    if query is None or chat is None or not query.data or len(query.data.encode()) > MAX_DATA:
        return None
    return Inbound(
        Address(CHANNEL, account, chat),
        str(update.update_id),
        name=name_of(query.from_user),
        language=language_of(query.from_user),
        token=query.data,
    )


def reaction_in(update: Update, account: str) -> Inbound | None:
    """The sign that a customer put under a message in their own chat; None where it is no sign of
    whether that helped, or was taken away."""
    change = update.message_reaction
    if change is None or change.user is None or change.chat.id != change.user.id:
        return None
    before = {one.emoji for one in change.old_reaction if isinstance(one, ReactionTypeEmoji)}
    now = [one.emoji for one in change.new_reaction if isinstance(one, ReactionTypeEmoji)]
    sign = next((one for one in now if one in HELPED | FAILED and one not in before), None)
    if sign is None:
        return None
    return Inbound(
        Address(CHANNEL, account, str(change.chat.id)),
        str(update.update_id),
        text=sign,
        name=name_of(change.user),
        language=language_of(change.user),
        reply_to=str(change.message_id),
        likes=sign in HELPED,
    )


def block_in(update: Update, account: str) -> tuple[Address, bool] | None:
    """The chat whose customer has blocked the bot (True) or lets it in again (False)."""
    change = update.my_chat_member
    if change is None or change.chat.type != ChatType.PRIVATE:
        return None
    is_blocked = change.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
    return Address(CHANNEL, account, str(change.chat.id)), is_blocked


def attachments_in(message: Message, max_bytes: int) -> tuple[Attachment, ...]:
    """What a message carries; files of more than `max_bytes` are marked as too large."""
    found = _attachments(message)
    return tuple(replace(one, is_too_large=one.size > max_bytes) for one in found)


def name_of(user: User) -> str:
    """What somebody calls themselves."""
    return storable(user.full_name)[:MAX_NAME]


def language_of(user: User) -> str | None:
    """The language of the customer's app, as far as we speak it."""
    code = (user.language_code or "").lower()
    return next((ours for ours in ("zh", "en") if code.startswith(ours)), None)


def _chat_of(query: CallbackQuery) -> str | None:
    """The private chat in which a button was pressed, if it is the presser's own."""
    message = query.message
    if message is None or message.chat.type != ChatType.PRIVATE:
        return None
    return str(message.chat.id) if message.chat.id == query.from_user.id else None


def _is_private(message: Message) -> bool:
    return message.chat.type == ChatType.PRIVATE


def _is_command(message: Message) -> bool:
    return any(
        entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0
        for entity in message.entities
    )


def _own_phone(message: Message) -> str:
    """A shared contact proves the sender's own number only when it is the sender's contact."""
    contact, sender = message.contact, message.from_user
    if contact is None or sender is None or contact.user_id != sender.id:
        return ""
    return contact.phone_number


def _stand_in(message: Message, attachments: tuple[Attachment, ...]) -> str:
    """What shows where a customer sent something without words."""
    if message.sticker and message.sticker.emoji:
        return message.sticker.emoji
    return attachments[0].kind.mark if attachments else ""


def _attachments(message: Message) -> Iterator[Attachment]:
    if message.photo:
        best = max(message.photo, key=lambda size: size.width * size.height)
        yield Attachment(Kind.PHOTO, best.file_id, "", "image/jpeg", best.file_size or 0)
    for kind, found in (
        (Kind.VIDEO, message.animation or message.video or message.video_note),
        (Kind.VOICE, message.voice),
        (Kind.AUDIO, message.audio),
        (Kind.DOCUMENT, None if message.animation else message.document),
    ):
        if found is not None:
            name = storable(getattr(found, "file_name", None) or "")[:MAX_NAME]
            mime = storable(getattr(found, "mime_type", None) or "")[:MAX_NAME]
            yield Attachment(kind, found.file_id, name, mime, found.file_size or 0)
    if message.sticker:
        yield Attachment(Kind.STICKER, message.sticker.file_id)
    if message.location:
        where = message.venue.title if message.venue else ""
        about = f"{message.location.latitude:.6f},{message.location.longitude:.6f}"
        yield Attachment(Kind.LOCATION, name=storable(where)[:MAX_NAME], about=about)
    if message.contact:
        contact = message.contact
        name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
        yield Attachment(Kind.CONTACT, name=storable(name)[:MAX_NAME], about=contact.phone_number)
