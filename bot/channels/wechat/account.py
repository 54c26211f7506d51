"""One official account of the configuration, with all its parts."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog

from bot.channels.base import DeliveryInlet, Inlet, Outgoing, Taken
from bot.channels.wechat.callbacks import Allowed, Left, NotArrived, Paid, Reader, key_of
from bot.channels.wechat.client import Client
from bot.channels.wechat.endpoint import SUCCESS, Answer, TooSlow
from bot.channels.wechat.envelope import Envelope, Opened
from bot.channels.wechat.errors import FAILURES
from bot.channels.wechat.files import WeChatFiles
from bot.channels.wechat.library import reply_xml
from bot.channels.wechat.menu import set_menu
from bot.channels.wechat.rendering import MAX_TEXT, texts
from bot.channels.wechat.sending import OfficialChannel, leave_for, policy_of
from bot.core.messages import Address, Inbound
from bot.core.text import language, normalise
from bot.wechat_settings import WeChat
from bot.words.phrases import Voice

REPLY_SECONDS = 4.3
"""After this a request is answered with what there is: the platform waits for five seconds."""
CALLS = 3
"""How often the platform calls with the same
(developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html)."""
REMEMBERED_SECONDS = 60.0
"""How long the reply to a request is kept for its repetitions, which come within fifteen."""
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(slots=True)
class _Request:
    """A message that is being taken, however often it comes; `said` is what its request was told,
    where the account can only reply."""

    taking: "asyncio.Task[Taken]"
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    said: str | None = None
    calls: int = 0


class WeChatAccount:
    """What the service runs for one `[[wechat]]` section of kind `official`."""

    def __init__(self, settings: WeChat, voice: Voice, zone: ZoneInfo) -> None:
        self.settings = settings
        self.name = settings.name
        self.client = Client(settings)
        self.envelope = Envelope(settings)
        shop = str(voice.words.shop.values(voice.default_language)["name"])
        policy = policy_of(settings)
        self.channel = OfficialChannel(self.client, settings.name, policy, shop, zone)
        self.files = WeChatFiles(self.client, settings.name)
        self._reader = Reader(settings.name, settings.menu, policy.replies_only)
        self._voice = voice
        self._inlet: Inlet
        self._deliveries: DeliveryInlet
        self._requests: dict[str, _Request] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[None]] = set()

    def connect(self, inlet: Inlet, deliveries: DeliveryInlet) -> None:
        """Say where to hand over what comes in, and where replies come from."""
        self._inlet, self._deliveries = inlet, deliveries

    def start(self) -> None:
        """Set the account's menu, if one is wanted."""
        if self.settings.menu:
            self._tasks = [asyncio.create_task(self._set_menu())]

    async def close(self) -> None:
        """Stop, and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.client.close()

    def greet(self, query: Mapping[str, str]) -> str:
        """The answer to the console's question. Raises `Forged` and `Unreadable`."""
        return self.envelope.greet(query)

    async def take(self, query: Mapping[str, str], body: bytes) -> Answer:
        """Returns when the callback's effect is committed, with the answer to it.

        Raises `Forged` and `Unreadable` for what is not the platform's, `Unavailable` and
        `TooSlow` when it has to come again.
        """
        said = self.envelope.open(query, body)
        self.envelope.note(query, key_of(said))
        news = self._reader.read(said) if said.text("FromUserName") else None
        until = monotonic() + REPLY_SECONDS
        if isinstance(news, Inbound):
            request = self._requests.get(news.external_id) or self._begin(news)
            request.calls += 1
            taken: Taken = await _in_time(request.taking)
            if self.channel.policy.replies_only:
                return await self._reply(said, news, request, taken, until)
        elif news is not None:
            await _in_time(self._kept(self._noted(self._reader.address(said), news, key_of(said))))
        return Answer()

    async def _noted(
        self, address: Address, news: Left | Paid | NotArrived | Allowed, key: str
    ) -> None:
        """What is no message takes effect."""
        if isinstance(news, Left):
            await self._inlet.note_block(address, is_blocked=True)
        elif isinstance(news, Paid):
            await self._deliveries.opened(address, "payment", news.at)
        elif isinstance(news, NotArrived):
            number = news.provider_id
            await self._deliveries.not_arrived(address, number, blocked=news.is_refused)
        else:
            for template in news.templates:
                await self._deliveries.allowed(address, leave_for(template), key)

    async def _reply(
        self, said: Opened, inbound: Inbound, request: _Request, taken: Taken, until: float
    ) -> Answer:
        """Answer in the request itself; its repetitions join the same work and get the same."""
        async with request.lock:
            if request.said is not None:
                return Answer(self._sealed(said, request.said))
            left = max(0.0, until - monotonic())
            patient = bool(taken.waiting)
            found = await self._deliveries.next_reply(inbound.address, left, patient=patient)
            if found is None:
                is_late = monotonic() >= until
                if is_late and not patient and request.calls < CALLS:
                    raise TooSlow
                words = language(normalise(inbound.text)) or self._voice.default_language
                is_coming = patient or is_late
                request.said = self._voice.say("wechat.not_ready", words) if is_coming else ""
                return Answer(self._sealed(said, request.said))
            request.said, has_more = self._worded(found)
        return Answer(self._sealed(said, request.said), partial(self._given, found, has_more))

    def _begin(self, inbound: Inbound) -> _Request:
        request = _Request(asyncio.ensure_future(self._taken(inbound)))
        self._requests[inbound.external_id] = request
        request.taking.add_done_callback(lambda task: self._forget(inbound.external_id, task))
        return request

    async def _taken(self, inbound: Inbound) -> Taken:
        return await self._inlet.take(inbound)

    def _kept(self, work: Coroutine[Any, Any, None]) -> "asyncio.Future[None]":
        """`work` goes on when its request has ended."""
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()  # told to the request, or the platform calls again

    def _forget(self, key: str, task: "asyncio.Task[Taken]") -> None:
        """Soon, or at once where nothing was stored: then the next request tries again."""
        if task.cancelled() or task.exception() is not None:
            self._requests.pop(key, None)
        else:
            asyncio.get_running_loop().call_later(REMEMBERED_SECONDS, self._requests.pop, key, None)

    def _worded(self, outgoing: Outgoing) -> tuple[str, bool]:
        """The piece that is due, and whether more follow."""
        spoken = language(normalise(outgoing.text)) or self._voice.default_language
        lead = self._voice.say("wechat.by_number", spoken)
        pieces = texts(outgoing.text, outgoing.choices, lead=lead)
        if len(pieces) == 1 and outgoing.part == 0:
            return pieces[0], False
        hint = self._voice.say("wechat.more_hint", spoken)
        pieces = texts(outgoing.text, outgoing.choices, MAX_TEXT - len(hint.encode()) - 2, lead)
        at = min(outgoing.part, len(pieces) - 1)
        is_last = at == len(pieces) - 1
        return pieces[at] if is_last else f"{pieces[at]}\n\n{hint}", not is_last

    def _sealed(self, said: Opened, text: str) -> str:
        if not text:
            return SUCCESS
        xml = reply_xml(said.text("FromUserName"), said.text("ToUserName"), text)
        return self.envelope.seal(xml) if said.encrypted else xml

    async def _given(self, outgoing: Outgoing, has_more: bool) -> None:
        await self._deliveries.reply_given(outgoing, has_more=has_more)

    async def _set_menu(self) -> None:
        """Try until the platform takes it."""
        attempt = 0
        while True:
            try:
                if await set_menu(self.client):
                    log.info("the menu is set", account=self.name)
            except FAILURES as error:
                log.warning("the menu could not be set yet", account=self.name, error=str(error))
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1
            else:
                return


async def _in_time(work: "asyncio.Future[T]") -> T:
    """What comes of `work`, which goes on by itself. Raises `TooSlow` before the platform cuts the
    request."""
    done, _ = await asyncio.wait({work}, timeout=REPLY_SECONDS)
    if not done:
        raise TooSlow
    return work.result()
