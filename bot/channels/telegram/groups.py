"""Reads what happens in groups: from updates to posts, changes and presses."""

import re
from collections.abc import Iterator

from telegram import (
    CallbackQuery,
    Chat,
    ChatMember,
    ChatMemberUpdated,
    Message,
    MessageEntity,
    Update,
    User,
)
from telegram.constants import ChatType

from bot.channels.telegram.client import CHANNEL
from bot.channels.telegram.updates import MAX_NAME, language_of, name_of
from bot.core.groups import (
    ANONYMOUS_ADMIN,
    LINKED_CHANNEL,
    Change,
    Person,
    Post,
    Press,
    Quoted,
    Role,
)
from bot.core.messages import Address
from bot.core.text import storable

_IN_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
_PRESENT = (ChatMember.OWNER, ChatMember.ADMINISTRATOR, ChatMember.MEMBER)


def place_of(update: Update, account: str) -> Address | None:
    """The group in which something happened; None where it was no group."""
    query = update.callback_query
    chat = query.message.chat if query and query.message else update.effective_chat
    return _place(chat, account) if chat and chat.type in _IN_GROUPS else None


def post_in(update: Update, account: str, us: User) -> Post | None:
    """What was written or edited in a group, to a bot that is `us`; None when nothing was."""
    message = update.message or update.edited_message
    if message is None:
        return None
    text = storable(message.text or message.caption or "")
    command, argument = _command(message, us)
    target, argument = _target(message, argument) if command else (None, argument)
    return Post(
        _place(message.chat, account),
        str(update.update_id),
        message.message_id,
        _author(message),
        message.edit_date or message.date,
        text=text,
        links=tuple(_links(message)),
        is_forwarded=message.forward_origin is not None and not message.is_automatic_forward,
        is_edit=update.edited_message is not None,
        is_service=not text and not message.effective_attachment,
        album=message.media_group_id or "",
        thread=message.message_thread_id if message.is_topic_message else None,
        reply=_quoted(message, us),
        question=_question(message, us, text, command, argument),
        command=command,
        argument=argument,
        target=target,
        joined=tuple(_person(user) for user in message.new_chat_members),
    )


def change_in(update: Update, account: str) -> Change | None:
    """Whose standing in a group changed; None when nobody's did."""
    change = update.chat_member or update.my_chat_member
    if change is None:
        return None
    was, now_ = _is_present(change.old_chat_member), _is_present(change.new_chat_member)
    return Change(
        _place(change.chat, account),
        str(update.update_id),
        _person(change.new_chat_member.user),
        _person(change.from_user),
        change.date,
        has_joined=now_ and not was,
        has_left=was and not now_,
        is_admin=change.new_chat_member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR),
        may_write=_may_write(change),
        is_us=update.my_chat_member is not None,
    )


def press_in(query: CallbackQuery, external_id: str, account: str) -> Press | None:
    """The press of a button in a group; None when it carries nothing."""
    if query.message is None or not query.data:
        return None
    return Press(
        _place(query.message.chat, account),
        external_id,
        _person(query.from_user),
        query.data,
        query.message.message_id,
    )


def _place(chat: Chat, account: str) -> Address:
    return Address(CHANNEL, account, str(chat.id))


def _author(message: Message) -> Person:
    """Who wrote it: in a group that may be the group itself, or a channel."""
    chat, user = message.sender_chat, message.from_user
    name = storable((chat.title if chat else "") or "")[:MAX_NAME]
    if message.is_automatic_forward or (user and str(user.id) == LINKED_CHANNEL):
        who = str(chat.id) if chat else LINKED_CHANNEL
        return Person(who, name, role=Role.LINKED_CHANNEL)
    if (chat and chat.id == message.chat.id) or (user and str(user.id) == ANONYMOUS_ADMIN):
        return Person(ANONYMOUS_ADMIN, name, role=Role.ANONYMOUS_ADMIN)
    if chat is not None:
        return Person(str(chat.id), name, chat.username or "", Role.CHANNEL)
    return _person(user) if user else Person("", "", role=Role.CHANNEL)


def _person(user: User) -> Person:
    is_special = user.is_bot or str(user.id) == LINKED_CHANNEL
    return Person(
        str(user.id),
        name_of(user),
        user.username or "",
        Role.BOT if is_special else Role.MEMBER,
        language_of(user),
    )


def _quoted(message: Message, us: User) -> Quoted | None:
    reply = message.reply_to_message
    if reply is None or reply.forum_topic_created:  # in a topic every post "replies" to its opening
        return None
    is_ours = reply.from_user is not None and reply.from_user.id == us.id
    text = storable(reply.text or reply.caption or "")
    return Quoted(reply.message_id, _author(reply), text, is_ours)


def _command(message: Message, us: User) -> tuple[str, str]:
    """The command and what follows it; nothing where there is none, or one for another bot."""
    first = next((one for one in message.entities if one.offset == 0), None)
    if first is None or first.type != MessageEntity.BOT_COMMAND:
        return "", ""
    name, _, bot = message.parse_entity(first).removeprefix("/").partition("@")
    if bot and bot.lower() != (us.username or "").lower():
        return "", ""
    words = (message.text or "").split(maxsplit=1)
    return name.lower(), storable(words[1]) if len(words) > 1 else ""


def _target(message: Message, argument: str) -> tuple[Person | None, str]:
    """Whom a command names who has no user name, and its argument without that name."""
    for entity, words in _entities(message):
        if entity.type == MessageEntity.TEXT_MENTION and entity.user is not None:
            return _person(entity.user), argument.replace(storable(words), "", 1).strip()
    return None, argument


def _question(message: Message, us: User, text: str, command: str, argument: str) -> str | None:
    """What the post asks the bot: by `/ask`, by its name, or in reply to it."""
    if command:
        return argument if command == "ask" else None
    named = _without_our_name(message, us, text)
    if named is not None:
        return named
    reply = message.reply_to_message
    is_reply = reply is not None and reply.from_user is not None and reply.from_user.id == us.id
    return text if is_reply and text else None


def _without_our_name(message: Message, us: User, text: str) -> str | None:
    """The text without the bot's name; None where it is not named."""
    ours = f"@{us.username}".lower()
    for entity, words in _entities(message):
        is_us = entity.user is not None and entity.user.id == us.id
        if is_us or (entity.type == MessageEntity.MENTION and words.lower() == ours):
            return re.sub(re.escape(words), " ", text, flags=re.IGNORECASE).strip()
    return None


def _links(message: Message) -> Iterator[str]:
    for entity, words in _entities(message):
        if entity.type == MessageEntity.URL:
            yield words
        elif entity.type == MessageEntity.TEXT_LINK and entity.url:
            yield entity.url


def _entities(message: Message) -> list[tuple[MessageEntity, str]]:
    """The entities of a text or caption, each with its words."""
    if message.text is not None:
        return list(message.parse_entities().items())
    return list(message.parse_caption_entities().items()) if message.caption is not None else []


def _is_present(member: ChatMember) -> bool:
    return member.status in _PRESENT or bool(getattr(member, "is_member", False))


def _may_write(change: ChatMemberUpdated) -> bool:
    new = change.new_chat_member
    return bool(getattr(new, "can_send_messages", new.status in _PRESENT))
