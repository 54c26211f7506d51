"""Far more messages than can be answered: what was acknowledged is answered, the rest is told."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bot.core.messages import Author
from bot.dialogue.intake import Intake
from bot.inbox.admission import RETRY_AFTER, Admission
from storage.db import Database
from storage.models.conversations import Message
from tests.faults.mortal import RECEPTION, understand
from tests.support.alone import chat_socket
from tests.support.receiving import Chat

CHATS, EACH, ROOM = 50, 4, 8


class Watched(Admission):
    """Remembers how many waited at most, and for how many there was room."""

    most = widest = 0

    def enter(self, chat: str = "") -> Any:
        self.most, self.widest = max(self.most, self.waiting), max(self.widest, self.room)
        return super().enter(chat)


@dataclass
class Client:
    """Sends all it has at once; whatever is refused it sends again when told to."""

    socket: ClientConnection
    acked: list[int] = field(default_factory=list)
    refused: int = 0
    bot: list[int] = field(default_factory=list)

    async def talk(self) -> None:
        for number in range(EACH):
            await self.send(number)
        while len(self.acked) < EACH or len(self.bot) < EACH:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 60))
            if frame["type"] == "ack":
                self.acked.append(frame["seq"])
            elif frame["type"] == "error":
                assert set(frame) == {"type", "id", "code", "message", "retry_after"}
                assert (frame["code"], frame["retry_after"]) == ("rate_limited", RETRY_AFTER)
                self.refused += 1
                await asyncio.sleep(0.2)  # sooner than told: the flood goes on
                await self.send(int(frame["id"]))
            elif frame.get("from") == "bot":
                self.bot.append(frame["seq"])

    async def send(self, number: int) -> None:
        await self.socket.send(
            json.dumps({"type": "message", "id": str(number), "text": "怎么退货"})
        )


async def test_a_flood(db: Database) -> None:
    door = Watched(patience=0.05, least=ROOM)
    intake = Intake(db, understand, RECEPTION)
    with chat_socket(db, intake, admission=door) as url:
        clients = [Client(await connect(url)) for _ in range(CHATS)]
        await asyncio.gather(*(client.talk() for client in clients))
        for client in clients:
            await client.socket.close()
    assert sum(client.refused for client in clients) > CHATS, "it was no flood"
    assert door.most <= door.widest < CHATS, "more waited than there was room for"
    assert door.waiting == 0
    for client in clients:
        assert len(set(client.acked)) == len(set(client.bot)) == EACH, "once each, and answered"
    messages = await Chat(db, RECEPTION).all(Message)
    assert [one.author for one in messages].count(Author.BOT) == CHATS * EACH


async def test_one_chat_that_floods_leaves_room_for_others(db: Database) -> None:
    """Forty connections of one chat never stop writing; another customer is not turned away."""
    intake = Intake(db, understand, RECEPTION)
    with chat_socket(db, intake, admission=Admission(least=12, per_chat=4)) as url:
        async with connect(url) as first:
            session = json.loads(await first.recv())["session"]
        where = f"{url}?session={session}"
        flood = [await connect(where, close_timeout=0.1) for _ in range(40)]
        over = asyncio.Event()

        async def write(socket: ClientConnection, name: int) -> int:
            busy = number = 0
            while not over.is_set():
                number += 1
                frame = {"type": "message", "id": f"{name}-{number}", "text": "你好"}
                await socket.send(json.dumps(frame))
                while (told := json.loads(await socket.recv()))["type"] not in ("ack", "error"):
                    pass
                if told["type"] == "error":
                    busy += 1
                    await asyncio.sleep(0.1)
            return busy

        writers = [asyncio.create_task(write(one, name)) for name, one in enumerate(flood)]
        other = Client(await connect(url))
        await other.talk()
        over.set()
        turned_away = await asyncio.gather(*writers)
        await asyncio.gather(*(socket.close() for socket in (other.socket, *flood)))
    assert other.refused == 0
    assert sum(turned_away) > 0
