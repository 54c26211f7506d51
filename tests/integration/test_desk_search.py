"""What an agent sees of a search, and of the conversation that a hit opens."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import State
from bot.desk.hits import ANY, Asked, choices, find, shortened
from bot.desk.passes import Pass
from bot.desk.texts import Texts
from bot.desk.views import SHOWN_AROUND, SHOWN_MESSAGES
from bot.escalation import agents
from storage.db import Database
from storage.indexing import Indexer
from tests.integration.test_desk_views import VOICE, agent_of, login, writes
from tests.support import world
from tests.support.sights import sight_of

EN = Texts(VOICE, "en")
LIN = Pass("login of lin")


async def indexed(db: Database) -> None:
    while await Indexer(db).fill_some():
        pass


async def test_hits_say_who_said_what_and_where(db: Database) -> None:
    def story(session: Session) -> int:
        lin = login(session, "lin")
        ann = writes(session, "Ann", "where is <b>my</b>\nparcel?")
        ben = writes(session, "Ben", "no word of it")
        agents.reply(session, ann.id or 0, agent_of(session, lin), "Your parcel left today")
        agents.note(session, ben.id or 0, agent_of(session, lin), "ask for the parcel")
        session.info["ann"] = ann.id
        return ann.id or 0

    ann = await db.transact(story)
    await indexed(db)

    def seen(session: Session) -> None:
        hits = find(session, LIN, EN, Asked("parcel"))
        assert [(one.name, one.author, one.is_note) for one in hits.lines] == [
            ("Ben", "Note, Lin", True), ("Ann", "Lin", False), ("Ann", "", False),
        ]  # fmt: skip
        assert [one.where for one in hits.lines] == [
            f"Web chat · With Xiaoer · #{ann + 1}", *[f"Web chat · With a colleague · #{ann}"] * 2,
        ]  # fmt: skip
        assert hits.lines[2].pieces == (("…is <b>my</b> ", False), ("parcel", True), ("?", False))
        assert (hits.lines[2].conversation, hits.next, hits.people) == (ann, None, ())
        mine = find(session, LIN, EN, Asked("parcel", agent=agent_of(session, LIN)))
        assert [one.name for one in mine.lines] == ["Ann", "Ann"]
        assert find(session, LIN, EN, Asked("parcel", state=State.RESOLVED)).lines == ()
        assert find(session, LIN, EN, Asked("parcel", channel="telegram")).lines == ()
        assert len(find(session, LIN, EN, Asked("parcel", days=1)).lines) == 3
        assert find(session, LIN, EN, Asked("?!")).is_readable is False

    await db.read(seen)


async def test_an_order_number_leads_to_its_customer(db: Database) -> None:
    def story(session: Session) -> None:
        login(session, "lin")
        chat = writes(session, "Ann", "hello")
        order = world.told(session, "order.paid", "XE10001")
        session.info["chats"]["Ann"].customer_id = order.customer_id or 0
        assert chat.id

    await db.transact(story)

    def seen(session: Session) -> None:
        hits = find(session, LIN, EN, Asked("xe10001"))
        assert [(one.name, one.pieces) for one in hits.people] == [("林小满", ())]
        assert hits.people[0].where.endswith(" · hello")
        narrowed = find(session, LIN, EN, Asked("xe10001", state="open"))
        assert narrowed.people == ()

    await db.read(seen)


async def test_a_hit_further_up_is_shown_with_what_followed(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        start = now() - timedelta(days=3)
        for number in range(SHOWN_MESSAGES + 60):
            at = start + timedelta(minutes=number)
            conversation = writes(session, "Ann", f"message {number}", created_at=at)
        usual = sight_of(session, lin, EN, conversation.id).thread
        sought = sight_of(session, lin, EN, conversation.id, start + timedelta(minutes=30)).thread
        late = sight_of(session, lin, EN, conversation.id, start + timedelta(minutes=200)).thread
        assert usual
        assert sought
        assert late
        assert usual.bubbles[0].text == "message 60"
        assert sought.bubbles[0].text == f"message {30 - SHOWN_AROUND}"
        assert late.bubbles == usual.bubbles

    await db.transact(story)


async def test_what_can_be_chosen(db: Database) -> None:
    def story(session: Session) -> None:
        login(session, "lin")
        writes(session, "Ann", "hello")
        world.chat(session, "tele", "telegram")
        made = choices(session, EN)
        assert made.channel == ((ANY, "Any channel"), ("telegram", "Telegram"), ("web", "Web chat"))
        assert [label for _, label in made.agent] == ["Any colleague", "Lin"]
        assert [label for _, label in made.days][:3] == ["Any time", "Last 24 hours", "Last 7 days"]
        assert [value for value, _ in made.state] == [ANY, *State]

    await db.transact(story)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({"words": "退货", "days": "7", "agent": "3"}, Asked("退货", agent=3, days=7)),
        ({"words": 5, "days": "x", "agent": "-1", "state": "open"}, Asked("5", state="open")),
        ({"agent": "9" * 30, "days": None}, Asked()),
        ({"words": "x" * 500}, Asked("x" * 100)),
    ],
)
def test_what_a_browser_tells_is_read_whatever_it_is(told: dict[str, object], asked: Asked) -> None:
    assert Asked.told(told) == asked


def test_a_long_text_is_shown_around_its_first_hit() -> None:
    before = "a long way to go before the "
    assert shortened([(before, False), ("hit", True), (" b" * 100, False)]) == [
        ("…before the ", False), ("hit", True), (f"{(' b' * 100)[:105]}…", False),
    ]  # fmt: skip
    assert shortened([("短", False), ("中", True)]) == [("短", False), ("中", True)]
