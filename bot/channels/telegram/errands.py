"""What the bot does at Telegram besides sending to customers: see `KINDS`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from telegram import ChatPermissions, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest

from bot.channels.base import Errand, Refused
from bot.channels.telegram.client import Client

MOST_TEXT = 4096
"""Characters of a message (core.telegram.org/bots/api#sendmessage); longer ones are cut."""
MOST_CAPTION = 1024
_SILENT = ChatPermissions.no_permissions()
_DONE_ALREADY = ("message to delete not found", "message is not modified", "topic_not_modified")
"""What Telegram says where nothing is left to do."""

Details = Mapping[str, Any]
Result = dict[str, Any]


async def perform(client: Client, errand: Errand) -> Result:
    """Do it. Raises `Refused` for a kind that is unknown, `TelegramError` as Telegram does."""
    work = KINDS.get(errand.kind)
    if work is None:
        raise Refused(f"unknown errand {errand.kind}")
    try:
        return await work(client, errand.chat, errand.details)
    except BadRequest as error:
        if any(words in str(error).lower() for words in _DONE_ALREADY):
            return {}
        raise


async def _say(client: Client, chat: str, details: Details) -> Result:
    """`text`, in the `thread` of a forum, in answer `to` a message, with rows of `buttons`
    (label and data; a link where the data begins with https:), `silent` or not."""
    sent = await client.send_message(
        chat,
        details["text"][:MOST_TEXT],
        message_thread_id=details.get("thread"),
        reply_to_message_id=details.get("to"),
        allow_sending_without_reply=True,
        reply_markup=_keyboard(details),
        disable_notification=details.get("silent", False),
    )
    return {"message_id": sent.message_id}


async def _edit(client: Client, chat: str, details: Details) -> Result:
    """The `message` becomes `text` with `buttons`; what stands beside a file is its `caption`."""
    if details.get("caption"):
        await client.edit_message_caption(
            chat, details["message"], caption=details["text"][:MOST_CAPTION]
        )
        return {}
    await client.edit_message_text(
        details["text"][:MOST_TEXT], chat, details["message"], reply_markup=_keyboard(details)
    )
    return {}


async def _delete(client: Client, chat: str, details: Details) -> Result:
    """All of `messages`, at most a hundred, go away."""
    await client.delete_messages(chat, details["messages"])
    return {}


async def _mute(client: Client, chat: str, details: Details) -> Result:
    """The `user` may not write `until` a moment (ISO 8601), or until that is undone."""
    until = datetime.fromisoformat(details["until"]) if details.get("until") else None
    await client.restrict_chat_member(chat, details["user"], _SILENT, until_date=until)
    return {}


async def _unmute(client: Client, chat: str, details: Details) -> Result:
    """The `user` may do again what the group lets everybody do."""
    group = await client.get_chat(chat)
    allowed = group.permissions or ChatPermissions.all_permissions()
    await client.restrict_chat_member(chat, details["user"], allowed)
    return {}


async def _ban(client: Client, chat: str, details: Details) -> Result:
    """The `user` is out, and `until` a moment (ISO 8601) or for good cannot come back."""
    until = datetime.fromisoformat(details["until"]) if details.get("until") else None
    await client.ban_chat_member(chat, details["user"], until_date=until)
    return {}


async def _unban(client: Client, chat: str, details: Details) -> Result:
    """The `user` may come back."""
    await client.unban_chat_member(chat, details["user"], only_if_banned=True)
    return {}


async def _kick(client: Client, chat: str, details: Details) -> Result:
    """The `user` is out, but may come back; `until` (ISO 8601) where only half of it is done."""
    await _ban(client, chat, details)
    return await _unban(client, chat, details)


async def _topic(client: Client, chat: str, details: Details) -> Result:
    """A new topic with this `name` in a forum."""
    topic = await client.create_forum_topic(chat, details["name"][:128])
    return {"thread": topic.message_thread_id}


async def _close_topic(client: Client, chat: str, details: Details) -> Result:
    """Nobody but admins writes in the `thread` any more."""
    await client.close_forum_topic(chat, details["thread"])
    return {}


async def _reopen_topic(client: Client, chat: str, details: Details) -> Result:
    """The `thread` is open again."""
    await client.reopen_forum_topic(chat, details["thread"])
    return {}


async def _pin(client: Client, chat: str, details: Details) -> Result:
    """The `message` stays in sight."""
    await client.pin_chat_message(chat, details["message"], disable_notification=True)
    return {}


async def _file(client: Client, chat: str, details: Details) -> Result:
    """The file that a customer sent as `message` in chat `from`, shown in a `thread`."""
    sent = await client.copy_message(
        chat, details["from"], details["message"], message_thread_id=details.get("thread")
    )
    return {"message_id": sent.message_id}


async def _admins(client: Client, chat: str, details: Details) -> Result:
    """Who are admins: `admins`, names by id (core.telegram.org/bots/api#getchatadministrators)."""
    found = await client.get_chat_administrators(chat)
    us = await client.get_me()
    names = {str(one.user.id): one.user.full_name for one in found if one.user.id != us.id}
    return {"admins": names, "bot": us.username}


KINDS: Mapping[str, Callable[[Client, str, Details], Awaitable[Result]]] = {
    "say": _say,
    "edit": _edit,
    "delete": _delete,
    "mute": _mute,
    "unmute": _unmute,
    "ban": _ban,
    "unban": _unban,
    "kick": _kick,
    "topic": _topic,
    "close_topic": _close_topic,
    "reopen_topic": _reopen_topic,
    "pin": _pin,
    "file": _file,
    "admins": _admins,
}


def _keyboard(details: Details) -> InlineKeyboardMarkup | None:
    rows = [[_button(label, data) for label, data in row] for row in details.get("buttons", [])]
    return InlineKeyboardMarkup(rows) if rows else None


def _button(label: str, data: str) -> InlineKeyboardButton:
    if data.startswith("https:"):
        return InlineKeyboardButton(label, url=data)
    return InlineKeyboardButton(label, callback_data=data)
