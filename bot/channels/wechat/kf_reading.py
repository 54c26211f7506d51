"""Reads 微信客服's log after each word of news, at the start, and once a minute in any case.

What is read is stored with the cursor behind it, in one transaction, before any of it takes effect;
what has taken effect is forgotten. So a crash anywhere loses nothing, and receipts double nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Protocol

import structlog

from bot.channels.base import Duty, Inlet
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.errors import FAILURES
from bot.channels.wechat.kf import WINDOW, KfInlet, chat_of, event_in, message_in, sent_at
from bot.channels.wechat.library import ApiError
from bot.core.errors import Unavailable, traced
from bot.core.messages import Inbound, Opening
from bot.core.text import storable

PAGE = 1000
"""Most entries of one answer, as the platform has it."""
NET_SECONDS = 60.0
"""How often the log is read without news, should a callback be lost."""
LOOK_SECONDS = 1.0
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)
"""How long to wait after the first, second … answer that did not come."""
_UNKNOWN_TOKEN, _UNKNOWN_CURSOR = 95007, 40058
_REMEMBERED = 10_000
MAX_NAME = 64
"""Longest name of a customer that is kept, in characters."""
_AT_ONCE = 100
"""How many names the platform gives at once (developer.work.weixin.qq.com/document/path/95159)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where to read on: after `cursor`, with the `token` of the newest callback while it is good.

    `heard` callbacks had come when this was looked up; `is_due`: not all were followed up.
    """

    cursor: str = ""
    token: str = ""
    heard: int = 0
    is_due: bool = False


class News(Protocol):
    """Wakes who waits for news."""

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait at most `seconds`; True when there was news."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log that is stored and has not taken effect."""

    id: int
    data: Mapping[str, Any]


class KfLog(Protocol):
    """What is kept of an account's log. Everything may raise `Unavailable`."""

    async def hear(self, account: str, token: str) -> None:
        """The platform says that there is something new. Returns after the commit."""

    async def place(self, account: str) -> Place:
        """How far the log is read."""

    async def keep(
        self, account: str, page: Sequence[Any], before: Place, cursor: str, *, is_end: bool
    ) -> bool:
        """Store a page with the cursor behind it; False when somebody else has read on."""

    async def untaken(self, account: str) -> Sequence[Entry]:
        """The oldest entries that have not taken effect."""

    async def forget(self, ids: Sequence[int]) -> None:
        """These have taken effect."""

    async def start_over(self, account: str) -> None:
        """Forget the cursor."""

    def listen(self, account: str) -> AbstractContextManager[News]:
        """Whom news of the account wakes, while the context is open."""


class Reader:
    """Reads one 客服帐号's log. Any number of processes may run it: one reads at a time."""

    def __init__(self, client: Client, kept: KfLog, inlet: Inlet, events: KfInlet) -> None:
        self._client = client
        self._account = client.settings.name
        self._log = kept
        self._inlet = inlet
        self._events = events
        self._names: dict[str, str] = {}

    async def run(self, duty: Duty) -> None:
        """Read until cancelled."""
        while True:
            try:
                async with duty.held():
                    await self._serve(duty)
            except Exception as error:
                log.error("reading begins again", account=self._account, error=traced(error))
                await asyncio.sleep(RETRY_SECONDS[0])

    async def _serve(self, duty: Duty) -> None:
        log.info("reading 微信客服", account=self._account)
        with self._log.listen(self._account) as news:
            due, is_news, failures = monotonic(), False, 0
            while await duty.is_ours():
                if is_news or monotonic() >= due:
                    is_done = await self._round(is_net=monotonic() >= due)
                    failures = 0 if is_done else failures + 1
                    due = monotonic() + (NET_SECONDS if is_done else _pause(failures))
                left = max(0.0, due - monotonic())
                is_news = await news.wait(min(LOOK_SECONDS, left))

    async def _round(self, *, is_net: bool) -> bool:
        """Take what is stored, then read what is new. False when it has to be tried again."""
        try:
            await self._take_all()
            place = await self._log.place(self._account)
            while place.is_due or is_net:
                is_net = False
                if await self._page(place):
                    await self._take_all()
                    return True
                await self._take_all()
                place = replace(await self._log.place(self._account), is_due=True)
        except Unavailable:
            return False
        except FAILURES as error:
            log.warning("微信客服 cannot be read", account=self._account, error=str(error))
            return False
        return True

    async def _page(self, place: Place) -> bool:
        """Read and store one page; True at the log's end."""
        found = await self._ask(place)
        is_end = not found.get("has_more")
        page, cursor = found.get("msg_list", []), str(found.get("next_cursor") or place.cursor)
        return await self._log.keep(self._account, page, place, cursor, is_end=is_end) and is_end

    async def _ask(self, place: Place) -> dict[str, Any]:
        wanted = {
            "cursor": place.cursor,
            "token": place.token,
            "limit": PAGE,
            "open_kfid": self._client.settings.open_kfid,
        }
        try:
            return await self._client.post("/cgi-bin/kf/sync_msg", _filled(wanted))
        except ApiError as error:
            if error.code == _UNKNOWN_TOKEN and place.token:
                return await self._ask(replace(place, token=""))
            if error.code == _UNKNOWN_CURSOR and place.cursor:
                log.warning("the log is read from its beginning", account=self._account)
                await self._log.start_over(self._account)
            raise

    # -- what was read takes effect

    async def _take_all(self) -> None:
        """Let all that is stored take effect: a chat's in their order, chats side by side.

        Raises `Unavailable` when not all of it could be stored.
        """
        while entries := await self._log.untaken(self._account):
            await self._learn_names(entries)
            lanes: dict[str, list[Entry]] = defaultdict(list)
            for entry in entries:
                lanes[chat_of(entry.data)].append(entry)
            taking = [self._take_lane(one) for one in lanes.values()]
            results = await asyncio.gather(*taking)
            await self._log.forget([number for taken, _ in results for number in taken])
            for _, error in results:
                if error is not None:
                    raise error

    async def _take_lane(self, entries: list[Entry]) -> tuple[list[int], Unavailable | None]:
        """The ids of those that took effect, and what stopped the others."""
        taken: list[int] = []
        for entry in entries:
            try:
                await self._take(entry.data)
            except Unavailable as error:
                return taken, error
            except Exception as error:
                log.error("an entry is left out", account=self._account, error=traced(error))
            taken.append(entry.id)
        return taken, None

    async def _take(self, entry: Mapping[str, Any]) -> None:
        name = self._names.get(chat_of(entry), "")
        inbound = message_in(entry, CHANNEL, self._account, name)
        if inbound is None:
            event = event_in(entry, CHANNEL, self._account)
            if event is not None:
                await self._events.happened(event)
            return
        if await self._is_open(inbound):
            inbound = replace(inbound, opens=Opening(WINDOW, sent_at(entry)))
        await self._take_message(inbound)

    async def _is_open(self, inbound: Inbound) -> bool:
        """Whether we may answer; whatever fails here costs the customer no message."""
        try:
            return await self._events.wrote(inbound.address)
        except Unavailable:
            raise
        except Exception as error:
            log.error("a session could not be opened", account=self._account, error=traced(error))
            return True

    async def _take_message(self, inbound: Inbound) -> None:
        """A line of a menu that is used up or another's is what it says."""
        taken = await self._inlet.take(inbound)
        if taken.is_stale and not taken.repeated:
            await self._inlet.take(replace(inbound, token=None))

    async def _learn_names(self, entries: Sequence[Entry]) -> None:
        """What customers call themselves, where it is not known yet; without it is no harm."""
        unknown = {chat_of(one.data) for one in entries} - self._names.keys() - {""}
        wanted = sorted(unknown)[:_AT_ONCE]
        if not wanted:
            return
        try:
            asked = {"external_userid_list": wanted}
            found = await self._client.post("/cgi-bin/kf/customer/batchget", asked)
        except FAILURES:
            return
        names = {str(one.get("external_userid")): one for one in found.get("customer_list", [])}
        for chat in wanted:
            name = str(names.get(chat, {}).get("nickname", ""))
            _remember(self._names, chat, storable(name)[:MAX_NAME])


def _pause(failures: int) -> float:
    return RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]


def _remember(what: dict[str, Any], key: str, value: Any) -> None:
    what.pop(key, None)
    what[key] = value
    while len(what) > _REMEMBERED:
        del what[next(iter(what))]


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
