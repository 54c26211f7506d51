"""A new customer's first 64 messages come at once, each three times, in any order of repetition."""

import asyncio
import random
from collections import Counter

import pytest
from sqlmodel import Session, func, select

from bot.answering.understanding import Understanding
from bot.core.messages import Author
from bot.dialogue.intake import Intake
from storage.db import Database
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.inbound import Receipt
from tests.faults.mortal import RECEPTION
from tests.support.receiving import Chat, understood

TABLES = (Customer, Identity, Conversation, Receipt)


async def understand(text: str) -> Understanding:
    await asyncio.sleep(random.random() / 100)  # as an engine that is busy with others
    return understood(text)


def counts(session: Session) -> list[int]:
    return [session.exec(select(func.count()).select_from(table)).one() for table in TABLES]


@pytest.mark.parametrize("customers", [1, pytest.param(40, marks=pytest.mark.soak)])
async def test_sixty_four_first_messages_three_times_each(db: Database, customers: int) -> None:
    """Two processes serve the same database, where it can be shared."""
    dice = random.Random(64)
    doors = [Intake(db, understand, RECEPTION)]
    other = db if db.is_sqlite else Database(db.url.render_as_string(hide_password=False))
    doors.append(Intake(other, understand, RECEPTION) if other is not db else doors[0])
    chats = [Chat(db, RECEPTION, f"chat{number}") for number in range(customers)]
    sent = [one.inbound("怎么退货") for _ in range(64) for one in chats]
    again = sent * 2
    dice.shuffle(again)
    first = [doors[0].take(one) for one in sent]
    received = await asyncio.gather(*first, *(dice.choice(doors).take(one) for one in again))

    by_id: dict[tuple[str, str], set[int]] = {}
    for inbound, one in zip(sent + again, received, strict=True):
        by_id.setdefault((inbound.address.chat, inbound.external_id), set()).add(one.seq)
    assert all(len(seqs) == 1 for seqs in by_id.values()), "each has the seq of its first time"
    assert Counter(one.repeated for one in received) == {False: len(sent), True: len(again)}
    assert await db.read(counts) == [customers, customers, customers, len(sent)]
    for chat in chats:
        messages: list[Message] = await chat.messages()
        assert [one.author for one in messages] == [Author.CUSTOMER, Author.BOT] * 64
        if other is db:  # across processes the order is that of the first commits
            ids = [inbound.external_id for inbound in sent if inbound.address == chat.address]
            seqs = [min(by_id[chat.name, one]) for one in ids]
            assert seqs == sorted(seqs)
    if other is not db:
        other.close()
