"""Which messages become gaps of the FAQ, and why."""

from collections.abc import Sequence

import pytest

from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from storage.db import Database
from storage.models.gaps import Gap, record_gap
from tests.integration.test_receive import Chat, Faq
from tests.support import world


@pytest.fixture
def ann(db: Database) -> Chat:
    return Chat(db, Reception(House(world.voice(), Faq()), skills.discover()))


async def said(chat: Chat, *texts: str) -> list[tuple[str, str, str]]:
    """The gaps (text, reason, entry) after the customer wrote `texts`."""
    for text in texts:
        await chat.say(text)
    return await gaps(chat)


async def gaps(chat: Chat) -> list[tuple[str, str, str]]:
    return [(gap.text, gap.reason, gap.entry) for gap in await chat.all(Gap)]


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (["转人工"], []),
        (["你好", "转人工"], []),
        (["天书一？", "转人工"], [("天书一？", "handoff", "")]),
        (["怎么退货", "转人工"], [("怎么退货", "handoff", "return_policy")]),
        (["怎么退货", "😀", "转人工"], [("怎么退货", "handoff", "return_policy")]),
        (["运费？", "转人工"], [("运费？", "handoff", "")]),
        (["收到的是坏的"], [("收到的是坏的", "handoff", "damaged")]),
        (
            ["天书一？", "天书二？"],
            [("天书一？", "miss", ""), ("天书二？", "handoff", "")],
        ),
    ],
)
async def test_what_a_person_is_needed_for_is_a_gap(
    ann: Chat, texts: Sequence[str], kept: list[tuple[str, str, str]]
) -> None:
    assert await said(ann, *texts) == kept


async def test_the_entries_that_were_offered_are_the_candidates(ann: Chat) -> None:
    await said(ann, "运费？", "转人工")
    (gap,) = await ann.all(Gap)
    assert [one["entry"] for one in gap.candidates] == ["shipping_fee", "return_policy"]


async def test_a_gap_is_kept_once_with_the_weightiest_reason(ann: Chat) -> None:
    await ann.say("天书一？")
    (message, *_) = await ann.messages()
    for reason in ("wrong", "miss", "handoff"):
        await ann.db.transact(
            lambda session, reason=reason: (
                record_gap(session, message, "zh", reason, [], "hello").id
            )
        )
    assert await gaps(ann) == [("天书一？", "wrong", "hello")]
