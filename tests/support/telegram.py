"""Customers on Telegram, and a service that is their shop's bot."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlmodel import col, select

from storage.models.conversations import Message
from storage.models.customers import Identity
from tests.doubles.telegram import Call, TelegramDouble
from tests.support.listening import Listener
from tests.support.service import Service

TOKEN, SECRET = "4815:the-token-of-the-tests", "a-secret-word"
UPDATES, MESSAGES, QUERIES = count(500_001), count(1), count(1)


def bot_config(platform: TelegramDouble, mode: str = "polling") -> str:
    """A `[[telegram]]` section for the double."""
    return f"""
    [[telegram]]
    name = "shop"
    token = "{TOKEN}"
    mode = "{mode}"
    webhook_secret = "{SECRET}"
    api_base_url = "{platform.url}"
    """


@contextmanager
def served(**options: Any) -> Iterator[TelegramDouble]:
    """A platform that knows the tests' bot."""
    double = TelegramDouble(**options)
    double.api.token = TOKEN
    with double.running():
        yield double


@dataclass
class Customer(Listener):
    """One person with a private chat."""

    platform: TelegramDouble
    id: int
    language: str = "zh"
    name: str = "小满"
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def user(self) -> dict[str, Any]:
        return {
            "id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language
        }  # fmt: skip

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": "private", "first_name": self.name}

    def message(self, text: str = "", **more: Any) -> dict[str, Any]:
        """An update with a message that is not sent yet."""
        content: dict[str, Any] = {"text": text} if text else {}
        if text.startswith("/"):
            length = len(text.split()[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        message = {
            "message_id": next(MESSAGES), "date": int(time.time()), "from": self.user,
            "chat": self.chat, **content, **more,
        }  # fmt: skip
        return {"update_id": next(UPDATES), "message": message}

    def say(self, text: str = "", **more: Any) -> dict[str, Any]:
        """Send; returns the message."""
        update = self.message(text, **more)
        self.platform.push(update)
        message: dict[str, Any] = update["message"]
        return message

    def edit(self, message: dict[str, Any], text: str) -> None:
        edited = {**message, "text": text, "edit_date": int(time.time())}
        self.platform.push({"update_id": next(UPDATES), "edited_message": edited})

    def pressing(self, data: str, message_id: int) -> dict[str, Any]:
        """An update with a press of a button that carries `data`."""
        shown = {"message_id": message_id, "date": 1, "chat": self.chat, "text": "…"}
        query = {
            "id": str(next(QUERIES)), "from": self.user, "chat_instance": "1", "data": data,
            "message": shown,
        }  # fmt: skip
        return {"update_id": next(UPDATES), "callback_query": query}

    def press(self, label: str) -> str:
        """Press the button with this label under the newest message that has it; its query's id."""
        number, data = self.button(label)
        update = self.pressing(data, number)
        self.platform.push(update)
        return str(update["callback_query"]["id"])

    def button(self, label: str) -> tuple[int, str]:
        """The newest message with a button of this label, and the button's data."""
        for (chat, number), message in reversed(self.platform.api.messages.items()):
            if chat == str(self.id):
                for data, name in self.buttons(message):
                    if label in name:
                        return number, data
        raise AssertionError(f"no button {label!r}")

    @staticmethod
    def buttons(message: dict[str, Any]) -> list[tuple[str, str]]:
        rows = (message["reply_markup"] or {}).get("inline_keyboard", [])
        return [(one["callback_data"], one["text"]) for row in rows for one in row]

    def shown(self) -> int:
        """The number of the newest message that this chat shows."""
        chat = str(self.id)
        return max(at for where, at in list(self.platform.api.messages) if where == chat)

    def react(self, *signs: str, before: tuple[str, ...] = (), **more: Any) -> None:
        """Have `signs` under the newest message, where there were those `before`."""
        change = {
            "chat": self.chat, "message_id": self.shown(), "date": 1, "user": self.user,
            "old_reaction": [{"type": "emoji", "emoji": one} for one in before],
            "new_reaction": [{"type": "emoji", "emoji": one} for one in signs], **more,
        }  # fmt: skip
        self.platform.push({"update_id": next(UPDATES), "message_reaction": change})

    def block(self, is_blocked: bool = True) -> None:
        def member(status: str) -> dict[str, Any]:
            bot = {"id": 1, "is_bot": True, "first_name": "Xiaoer"}
            return {
                "user": bot,
                "status": status,
                **({"until_date": 0} if status == "kicked" else {}),
            }

        old, new = ("member", "kicked") if is_blocked else ("kicked", "member")
        change = {
            "chat": self.chat, "from": self.user, "date": 1, "old_chat_member": member(old),
            "new_chat_member": member(new),
        }  # fmt: skip
        self.platform.push({"update_id": next(UPDATES), "my_chat_member": change})

    @property
    def got(self) -> list[Call]:
        """All messages that have reached this chat."""
        return [call for call in self.platform.sent() if call.chat == str(self.id)]


def in_chat(service: Service, chat: int | str) -> list[tuple[str, str]]:
    """What is stored of a chat: author and text of each message, oldest first."""
    query = (
        select(Message)
        .join(Identity, col(Identity.id) == Message.identity_id)
        .where(Identity.chat == str(chat))
        .order_by(col(Message.id))
    )
    return service.look(lambda session: [(one.author, one.text) for one in session.exec(query)])
