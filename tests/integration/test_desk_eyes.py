"""Many open desks: what all show alike is read once, and the rest by those whom it concerns."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlmodel import Session

from bot.delivery import outbox
from bot.desk.eyes import Eyes
from bot.desk.overview import Overview
from bot.desk.passes import Pass
from bot.desk.texts import Texts
from bot.desk.visit import Services
from bot.escalation import agents
from bot.escalation.handoff import hand_over
from storage.db import Database
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from tests.integration.test_desk_views import VOICE, agent_of, login, writes

EN = Texts(VOICE, "en")
DESKS = 6


class Counted:
    """The database, with how often it was read for what."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.live = db.live
        self.reads = Counter[str]()

    async def read(self, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self.reads[work.__name__] += 1
        return await self._db.read(work, *args, **named)


@dataclass
class Desks:
    """What the page needs of the services."""

    db: Counted
    overview: Overview


async def test_what_all_see_is_read_once_and_the_rest_by_whom_it_concerns(db: Database) -> None:
    def story(session: Session) -> tuple[list[Pass], int]:
        logins = [login(session, f"agent{number}") for number in range(DESKS)]
        mine = writes(session, "Mine", "question")
        agents.reply(session, mine.id or 0, agent_of(session, logins[0]), "answer")
        hand_over(session, writes(session, "Waits", "hello"), "asked")
        return logins, mine.id or 0

    logins, mine = await db.transact(story)
    counted = Counted(db)
    services = cast(Services, Desks(counted, Overview(cast(Database, counted))))
    open_desks = [Eyes(services, EN, own_teams_only=False) for _ in logins]

    async def looks() -> list[tuple[str, ...]]:
        sights = await asyncio.gather(
            *(
                one.look(by, mine if by is logins[1] else None, None)
                for one, by in zip(open_desks, logins, strict=True)
            )
        )
        assert [[row.name for row in one.board.waiting] for one in sights] == [["Waits"]] * DESKS
        assert sights[1].thread
        return [(*(row.preview for row in sights[0].board.mine), sights[1].thread.bubbles[-1].text)]

    assert await looks() == [("You: answer", "answer")]
    assert counted.reads == {"standpoint": DESKS, "shared_lists": 1, "own_part": DESKS}

    counted.reads.clear()
    await db.transact(_says, mine, "thank you")
    await asyncio.sleep(0)  # the news is told on the loop
    assert await looks() == [("thank you", "thank you")]
    assert counted.reads == {"standpoint": DESKS, "shared_lists": 1, "own_part": 2}
    for one in open_desks:
        one.close()


def _says(session: Session, conversation_id: int, words: str) -> None:
    conversation = session.get_one(Conversation, conversation_id)
    session.info["chats"] = {"Mine": session.get_one(Identity, conversation.identity_id)}
    outbox.touch(session, writes(session, "Mine", words))
