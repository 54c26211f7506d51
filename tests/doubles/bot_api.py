"""What a Bot API server knows and refuses: updates by offset, webhooks, messages, buttons, files.

Source of each rule: core.telegram.org/bots/api.
"""

import asyncio
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from xml.etree import ElementTree

import httpx

from tests.doubles.answers import Answer, bad, error, ok
from tests.doubles.group_chats import GroupChats, Topic

MAX_CAPTION = 1024
MAX_FILE = 20 * 1024 * 1024
_TAGS = {"b", "strong", "i", "em", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler", "all"}


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


UPLOADS = ("sendPhoto", "sendVideo", "sendAudio", "sendDocument")
"""What sends a file to a chat, and counts as a message there."""


@dataclass
class Webhook:
    url: str = ""
    secret: str = ""
    allowed: list[str] = field(default_factory=list)
    last_error: str = ""


@dataclass
class BotApi(GroupChats):
    """One bot's state. Methods run on the server's loop."""

    token: str = ""
    chats: set[str] | None = None
    reads_all: bool = False
    migrated: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    messages: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    queries: set[str] = field(default_factory=set)
    pending: list[dict[str, Any]] = field(default_factory=list)
    webhook: Webhook = field(default_factory=Webhook)
    retry_seconds: float = 0.2
    is_admin: bool = True
    sent_by_customers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    ids: Any = field(default_factory=lambda: count(1001))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _polls: int = 0
    _lanes: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _posted: set[int] = field(default_factory=set)

    def add(self, update: dict[str, Any]) -> None:
        """Something happened that the bot is to hear of."""
        if message := update.get("message"):
            where = str(message["chat"]["id"]), int(message["message_id"])
            self.sent_by_customers[where] = message
        if query := update.get("callback_query"):
            self.queries.add(query["id"])
        self.pending.append(update)
        self._news.set()
        self._deliver()

    async def call(self, method: str, data: dict[str, Any]) -> Answer:
        """Any method but sendMessage's faults and limits."""
        found = getattr(self, f"do_{method}", None)
        if found is None:
            return error(404, "Not Found")
        if (chat := str(data.get("chat_id", ""))) in self.migrated:
            return _moved(self.migrated[chat])
        answer: Answer = await found(data)
        return answer

    # -- the bot and its updates

    async def do_getMe(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return ok(
            {
                "id": 1, "is_bot": True, "first_name": "Xiaoer", "username": "xiaoer_bot",
                "can_join_groups": True, "can_read_all_group_messages": self.reads_all,
                "supports_inline_queries": False,
            }
        )  # fmt: skip

    async def do_getUpdates(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        if self.webhook.url:
            return error(
                409, "Conflict: can't use getUpdates method while webhook is active; use"
                " deleteWebhook to delete the webhook first",
            )  # fmt: skip
        self._polls += 1
        mine = self._polls
        self._news.set()  # whoever asked before us is sent away
        await asyncio.sleep(0)
        offset = int(data.get("offset", 0))
        if offset > 0:
            self.pending = [one for one in self.pending if one["update_id"] >= offset]
        wanted = data.get("allowed_updates") or []
        deadline = asyncio.get_running_loop().time() + float(data.get("timeout", 0))
        while True:
            found = [one for one in self.pending if not wanted or any(k in one for k in wanted)]
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return ok(found[: int(data.get("limit", 100))])
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                continue
            if mine != self._polls:
                return error(409, "Conflict: terminated by other getUpdates request")

    async def do_setWebhook(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        url, secret = data.get("url", ""), data.get("secret_token", "")
        if url and not re.match(r"https://|http://127\.0\.0\.1[:/]", url):
            return bad("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
            return bad("secret token contains unallowed characters")
        self.webhook = Webhook(url, secret, data.get("allowed_updates") or [])
        self._deliver()
        return ok(True)

    async def do_getWebhookInfo(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        waiting = len(self.pending)
        info = {
            "url": self.webhook.url, "has_custom_certificate": False,
            "pending_update_count": waiting, "allowed_updates": self.webhook.allowed,
        }  # fmt: skip
        if self.webhook.last_error:
            info |= {"last_error_date": 1, "last_error_message": self.webhook.last_error}
        return ok(info)

    async def do_deleteWebhook(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        self.webhook = Webhook()
        return ok(True)

    async def do_setMyCommands(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        commands = data.get("commands", [])
        for one in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]):
                return bad("BOT_COMMAND_INVALID")
            if not 1 <= len(one["description"]) <= 256:
                return bad("BOT_COMMAND_DESCRIPTION_INVALID")
        if len(commands) > 100:
            return bad("BOT_COMMANDS_TOO_MUCH")
        self.commands[data.get("language_code", "")] = commands
        return ok(True)

    # -- messages

    def refusal(self, data: dict[str, Any]) -> Answer | None:
        """Why a message cannot be sent; None when it can."""
        chat = str(data.get("chat_id", ""))
        if chat in self.migrated:
            return _moved(self.migrated[chat])
        if not chat:
            return bad("chat_id is empty")
        if self.chats is not None and chat not in self.chats:
            return bad("chat not found")
        if (lost := self.no_thread(data)) is not None:
            return lost
        text = str(data.get("text", ""))
        if not text.strip():
            return bad("message text is empty")
        if utf16(text) > 4096:
            return bad("message is too long")
        if data.get("parse_mode") and not _parses(text, data["parse_mode"]):
            return bad("can't parse entities")
        return markup_refusal(data.get("reply_markup"), chat)

    def store(self, data: dict[str, Any]) -> Answer:
        chat = str(data["chat_id"])
        number = next(self.ids)
        self.messages[chat, number] = {
            "text": data["text"], "reply_markup": data.get("reply_markup"),
            "to": (data.get("reply_parameters") or {}).get("message_id"),
            "thread": int(data.get("message_thread_id") or 0),
            "silent": str(data.get("disable_notification", "")).lower() == "true",
        }  # fmt: skip
        return ok(_message(chat, number, data["text"]))

    async def do_editMessageText(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        found = self._edited(data)
        if found is None:
            return bad("message to edit not found")
        if found.get("is_file"):
            return bad("there is no text in the message to edit")
        if found["reply_markup"] and "inline_keyboard" not in found["reply_markup"]:
            return bad("message can't be edited")
        if (refused := self.refusal(data)) is not None:
            return refused
        if (found["text"], found["reply_markup"]) == (data["text"], data.get("reply_markup")):
            return bad("message is not modified")
        found |= {"text": data["text"], "reply_markup": data.get("reply_markup")}
        return ok(_message(str(data["chat_id"]), int(data["message_id"]), data["text"]))

    async def do_editMessageReplyMarkup(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        found = self._edited(data)
        if found is None:
            return bad("message to edit not found")
        if (refused := markup_refusal(data.get("reply_markup"))) is not None:
            return refused
        if found["reply_markup"] == data.get("reply_markup"):
            return bad("message is not modified")
        found["reply_markup"] = data.get("reply_markup")
        return ok(_message(str(data["chat_id"]), int(data["message_id"]), found["text"]))

    async def do_answerCallbackQuery(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        query = str(data.get("callback_query_id", ""))
        if query not in self.queries:
            return bad("query is too old and response timeout expired or query ID is invalid")
        if len(data.get("text", "")) > 200:
            return bad("MESSAGE_TOO_LONG")
        self.answered[query] = data.get("text", "")
        return ok(True)

    async def do_sendChatAction(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return ok(True)

    # -- the agents' forum

    def no_thread(self, data: dict[str, Any]) -> Answer | None:
        """Why nothing can be said in a topic; None when it can, or when none is named."""
        thread = int(data.get("message_thread_id") or 0)
        known = self.forums.get(str(data.get("chat_id", "")), {})
        return bad("message thread not found") if thread and thread not in known else None

    def in_topic(self, chat: str, thread: int) -> list[str]:
        """What is to be read in a topic, the oldest first."""
        found = [(at, one) for (where, at), one in self.messages.items() if where == chat]
        return [one["text"] for _, one in sorted(found) if one.get("thread") == thread]

    def _topic(self, data: dict[str, Any]) -> Topic | Answer:
        """The topic that is to be changed, or why it cannot be."""
        found = self.forums.get(str(data["chat_id"]), {}).get(int(data["message_thread_id"]))
        if not self.is_admin:
            return bad("not enough rights")
        return bad("TOPIC_ID_INVALID") if found is None else found

    async def do_createForumTopic(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        topics = self.forums.get(str(data.get("chat_id", "")))
        if topics is None:
            return bad("the chat is not a forum")
        if not self.is_admin:
            return bad("not enough rights to create a topic")
        if not 1 <= len(data.get("name", "")) <= 128:
            return bad("TOPIC_TITLE_EMPTY")
        thread = next(self.ids)
        topics[thread] = Topic(data["name"])
        return ok({"message_thread_id": thread, "name": data["name"], "icon_color": 7322096})

    async def do_closeForumTopic(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return self._set_closed(data, is_closed=True)

    async def do_reopenForumTopic(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return self._set_closed(data, is_closed=False)

    def _set_closed(self, data: dict[str, Any], *, is_closed: bool) -> Answer:
        topic = self._topic(data)
        if not isinstance(topic, Topic):
            return topic
        if topic.is_closed == is_closed:
            return bad("TOPIC_NOT_MODIFIED")
        topic.is_closed = is_closed
        return ok(True)

    async def do_pinChatMessage(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        chat, number = str(data["chat_id"]), int(data["message_id"])
        found = self.messages.get((chat, number))
        if found is None:
            return bad("message to pin not found")
        if not self.is_admin:
            return bad("not enough rights to manage pinned messages in the chat")
        self.forums[chat][found["thread"]].pinned.append(number)
        return ok(True)

    async def _upload(self, kind: str, data: dict[str, Any]) -> Answer:
        """A file of ours to a chat; a photo has to be one, and no larger than 10 MB."""
        chat, file = str(data.get("chat_id", "")), _uploaded(data.get(kind), data)
        if file is None:
            return bad(f"there is no {kind} in the request")
        name, content = file
        is_photo = content.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF"))
        if kind == "photo" and (not is_photo or name.startswith("wide")):
            return bad("PHOTO_INVALID_DIMENSIONS")
        if len(content) > (10 if kind == "photo" else 50) << 20:
            return bad("file is too big")
        number = next(self.ids)
        self.messages[chat, number] = {
            "text": f"{kind} {name}", "reply_markup": None, "silent": False, "thread": 0,
            "caption": "", "is_file": True, "content": content,
        }  # fmt: skip
        return ok(_message(chat, number, ""))

    async def do_sendPhoto(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return await self._upload("photo", data)

    async def do_sendVideo(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return await self._upload("video", data)

    async def do_sendAudio(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return await self._upload("audio", data)

    async def do_sendDocument(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        return await self._upload("document", data)

    async def do_copyMessage(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        source = (str(data["from_chat_id"]), int(data["message_id"]))
        found = self.sent_by_customers.get(source)
        if found is None:
            return bad("message to copy not found")
        if found.get("has_protected_content"):
            return bad("message can't be copied")
        if (lost := self.no_thread(data)) is not None:
            return lost
        chat, number = str(data["chat_id"]), next(self.ids)
        self.messages[chat, number] = {
            "text": f"copy of {source[1]}", "reply_markup": None, "silent": False,
            "thread": int(data.get("message_thread_id") or 0),
            "caption": found.get("caption", ""), "is_file": True,
        }  # fmt: skip
        return ok({"message_id": number})

    async def do_editMessageCaption(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        found = self._edited(data)
        if found is None:
            return bad("message to edit not found")
        if not found.get("is_file"):
            return bad("there is no caption in the message to edit")
        caption = data.get("caption", "")
        if utf16(caption) > MAX_CAPTION:
            return bad("message caption is too long")
        if found["caption"] == caption:
            return bad("message is not modified")
        found["caption"] = caption
        return ok(_message(str(data["chat_id"]), int(data["message_id"]), caption))

    # -- files

    async def do_getFile(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        content = self.files.get(str(data.get("file_id", "")))
        if content is None:
            return bad("invalid file_id")
        if len(content) > MAX_FILE:
            return bad("file is too big")
        name = data["file_id"]
        return ok(
            {
                "file_id": name, "file_unique_id": name, "file_size": len(content),
                "file_path": f"files/{name}",
            }
        )  # fmt: skip

    # -- calling the webhook

    def _deliver(self) -> None:
        """Post what waits: in order within a chat, chats side by side, until it is taken."""
        if not self.webhook.url:
            return
        lanes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for update in self.pending:
            if update["update_id"] not in self._posted:
                lanes[_chat_of(update)].append(update)
        for chat, updates in lanes.items():
            self._posted |= {one["update_id"] for one in updates}
            before = self._lanes.get(chat)
            self._lanes[chat] = asyncio.ensure_future(self._post_all(updates, before))

    async def _post_all(
        self, updates: list[dict[str, Any]], before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await before
        async with httpx.AsyncClient(timeout=10) as client:
            for update in updates:
                while not await self._post(client, update):
                    await asyncio.sleep(self.retry_seconds)
                self.pending.remove(update)

    async def _post(self, client: httpx.AsyncClient, update: dict[str, Any]) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.secret}
        try:
            answer = await client.post(self.webhook.url, json=update, headers=headers)
        except httpx.HTTPError as failure:
            self.webhook.last_error = type(failure).__name__
            return False
        if not answer.is_success:
            self.webhook.last_error = f"Wrong response from the webhook: {answer.status_code}"
        return answer.is_success

    def _edited(self, data: dict[str, Any]) -> dict[str, Any] | None:
        return self.messages.get((str(data.get("chat_id", "")), int(data.get("message_id", 0))))


def _moved(to: int) -> Answer:
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    return error(400, text, {"migrate_to_chat_id": to})


def markup_refusal(markup: Any, chat: str = "") -> Answer | None:
    """Why buttons cannot be shown; None when they can."""
    keys = [key for row in (markup or {}).get("keyboard", []) for key in row]
    if chat.startswith("-") and any(key.get("request_contact") for key in keys):
        return bad("phone number can be requested in a private chats only")
    if not all(key.get("text") for key in keys):
        return bad("keyboard button text is empty")
    for row in (markup or {}).get("inline_keyboard", []):
        for button in row:
            if not button.get("text"):
                return bad("inline keyboard button text is empty")
            if button.get("url"):
                if not re.match(r"https?://|tg://", button["url"]):
                    return bad("BUTTON_URL_INVALID")
            elif not 1 <= len(button.get("callback_data", "").encode()) <= 64:
                return bad("BUTTON_DATA_INVALID")
    return None


def _parses(text: str, mode: str) -> bool:
    """HTML whose tags are known and closed; other modes are not spoken here."""
    if mode != "HTML":
        return False
    try:
        return all(one.tag in _TAGS for one in ElementTree.fromstring(f"<all>{text}</all>").iter())
    except ElementTree.ParseError:
        return False


def _message(chat: str, number: int, text: str) -> dict[str, Any]:
    plain = int(chat) if re.fullmatch(r"-?\d+", chat) else 0
    kind = "private" if plain >= 0 else "supergroup"
    return {"message_id": number, "date": 1, "chat": {"id": plain, "type": kind}, "text": text}


def _chat_of(update: dict[str, Any]) -> str:
    return next(
        (str(chat) for chat in re.findall(r'"chat": \{"id": (-?\d+)', json.dumps(update))), ""
    )


def _uploaded(field: Any, data: dict[str, Any]) -> tuple[str, bytes] | None:
    """A file's name and content: it stands in the field itself, or in the one that it names
    (core.telegram.org/bots/api#inputfile)."""
    if isinstance(field, str) and field.startswith("attach://"):
        field = data.get(field.removeprefix("attach://"))
    return field if isinstance(field, tuple) else None
