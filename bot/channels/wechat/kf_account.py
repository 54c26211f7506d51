"""One 客服帐号 of the configuration, with all its parts."""

import asyncio
from collections.abc import Mapping, Sequence

from bot.channels.base import Duty, Inlet
from bot.channels.wechat.client import Client
from bot.channels.wechat.endpoint import Answer
from bot.channels.wechat.envelope import Envelope
from bot.channels.wechat.files import KF_GONE, WeChatFiles
from bot.channels.wechat.kf import KfInlet
from bot.channels.wechat.kf_reading import KfLog, Reader
from bot.channels.wechat.kf_sending import KfChannel
from bot.wechat_settings import WeChat

NEWS = "kf_msg_or_event"
"""The one event that 微信客服 calls back with: there is something new in the log."""


class KfAccount:
    """What the service runs for one `[[wechat]]` section of kind `kf`."""

    def __init__(self, settings: WeChat) -> None:
        self.settings = settings
        self.name = settings.name
        self.client = Client(settings)
        self.channel = KfChannel(self.client, settings.name)
        self.files = WeChatFiles(self.client, settings.name, KF_GONE)
        self._reader: Reader
        self._task: asyncio.Task[None] | None = None

    def connect(self, kept: KfLog, inlet: Inlet, events: KfInlet) -> None:
        """Say where to keep the log, and to hand over what is in it."""
        self._reader = Reader(self.client, kept, inlet, events)

    def start(self, duty: Duty) -> None:
        """Begin to read; `duty` is that of reading this account's log."""
        self._task = asyncio.create_task(self._reader.run(duty))

    async def stop(self) -> None:
        """Read no more; what was read and did not take effect does at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def close(self) -> None:
        """Close the connections, when nothing is to be sent any more."""
        self.client.close()


class KfCallback:
    """What the platform calls for one account: it says that there is news, of whichever."""

    def __init__(self, account: WeChat, all_of_kind: Sequence[WeChat], kept: KfLog) -> None:
        self._envelope = Envelope(account)
        self._account = account
        self._log = kept
        self._by_kfid = {
            one.open_kfid: one.name for one in all_of_kind if one.app_id == account.app_id
        }

    def greet(self, query: Mapping[str, str]) -> str:
        """The answer to the console's question. Raises `Forged` and `Unreadable`."""
        return self._envelope.greet(query)

    async def take(self, query: Mapping[str, str], body: bytes) -> Answer:
        """Persist that a sync is due. Raises `Forged`, `Unreadable` and `Unavailable`.

        A company has one address for all of its 客服帐号: the one that is meant is named inside.
        """
        said = self._envelope.open(query, body)
        token, kfid = said.text("Token"), said.text("OpenKfId")
        self._envelope.note(query, token)
        name = self._by_kfid.get(kfid) if kfid else self._account.name
        if said.text("Event") == NEWS and name is not None:
            await self._log.hear(name, token)
        return Answer()
