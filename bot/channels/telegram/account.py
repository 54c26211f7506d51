"""One bot of the configuration, with all its parts."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import structlog
from telegram.error import InvalidToken, TelegramError

from bot.channels.base import DeskInlet, Duty, GroupInlet, Inlet, MoveKeeper
from bot.channels.telegram import client as clients
from bot.channels.telegram import files, polling
from bot.channels.telegram.client import ALLOWED_UPDATES
from bot.channels.telegram.commands import menu
from bot.channels.telegram.dispatch import Desk, Dispatch
from bot.channels.telegram.files import TelegramFiles
from bot.channels.telegram.moves import Moves
from bot.channels.telegram.sending import TelegramChannel
from bot.config import Telegram
from bot.words.phrases import Voice

RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Pauses between attempts to register the webhook or the menu."""

log = structlog.get_logger()


class TelegramBot:
    """What the service runs for one `[[telegram]]` section."""

    def __init__(
        self,
        settings: Telegram,
        public_url: str,
        voice: Voice,
        zone: ZoneInfo,
        max_megabytes: int,
    ) -> None:
        self.settings = settings
        self._max_bytes = files.limit(settings.api_base_url, max_megabytes)
        self.name = settings.name
        self.moves: Moves | None = None
        self.client = clients.connect(settings)
        self.channel = TelegramChannel(self.client, settings.name, zone)
        self.files = TelegramFiles(self.client, settings.name)
        self._voice = voice
        self._public_url = public_url
        self._dispatch: Dispatch
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def dispatch(self) -> Dispatch:
        """Where this bot's updates go. `connect` comes first."""
        return self._dispatch

    def connect(
        self,
        inlet: Inlet,
        groups: GroupInlet | None = None,
        desk: DeskInlet | None = None,
        keeper: MoveKeeper | None = None,
    ) -> None:
        """Say where to hand over what comes in: privately, in groups, and in the agents' forum;
        and where to keep that a group has got a new id."""
        self.moves = Moves(self.name, _groups(self.settings), keeper) if keeper else None
        if self.moves is not None:
            self.client.follow(self.moves)
        chat = self.settings.desk_chat_id
        forum = Desk(str(chat), desk) if desk is not None and chat is not None else None
        self._dispatch = Dispatch(
            self.client, self.name, inlet, self._voice, self._max_bytes, groups, forum
        )
        self._dispatch.moves = self.moves

    def start(self, duty: Duty) -> None:
        """Begin to take updates; `duty` is that of polling for this bot."""
        work = [_until_done(self._set_menu, self.name)]
        if self.settings.mode == "polling":
            work.append(polling.poll(self.client, self.name, self._dispatch.take, duty))
        else:
            work.append(_until_done(self._set_webhook, self.name))
        self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        """Take no more updates; those under way that were not committed come again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close the connections, when nothing is to be sent any more."""
        await self._dispatch.close()
        await clients.disconnect(self.client)

    def knows(self, secret: str) -> bool:
        """Whether `secret` is the webhook's, compared in constant time."""
        expected = self.settings.webhook_secret
        return bool(expected) and hmac.compare_digest(secret.encode(), expected.encode())

    @property
    def webhook_url(self) -> str:
        """Where Telegram is to call us; empty without a `public_url`."""
        return clients.webhook_url(self.settings, self._public_url)

    async def _set_webhook(self) -> None:
        if not self.webhook_url:
            log.error(
                "the webhook is not registered: set [web] public_url. 未注册 webhook：请设置 "
                "[web] public_url。",
                bot=self.name,
            )
            return
        before = (await self.client.get_webhook_info()).url
        if before not in ("", self.webhook_url):
            log.warning("the webhook led elsewhere and leads to us now", bot=self.name)
        await self.client.set_webhook(
            self.webhook_url,
            secret_token=self.settings.webhook_secret,
            allowed_updates=list(ALLOWED_UPDATES),
        )
        log.info("webhook registered", bot=self.name, url=self.webhook_url)

    async def _set_menu(self) -> None:
        shop = self._voice.words.shop
        await self.client.set_my_commands(menu(self._voice, shop.default_language))
        for language in shop.languages:
            await self.client.set_my_commands(menu(self._voice, language), language_code=language)


def _groups(settings: Telegram) -> set[str]:
    """The ids of all groups that a section names."""
    found = {settings.desk_chat_id}
    for group in settings.groups:
        found |= {group.id, group.admin_chat_id}
    return {str(one) for one in found if one is not None}


async def _until_done(work: Callable[[], Awaitable[None]], bot: str) -> None:
    """Try until the platform takes it; a refused token is for people to mend."""
    attempt = 0
    while True:
        try:
            await work()
        except TelegramError as error:
            seconds = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            log.warning(
                "the bot could not be set up yet",
                bot=bot,
                step=getattr(work, "__name__", "").strip("_"),
                error=type(error).__name__,
                hint="token refused: see @BotFather" if isinstance(error, InvalidToken) else "",
            )
            attempt += 1
            await asyncio.sleep(seconds)
        else:
            return
