"""Hands what customers did over, and tells Telegram's side what came of it after the commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from telegram import CallbackQuery, Update, User
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.channels.base import DeskInlet, GroupInlet, Inlet
from bot.channels.telegram import forum, groups, updates
from bot.channels.telegram.client import Client
from bot.channels.telegram.moves import Moves
from bot.core.errors import Unavailable
from bot.core.messages import Address, Inbound
from bot.words.phrases import Voice

TYPING_AFTER, TYPING_EVERY = 1.0, 4.0
"""Seconds after which a slow answer is announced, and how often: "typing" shows for five
(core.telegram.org/bots/api#sendchataction)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """The agents' forum: its chat, and who takes what is written there."""

    chat: str
    inlet: DeskInlet


class Dispatch:
    """Takes one bot's updates, whichever way they come."""

    def __init__(
        self,
        client: Client,
        account: str,
        inlet: Inlet,
        voice: Voice,
        max_bytes: int,
        group_inlet: GroupInlet | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._groups = group_inlet
        self._desk = desk
        self.moves: Moves | None = None
        self._strangers: set[Address] = set()
        self._asking = asyncio.Lock()
        self._max_bytes = max_bytes
        self._client = client
        self._account = account
        self._inlet = inlet
        self._voice = voice
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, raw: Mapping[str, Any]) -> None:
        """Returns when the update's effect is committed, and at once when it has none.

        Of two updates of a chat, that one takes effect first for which this was called first.
        Raises `Unavailable` when nothing could be stored: then it has to come again.
        """
        update = updates.read(self.moves.inward(raw) if self.moves else raw, self._client)
        if update is None:
            log.warning("an update that cannot be read is left out", bot=self._account)
        elif self.moves and update.message and await self.moves.learn_from(update.message):
            pass
        elif self._desk is not None and forum.is_in(update, self._desk.chat):
            if (post := forum.post_in(update, self._account, self._max_bytes)) is not None:
                await self._desk.inlet.take(post)
        elif (place := groups.place_of(update, self._account)) is not None:
            if await self._is_found_anew(place):
                await self.take(raw)
            else:
                await self._in_group(update, place)
        elif update.callback_query is not None:
            await self._pressed(update, update.callback_query)
        elif (reaction := updates.reaction_in(update, self._account)) is not None:
            await self._inlet.take(reaction)
        elif (block := updates.block_in(update, self._account)) is not None:
            await self._inlet.note_block(block[0], is_blocked=block[1])
        elif (inbound := updates.message_in(update, self._account, self._max_bytes)) is not None:
            async with self._typing(inbound):
                await self._inlet.take(inbound)

    async def close(self) -> None:
        """Finish what is still to be told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _in_group(self, update: Update, place: Address) -> None:
        if self._groups is None or not self._groups.knows(place):
            self._leave_alone(place)
        elif update.callback_query is not None:
            await self._pressed_in_group(update, update.callback_query)
        elif (change := groups.change_in(update, self._account)) is not None:
            await self._groups.changed(change)
        elif (post := groups.post_in(update, self._account, await self._us())) is not None:
            await self._groups.posted(post)

    async def _pressed_in_group(self, update: Update, query: CallbackQuery) -> None:
        press = groups.press_in(query, str(update.update_id), self._account)
        words = await self._groups.pressed(press) if press and self._groups else ""
        if words is not None:
            self._later(self._answer(query, words))

    async def _is_found_anew(self, place: Address) -> bool:
        """Whether a group that nobody knows is one of ours after all, under a new id."""
        if self.moves is None or self._groups is None or self._groups.knows(place):
            return False
        return place not in self._strangers and await self.moves.look()

    def _leave_alone(self, place: Address) -> None:
        """A group that is not in the configuration: say so once."""
        if place not in self._strangers:
            self._strangers.add(place)
            log.info("a group that is not configured", bot=self._account, chat=place.chat)

    async def _us(self) -> User:
        """Who the bot is; asked once. Raises `Unavailable` while Telegram does not say."""
        async with self._asking:
            try:
                return self._client.bot
            except RuntimeError:  # not asked yet
                pass
            try:
                return await self._client.get_me()
            except TelegramError as error:
                raise Unavailable("Telegram 暂时没有响应", "Telegram does not answer") from error

    async def _pressed(self, update: Update, query: CallbackQuery) -> None:
        inbound = updates.press_in(update, self._account)
        is_stale = True
        if inbound is not None:
            async with self._typing(inbound):
                is_stale = (await self._inlet.take(inbound)).is_stale
        language = updates.language_of(query.from_user) or self._voice.default_language
        words = self._voice.say("telegram.button_used", language) if is_stale else None
        self._later(self._answer(query, words))
        if not is_stale and query.message is not None:
            self._later(self._remove_buttons(query.message.chat.id, query.message.message_id))

    async def _answer(self, query: CallbackQuery, words: str | None) -> None:
        """Telegram shows a press as under way until it is answered."""
        await self._client.answer_callback_query(query.id, words)

    async def _remove_buttons(self, chat: int, message: int) -> None:
        await self._client.edit_message_reply_markup(chat, message, reply_markup=None)

    @contextlib.asynccontextmanager
    async def _typing(self, inbound: Inbound) -> AsyncIterator[None]:
        """Show that we are typing while an answer takes long."""
        task = asyncio.create_task(self._type(inbound.address.chat))
        try:
            yield
        finally:
            task.cancel()

    async def _type(self, chat: str) -> None:
        await asyncio.sleep(TYPING_AFTER)
        while True:
            with contextlib.suppress(TelegramError):
                await self._client.send_chat_action(chat, ChatAction.TYPING)
            await asyncio.sleep(TYPING_EVERY)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """What is only courtesy: nothing is lost where it fails."""
        task = asyncio.create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TelegramError as error:
            log.info("a button could not be settled", bot=self._account, error=str(error))
