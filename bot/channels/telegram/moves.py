"""A group that becomes a supergroup gets a new id: the configured one goes on leading there."""

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import structlog
from telegram import Message

from bot.channels.base import MoveKeeper
from bot.core.errors import Unavailable

MOVED = (
    "a group became a supergroup and has a new id, which is used from now on: put the new id into "
    "the configuration. 群已升级为超级群，程序已自动改用新 id：请把配置里的旧 id 换成新的。"
)
_GROUPS = ("group", "supergroup")

log = structlog.get_logger()


class Moves:
    """The new ids of one bot's groups. Inside, every group keeps the id that was configured.

    `ours` are the ids in the configuration.
    """

    def __init__(self, bot: str, ours: Collection[str], keeper: MoveKeeper) -> None:
        self.ours = frozenset(ours)
        self._bot = bot
        self._keeper = keeper
        self._new: dict[str, str] = {}

    def begin(self, known: Mapping[str, str]) -> None:
        """Know what was kept, and remind whoever runs the shop."""
        for chat, new_chat in known.items():
            self._note(chat, new_chat)

    async def learn(self, chat: str, new_chat: str) -> None:
        """`chat` is `new_chat` now. Returns after the commit; raises `Unavailable`."""
        if self._new.get(chat) != new_chat and new_chat not in self.ours:
            self._note(chat, new_chat)
            await self._keeper.keep(chat, new_chat)

    async def learn_from_refusal(self, chat: str, new_chat: str) -> None:
        """The same where a message is under way: the next start may be told of it again."""
        with contextlib.suppress(Unavailable):
            await self.learn(chat, new_chat)

    async def learn_from(self, message: Message) -> bool:
        """Whether a message is Telegram's own news of a move. Raises `Unavailable`."""
        old, new = message.migrate_from_chat_id, message.migrate_to_chat_id
        before, after = (message.chat.id, new) if new else (old, message.chat.id)
        if before is not None and str(before) in self.ours:
            await self.learn(str(before), str(after))
        return bool(old or new)

    async def look(self) -> bool:
        """Whether another process has learned of a move meanwhile. Raises `Unavailable`."""
        found = {old: new for old, new in (await self._keeper.known()).items() if old in self.ours}
        is_news = found.items() - self._new.items()
        self.begin(found)
        return bool(is_news)

    def outward(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A request with the ids that the platform uses now."""
        names = ("chat_id", "from_chat_id")
        now = {key: self._new.get(str(data[key]), data[key]) for key in names if key in data}
        return {**data, **now}

    def inward(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """An update with the ids of the configuration."""
        if not self._new:
            return raw
        old: Mapping[str, Any] = _renamed(raw, {new: int(old) for old, new in self._new.items()})
        return old

    def _note(self, chat: str, new_chat: str) -> None:
        if self._new.get(chat) != new_chat:
            self._new[chat] = new_chat
            log.warning(MOVED, bot=self._bot, old=chat, new=new_chat)


def _renamed(value: Any, names: Mapping[str, int]) -> Any:
    """`value` with other ids for those groups that stand in it."""
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(one, names) for key, one in value.items()}
    if found.get("type") in _GROUPS and str(found.get("id")) in names:
        found["id"] = names[str(found["id"])]
    return found
