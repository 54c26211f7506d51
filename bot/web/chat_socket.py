"""The chat socket: what a customer writes goes in, what was committed comes out."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlmodel import Session

from bot.channels.webchat import FrameError, Read, Sessions, Typing, parse
from bot.core import metrics
from bot.core.errors import Unavailable
from bot.core.messages import Address, Author, Inbound
from bot.dialogue.intake import Intake
from bot.inbox.admission import Admission, Busy
from bot.web.limits import RateLimit
from storage import live
from storage.db import Database
from storage.models.attachments import Attached, attachments_of
from storage.models.conversations import Passage, Written, last_seq, messages_at
from storage.models.customers import find_identity, note_read

log = structlog.get_logger()

PAGE = 200
"""How many messages are read, and held in memory, at a time for one client."""
QUIET_SECONDS = 30.0
"""A client is looked after at least this often, should a signal ever be missed."""
RETRY_SECONDS = 1.0
"""How long to wait when the database cannot be read."""
Files = Mapping[int, Sequence[Attached]]
"""What messages carry, by their ids."""
TRY_AGAIN_LATER = 1013  # RFC 6455 registry


@dataclass(slots=True)
class ChatSocket:
    """One service's chat sockets."""

    db: Database
    intake: Intake
    sessions: Sessions
    allowed_origins: tuple[str, ...]
    public_url: str = ""
    admission: Admission = field(default_factory=Admission)
    limit: RateLimit = field(default_factory=lambda: RateLimit(burst=60, per_second=3))

    def router(self) -> APIRouter:
        """The route `/chat/ws`."""
        router = APIRouter()
        router.add_api_websocket_route("/chat/ws", self.serve)
        return router

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it leaves."""
        origin = socket.headers.get("origin")  # programs send none, and hold no session either
        if origin is not None and not self.may_connect(origin, socket.headers.get("host", "")):
            log.warning("origin refused: see [web] allowed_origins", origin=origin[:100])
            await socket.close()  # before the handshake: the client sees 403
            return
        await socket.accept()
        offered = socket.query_params.get("session", "")
        token = offered if self.sessions.genuine(offered) else self.sessions.new()
        after = _number(socket.query_params.get("after", "")) if token == offered else 0
        address = self.sessions.address(token)
        client = _Client(self, socket, token, address, after, socket.query_params.get("lang"))
        with metrics.SOCKETS.track_inprogress():
            await client.run()

    def may_connect(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may open the chat: our own pages and the allowed ones."""
        if "*" in self.allowed_origins:
            return True
        own = {host, urlsplit(self.public_url).netloc} - {""}
        return urlsplit(origin).netloc in own or origin.rstrip("/") in self.allowed_origins


@dataclass(slots=True)
class _Client:
    """One open socket: a reader for what comes in, a writer for what was committed."""

    chat: ChatSocket
    socket: WebSocket
    token: str
    address: Address
    after: int
    language: str | None
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        newest = await self.chat.db.read(_newest, self.address)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send({"type": "hello", "session": self.token, "seq": newest})
            writers = [asyncio.create_task(one) for one in (self.write(), self.tell_typing())]
            try:
                await self.read()
            finally:
                for writer in writers:
                    writer.cancel()
                await asyncio.gather(*writers, return_exceptions=True)

    async def read(self) -> None:
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            try:
                await self.take(event.get("text"))
            except FrameError as error:
                metrics.REFUSED.labels("busy" if error.retry_after else error.code).inc()
                await self.send(error.as_frame())
            except Unavailable:
                await self.socket.close(TRY_AGAIN_LATER)
                return

    async def take(self, raw: str | None) -> None:
        inbound = parse(self.address, raw, self.language)
        if not isinstance(inbound, Inbound):
            await self.sign(inbound)
            return
        client_id = inbound.external_id.partition(":")[2]
        if not self.chat.limit.allow(self.address.chat):
            raise FrameError(
                "rate_limited",
                "您发得太快了，请稍等几秒再发。 / "
                "You are writing faster than we can read; wait a few seconds.",
                client_id,
            )
        async with self.sending:  # the ack comes before the message that it is about
            try:
                with self.chat.admission.enter(self.address.chat):
                    received = await self.chat.intake.take(inbound)
            except Busy as busy:  # clients that know nothing of it are told what they do know
                told = f"{busy.zh} / {busy.en}"
                raise FrameError("rate_limited", told, client_id, busy.retry_after) from busy
            await self.socket.send_json({"type": "ack", "id": client_id, "seq": received.seq})

    async def sign(self, sign: Typing | Read) -> None:
        """Tell the desk what the customer does besides writing, as often as is good for it."""
        if not self.chat.limit.allow(self.address.chat):
            return
        if isinstance(sign, Typing):
            await self.chat.db.announce(live.writing(self.address, Author.CUSTOMER))
        else:
            await self.chat.db.transact(note_read, self.address, sign.seq)

    async def tell_typing(self) -> None:
        """Tell the customer whenever an agent is writing."""
        with self.chat.db.live.listen(live.writing(self.address, Author.AGENT)) as signal:
            while True:
                if await signal.wait(QUIET_SECONDS):
                    await self.send({"type": "typing", "from": Author.AGENT})

    async def write(self) -> None:
        with self.chat.db.live.listen(live.chat(self.address)) as signal:
            while True:
                wait = await self.write_new()
                while wait and await signal.wait(wait) and await self.pass_on(signal.news):
                    pass

    async def write_new(self) -> float:
        """Send what is new; returns the seconds to wait for more, 0 when there is more now."""
        try:
            messages, files = await self.chat.db.read(_newer, self.address, self.after)
        except Unavailable:
            return RETRY_SECONDS
        await self.send_messages(messages, files)
        return QUIET_SECONDS if len(messages) < PAGE else 0

    async def pass_on(self, news: object) -> bool:
        """Send what was just committed, if it is known and follows on what was sent before."""
        if not isinstance(news, Passage) or news.after > self.after:
            return False
        if any(one.author == Author.AGENT for one in news.messages):  # who may have sent files
            return False
        await self.send_messages(news.messages, {})
        return True

    async def send_messages(self, messages: Iterable[Written], files: Files) -> None:
        for message in messages:
            if message.id > self.after:
                await self.send(self.frame(message, files.get(message.id, ())))
                self.after = message.id

    def frame(self, message: Written, files: Sequence[Attached]) -> dict[str, Any]:
        frame = {
            "type": "message",
            "seq": message.id,
            "from": message.author,
            "text": message.text,
            "choices": message.choices,
        }
        return frame | ({"attachments": [self.attachment(one) for one in files]} if files else {})

    def attachment(self, file: Attached) -> dict[str, Any]:
        assert file.id is not None
        key = self.chat.sessions.file_key(self.address.chat, file.id)
        return {
            "kind": file.kind,
            "name": file.name,
            "size": file.size,
            "url": f"files/{file.id}?key={key}",
        }

    async def send(self, frame: dict[str, Any]) -> None:
        async with self.sending:
            await self.socket.send_json(frame)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _newest(session: Session, address: Address) -> int:
    identity = find_identity(session, address)
    return last_seq(session, identity.id) if identity and identity.id else 0


def _newer(session: Session, address: Address, after: int) -> tuple[list[Written], Files]:
    """A page of messages, and the files that agents sent with them."""
    messages = messages_at(session, address, after, PAGE)
    theirs = [one.id for one in messages if one.author == Author.AGENT]
    return messages, attachments_of(session, theirs) if theirs else {}
