"""A small FAQ, and a customer who writes straight to `receive`."""

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, select

from bot.answering.load import Entry, Source
from bot.answering.understanding import Candidate, Understanding
from bot.core.messages import Address, Inbound
from bot.core.text import language, normalise
from bot.dialogue import skills
from bot.dialogue.receive import Received, Reception
from bot.dialogue.turn import House
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message
from storage.models.customers import Identity

MEANS: dict[str, tuple[str, ...]] = {
    "怎么退货": ("return_policy",),
    "how do i return this": ("return_policy",),
    "你好": ("hello",),
    "收到的是坏的": ("damaged",),
    "洗完痒": ("allergy_safety",),
    "运费多少钱": ("shipping_fee",),
    "运费?": ("shipping_fee", "return_policy"),
    "the fee?": ("shipping_fee", "return_policy"),
}
"""What the engine makes of a text: one entry answers, several are asked back."""


def entry(entry_id: str, tongue: Any, title: str, topic: str, person: Any = None) -> Entry:
    answer = f"[{entry_id}/{tongue}]"
    source = Source(f"{tongue}/{topic}.yaml", 1)
    return Entry(entry_id, tongue, title, (title,), answer, person=person, source=source)


class Faq:
    """A FAQ of five entries."""

    _all = (
        entry("return_policy", "zh", "如何退货", "returns"),
        entry("return_policy", "en", "Returning something", "returns"),
        entry("shipping_fee", "zh", "运费多少", "shipping"),
        entry("shipping_fee", "en", "Delivery fee", "shipping"),
        entry("hello", "zh", "打招呼", "smalltalk"),
        entry("damaged", "zh", "商品破损", "problems", person="bring"),
        entry("allergy_safety", "zh", "过敏与使用安全", "products", person="bring"),
    )

    def entry(self, entry_id: str, tongue: str) -> Entry | None:
        found = [one for one in self._all if one.id == entry_id]
        return next((one for one in found if one.language == tongue), next(iter(found), None))


def understood(text: str) -> Understanding:
    """What the engine would make of `text`."""
    plain = normalise(text)
    entry_ids = MEANS.get(plain, ())
    decision: Any = ("human", "answer", "ask")[min(len(entry_ids), 2)]
    found = tuple(Candidate(entry_id, 0.9, entry_id) for entry_id in entry_ids)
    return Understanding(
        text, plain, plain, language(text), False, found, decision, 0.9 if found else 0.0, "v1"
    )


def reception_of(voice: Voice) -> Reception:
    """`receive` with the small FAQ and all skills."""
    return Reception(House(voice, Faq()), skills.discover())


@dataclass
class Chat:
    """One customer, who writes and looks at what comes back."""

    db: Database
    reception: Reception
    name: str = "ann"
    tongue: str = "zh"
    _sent: int = 0
    agent: int = field(default=0)

    @property
    def address(self) -> Address:
        return Address("web", "main", self.name, pulls=True)

    def inbound(self, text: str = "", **more: Any) -> Inbound:
        self._sent += 1
        return Inbound(self.address, f"{self.name}-{self._sent}", text, **more)

    async def say(self, text: str = "", **more: Any) -> str:
        """Send; returns the name of the skill that answered."""
        received = await self.receive(self.inbound(text, **more))
        return received.outcome

    async def press(self, value: str) -> str:
        return await self.say(choice=value)

    async def receive(self, inbound: Inbound) -> Received:
        return await self.db.transact(self.reception.receive, inbound, understood(inbound.text))

    async def all(self, table: Any) -> list[Any]:
        return list(await self.db.read(lambda s: s.exec(select(table).order_by(table.id)).all()))

    async def messages(self) -> list[Message]:
        identity = await self.identity()
        return [one for one in await self.all(Message) if one.identity_id == identity]

    async def identity(self) -> int | None:
        query = select(Identity.id).where(Identity.chat == self.name)
        return await self.db.read(lambda session: session.exec(query).one())

    async def last(self) -> Message:
        return (await self.messages())[-1]

    async def conversation(self) -> Conversation:
        identity = await self.identity()
        return [o for o in await self.all(Conversation) if o.identity_id == identity][-1]

    async def by_agent(self, deed: Any, *arguments: Any) -> None:
        """An agent does something with the newest conversation."""
        conversation = await self.conversation()
        if not self.agent:
            self.agent = await self.db.transact(hire)
        await self.db.transact(deed, conversation.id, self.agent, *arguments)

    def phrase(self, key: str, **values: Any) -> str:
        return self.reception.house.voice.say(f"replies.{key}", self.tongue, **values)


def hire(session: Session) -> int:
    agent = Agent(login="mei", name="Mei", password_hash="-")
    session.add(agent)
    session.flush()
    assert agent.id is not None
    return agent.id
