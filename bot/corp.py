"""Wires what a company has at WeCom, 微信客服 and apps: the composition root's part for it."""

from dataclasses import dataclass
from hashlib import sha256

from bot.channels.base import Channel, FileSource, Inlet, Policy
from bot.channels.wechat.endpoint import Callback
from bot.channels.wechat.kf_account import KfAccount, KfCallback
from bot.channels.wechat.wecom import WecomApp, WecomCallback
from bot.config import Config
from bot.core.events import Bus
from bot.dialogue.kf_sessions import KfSessions
from bot.escalation.notices import Notices
from bot.inbox.kf_log import KeptLog
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.secrets import secret
from storage.ownership import Ownership


@dataclass(frozen=True, slots=True)
class Corp:
    """All accounts of the kinds `kf` and `wecom`."""

    db: Database
    kf: tuple[KfAccount, ...]
    apps: tuple[WecomApp, ...]
    sessions: KfSessions
    kept: KeptLog

    @classmethod
    def of(cls, config: Config, db: Database, bus: Bus, voice: Voice) -> "Corp":
        """What the configuration has of them; agents are told by the first app."""
        kept, sessions = KeptLog(db), KfSessions(db, voice)
        sessions.register(bus)
        kf = tuple(KfAccount(one) for one in config.wechat if one.kind == "kf")
        apps = tuple(WecomApp(one) for one in config.wechat if one.kind == "wecom")
        for app in apps[:1]:  # an agent is a member of one company
            desk = config.web.public_url.rstrip("/")
            Notices(app.channel.channel, app.name, voice, desk).register(bus)
        return cls(db, kf, apps, sessions, kept)

    @property
    def channels(self) -> list[Channel]:
        """What is sent to."""
        return [*(one.channel for one in self.kf), *(one.channel for one in self.apps)]

    @property
    def policies(self) -> dict[tuple[str, str], Policy]:
        """What each account that customers write to may send."""
        return {(one.channel.channel, one.name): one.channel.policy for one in self.kf}

    @property
    def files(self) -> list[FileSource]:
        """Where customers' files come from."""
        return [one.files for one in self.kf]

    @property
    def callbacks(self) -> dict[str, Callback]:
        """Where the platform calls, by the accounts' names."""
        settings = [one.settings for one in self.kf]
        found: dict[str, Callback] = {
            one.name: KfCallback(one, settings, self.kept) for one in settings
        }
        return found | {one.name: WecomCallback(one.settings) for one in self.apps}

    def connect(self, inlet: Inlet) -> None:
        """Say where to hand over what customers write."""
        for account in self.kf:
            account.connect(self.kept, inlet, self.sessions)

    def name_messages(self) -> None:
        """Give what we send ids of our own; the tables have to be there."""
        prefix = sha256(self.db.run(secret, "kf-messages").encode()).hexdigest()[:8]
        self.sessions.prefix = prefix
        for account in self.kf:
            account.channel.prefix = prefix

    def start(self) -> None:
        """Begin to read."""
        for one in self.kf:
            one.start(Ownership(self.db, f"reading:{one.channel.channel}:{one.name}"))

    async def stop(self) -> None:
        """Read no more."""
        for one in self.kf:
            await one.stop()

    def close(self) -> None:
        """Close the connections, when nothing is to be sent any more."""
        for one in self.kf:
            one.close()
        for app in self.apps:
            app.close()
