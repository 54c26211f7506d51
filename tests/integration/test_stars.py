"""Stars for what was bought, pressed or typed, the word after them, and offers to who is glad."""

from typing import Any

import pytest
from sqlmodel import Session

from bot.delivery import outbox
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.feedback import survey
from storage.db import Database
from storage.models.consents import Consent
from storage.models.conversations import Conversation
from storage.models.feedback import Feedback
from tests.integration.test_desk_views import VOICE
from tests.support.receiving import Chat, Faq


async def visited(db: Database, **wishes: Any) -> Chat:
    """A chat in which the visit after the delivery asks for the stars."""
    chat = Chat(db, Reception(House(VOICE, Faq(), **wishes), skills.discover()))
    await chat.say("你好")
    number = (await chat.conversation()).id

    def visit(session: Session) -> None:
        conversation = session.get_one(Conversation, number)
        outbox.post(session, conversation, "用着还顺手吗？", choices=survey.stars())

    await db.transact(visit)
    return chat


async def ratings(chat: Chat) -> list[tuple[int | None, str]]:
    return [(one.rating, one.comment) for one in await chat.all(Feedback) if one.of_purchase]


@pytest.mark.parametrize(("typed", "rating"), [("5星", 5), ("2", 2), ("★★★", 3), ("4 stars", 4)])
async def test_stars_may_be_typed(db: Database, typed: str, rating: int) -> None:
    chat = await visited(db)
    assert await chat.say(typed) == "stars"
    assert await ratings(chat) == [(rating, "")]


async def test_a_number_long_after_is_no_rating(db: Database) -> None:
    chat = await visited(db)
    await chat.say("怎么退货")
    assert await chat.say("5") != "stars"
    assert await ratings(chat) == []


@pytest.mark.parametrize("stars", [1, 5])
async def test_the_word_after_the_stars_is_kept(db: Database, stars: int) -> None:
    chat = await visited(db)
    await chat.press(f"stars:{stars}")
    assert await chat.say("味道太冲了，洗完发干！") == "stars_word"
    assert await ratings(chat) == [(stars, "味道太冲了，洗完发干！")]
    assert (await chat.last()).text == chat.phrase("stars_word", rating=stars)
    assert (await chat.conversation()).misses == 0


async def test_a_word_instead_of_stars_is_no_miss(db: Database) -> None:
    chat = await visited(db)
    assert await chat.say("味道有点冲吧，不太习惯！") == "stars_word"
    assert await chat.say("味道有点冲吧，不太习惯！") == "miss"


@pytest.mark.parametrize(
    ("answer", "state"), [("同意", "given"), ("可以", "given"), ("不要", "withdrawn")]
)
async def test_whether_offers_are_wanted_may_be_typed(
    db: Database, answer: str, state: str
) -> None:
    chat = await visited(db, ask_consent=True)
    await chat.press("stars:5")
    assert await chat.say(answer) == "opt_in"
    assert [one.state for one in await chat.all(Consent)] == ["asked", state]
