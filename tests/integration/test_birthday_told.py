"""A birthday that a customer tells is remembered, goes along with them, and is their journey's."""

from datetime import date, timedelta

from sqlmodel import Session, select

from bot.core.clock import now
from bot.customers import linking
from bot.dialogue.birthday_words import NO_YEAR
from bot.shop.events import CustomerEvent
from bot.shop.orders import apply_customer
from storage.db import Database
from storage.models.birthdays import birthdays_in
from storage.models.care_calendar import born_on
from storage.models.customers import Customer, Identity
from storage.models.profiles import CustomerProfile
from tests.integration.test_desk_views import VOICE
from tests.support import world
from tests.support.receiving import Chat, reception_of

MARCH = date(NO_YEAR, 3, 8)


def chat_of(db: Database, name: str = "ann") -> Chat:
    return Chat(db, reception_of(VOICE), name)


async def profiles(chat: Chat) -> list[CustomerProfile]:
    return await chat.db.read(lambda s: list(s.exec(select(CustomerProfile))))


async def prove(chat: Chat) -> None:
    """The chat turns out to be that of XE1's customer."""

    def work(session: Session) -> str:
        identity = session.exec(select(Identity)).one()
        return linking.prove(session, identity, "XE1", "8888", now()).outcome

    assert await chat.db.transact(work) == "linked"


async def test_it_is_noted_and_can_be_said_again(db: Database) -> None:
    chat = chat_of(db)
    assert await chat.say("我生日是3月9号") == "birthday"
    assert (await chat.last()).text == chat.phrase("birthday_noted", day="3月9日", is_today=False)
    assert await chat.say("我的生日是3月8日") == "birthday"
    assert [one.birthday for one in await profiles(chat)] == [MARCH]
    customer = (await chat.all(Customer))[0].id
    days = [date(2027, 3, 8)]
    found = await chat.db.read(lambda s: born_on(s, days, 0, customer))
    assert [(one.customer_id, one.birthday) for one in found] == [(customer, MARCH)]
    listed = await chat.db.read(lambda s: birthdays_in(s, 3, 10))
    assert [one.birthday for one in listed] == [MARCH]


async def test_on_the_day_itself_a_wish_comes_back(db: Database) -> None:
    chat = chat_of(db)
    await chat.say("今天是我的生日")
    assert (await chat.last()).text.startswith("生日快乐！")


async def test_it_goes_along_when_the_chat_is_proved(db: Database) -> None:
    await db.transact(lambda s: world.told(s, "order.paid", at=world.ago(days=1)) and None)
    chat = chat_of(db)
    await chat.say("我生日是3月8号")
    await prove(chat)
    (found,) = await profiles(chat)
    owner = await db.read(lambda s: s.exec(select(Identity.customer_id)).one())
    assert (found.customer_id, found.birthday) == (owner, MARCH)
    assert [one.shop_ref for one in await chat.all(Customer)] == ["c-lin"]


async def test_what_the_shop_says_holds_and_is_not_undone_by_joining(db: Database) -> None:
    chat = chat_of(db)
    await chat.say("我生日是3月8号")
    body = {
        "id": "e", "type": "customer.updated", "occurred_at": now() - timedelta(days=900),
        "data": {"customer": {"id": "c-lin", "phone": "13800008888", "birthday": date(1990, 5, 6)}},
    }  # fmt: skip

    def told(session: Session) -> None:
        apply_customer(session, CustomerEvent.model_validate(body))
        world.told(session, "order.paid", at=world.ago(days=1))

    await db.transact(told)
    await prove(chat)
    assert [one.birthday for one in await profiles(chat)] == [date(1990, 5, 6)]
