"""People in a Telegram group, and what the shop's bot did there."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.group_chats import BOT, GroupChat
from tests.doubles.telegram import Call, TelegramDouble
from tests.support.telegram import MESSAGES, QUERIES, UPDATES

Update = dict[str, Any]
ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
NEWS = {"id": -1009900001, "type": "channel", "title": "News"}


def person(number: int, name: str = "", username: str = "") -> dict[str, Any]:
    """A user of Telegram."""
    found = {
        "id": number,
        "is_bot": False,
        "first_name": name or f"P{number}",
        "language_code": "zh",
    }
    return {**found, "username": username} if username else found


@dataclass
class Group:
    """One group of the double, and its admins' chat."""

    platform: TelegramDouble
    id: int
    admin_chat: int
    admins: dict[int, str] = field(default_factory=lambda: {10: "Ada"})

    def __post_init__(self) -> None:
        self.platform.api.groups[str(self.id)] = self.state = GroupChat(dict(self.admins))

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": "supergroup", "title": "Fans"}

    def message(
        self, user: dict[str, Any], text: str = "", at: float | None = None, **more: Any
    ) -> Update:
        """An update with a post that nobody has heard of yet."""
        content: dict[str, Any] = {"text": text} if text else {}
        if entities := _entities(text):
            content["entities"] = entities
        message = {
            "message_id": next(MESSAGES), "date": int(at or time.time()), "from": user,
            "chat": self.chat, **content, **more,
        }  # fmt: skip
        return {"update_id": next(UPDATES), "message": message}

    def say(
        self, user: dict[str, Any], text: str = "", at: float | None = None, **more: Any
    ) -> Any:
        """Post, and have Telegram tell it twice; returns the message."""
        update = self.message(user, text, at, **more)
        self.platform.push(update, update)
        return update["message"]

    def in_admin_chat(self, user: dict[str, Any], text: str, **more: Any) -> Any:
        update = self.message(user, text, **more)
        update["message"]["chat"] = {"id": self.admin_chat, "type": "supergroup", "title": "Admins"}
        self.platform.push(update)
        return update["message"]

    def joining(
        self, user: dict[str, Any], at: float, by: dict[str, Any] | None = None
    ) -> list[Update]:
        """Both updates that tell of one arrival."""
        change = {
            "chat": self.chat, "from": by or user, "date": int(at),
            "old_chat_member": {"user": user, "status": "left"},
            "new_chat_member": {"user": user, "status": "member"},
        }  # fmt: skip
        service = self.message(by or user, at=at, new_chat_members=[user])
        return [service, {"update_id": next(UPDATES), "chat_member": change}]

    def press(
        self, user: dict[str, Any], data: str, chat: int | None = None, number: int = 1
    ) -> str:
        """Press a button; its query's id."""
        where = {"id": chat or self.id, "type": "supergroup", "title": "Fans"}
        shown = {"message_id": number, "date": 1, "chat": where, "text": "…"}
        query = {
            "id": str(next(QUERIES)), "from": user, "chat_instance": "1", "data": data,
            "message": shown,
        }  # fmt: skip
        update = {"update_id": next(UPDATES), "callback_query": query}
        self.platform.push(update, update)
        return str(query["id"])

    def heard(self) -> list[Call]:
        """What the bot wrote into the group."""
        return [call for call in self.platform.sent() if call.chat == str(self.id)]

    def told(self) -> list[dict[str, Any]]:
        """The messages in the admins' chat as they are now, the oldest first."""
        found = self.platform.api.messages.items()
        return [message for (chat, _), message in found if chat == str(self.admin_chat)]

    def log(self) -> str:
        return "\n\n".join(message["text"] for message in self.told())

    def undo_buttons(self) -> list[str]:
        """The data of every undo button that is shown now."""
        return [data for message in self.told() for data in buttons(message)]

    def touched(self) -> list[str]:
        """Every call that did something in the group."""
        quiet = ("getChatAdministrators", "getChat", "getMe")
        return [
            call.method
            for call in self.platform.calls
            if call.chat == str(self.id) and call.method not in quiet
        ]


def buttons(message: dict[str, Any]) -> list[str]:
    """The data, or links, of a message's buttons."""
    rows = (message["reply_markup"] or {}).get("inline_keyboard", [])
    return [one.get("callback_data") or one["url"] for row in rows for one in row]


def reply_to(message: dict[str, Any]) -> dict[str, Any]:
    """What makes a post a reply."""
    return {"reply_to_message": message}


def from_bot(group: Group, number: int, text: str) -> dict[str, Any]:
    """A message that the bot wrote, as Telegram quotes it."""
    return {"message_id": number, "date": 1, "chat": group.chat, "from": BOT, "text": text}


def _entities(text: str) -> list[dict[str, Any]]:
    found = []
    at = 0
    for word in text.split(" "):
        kind = {"/": "bot_command", "@": "mention"}.get(word[:1])
        if word.startswith("http"):
            kind = "url"
        if kind and len(word) > 1:
            found.append({"type": kind, "offset": at, "length": len(word)})
        at += len(word) + 1
    return found
