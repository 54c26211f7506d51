"""The agents' forum on the Bot API double, and the people who write in it."""

import time
from dataclasses import dataclass
from typing import Any

from tests.doubles.group_chats import Topic
from tests.doubles.telegram import TelegramDouble
from tests.support.telegram import MESSAGES, UPDATES, bot_config
from tests.support.waiting import until

FORUM = -1001234567890
AGENT, COLLEAGUE, STRANGER = 9001, 9002, 9003


def forum_config(platform: TelegramDouble) -> str:
    """A bot with a forum, which is there."""
    platform.api.forums[str(FORUM)] = {}
    return bot_config(platform) + f"desk_chat_id = {FORUM}\n"


@dataclass
class Forum:
    """The forum as its members see it."""

    platform: TelegramDouble

    @property
    def topics(self) -> dict[int, Topic]:
        return self.platform.api.forums[str(FORUM)]

    def topic(self, name: str) -> int:
        """The id of the newest topic whose name begins so, as soon as there is one."""
        return int(
            until(
                lambda: [at for at, one in list(self.topics.items()) if one.name.startswith(name)]
            )[-1]
        )

    def texts(self, thread: int) -> list[str]:
        """What is to be read in a topic."""
        return self.platform.api.in_topic(str(FORUM), thread)

    def shows(self, thread: int, *words: str) -> str:
        """The first message of a topic with all these words, as soon as there is one."""

        def found() -> list[str]:
            return [one for one in self.texts(thread) if all(word in one for word in words)]

        return str(until(found)[0])

    def everything(self, thread: int) -> str:
        return "\n".join(self.texts(thread))

    def post(self, thread: int, text: str = "", author: int = AGENT, **more: Any) -> dict[str, Any]:
        """Somebody writes in a topic; returns the update."""
        writer = {"id": author, "is_bot": False, "first_name": "Somebody", "language_code": "zh"}
        message = {
            "message_id": next(MESSAGES), "date": int(time.time()), "from": writer,
            "chat": {"id": FORUM, "type": "supergroup", "title": "Desk", "is_forum": True},
            "message_thread_id": thread, "is_topic_message": True,
            **({"text": text} if text else {}), **more,
        }  # fmt: skip
        update = {"update_id": next(UPDATES), "message": message}
        self.platform.push(update)
        return update

    def edit(self, update: dict[str, Any], **more: Any) -> None:
        """Whoever wrote it changes it."""
        message = {**update["message"], "edit_date": int(time.time()), **more}
        self.platform.push({"update_id": next(UPDATES), "edited_message": message})
