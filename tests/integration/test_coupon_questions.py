"""Questions about coupons are answered with those that the customer has, and only those."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.delivery import outbox
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from storage.db import Database
from storage.models.conversations import Conversation
from storage.models.coupons import Coupon
from storage.models.customers import Customer, Identity
from tests.integration.test_desk_views import VOICE
from tests.support.receiving import MEANS, Chat, Faq, entry

ASKED = {"我的券什么时候到期": ("coupon_expired",), "保质期多久": ("shelf_life",)}


class Coupons(Faq):
    """The small FAQ and what it says about coupons."""

    _all = (
        *Faq._all,
        entry("coupon_expired", "zh", "优惠券有效期", "coupons"),
        entry("coupon_use", "zh", "优惠券怎么用", "coupons"),
        entry("shelf_life", "zh", "保质期", "products"),
    )


@pytest.fixture
async def chat(db: Database, monkeypatch: pytest.MonkeyPatch) -> Chat:
    for words, means in ASKED.items():
        monkeypatch.setitem(MEANS, words, means)
    made = Chat(db, Reception(House(VOICE, Coupons()), skills.discover()))
    await made.say("你好")
    return made


async def give(chat: Chat, code: str, days: int = 10, *, to: int = 0) -> None:
    """A coupon of 20 元 that holds for so many days, of the chat's own customer where no other
    is named."""
    number = await chat.identity()

    def work(session: Session) -> None:
        mine = session.exec(select(Identity.customer_id).where(Identity.id == number)).one()
        ends = now() + timedelta(days=days)
        given: dict[str, Any] = {"given_at": now(), "customer_id": to or mine, "occasion": code}
        session.add(Coupon(pool="spring", code=code, value="20 元", expires_at=ends, **given))

    await chat.db.transact(work)


async def hear(chat: Chat, text: str) -> None:
    """The shop writes by itself."""
    number = (await chat.conversation()).id
    await chat.db.transact(lambda s: outbox.post(s, s.get_one(Conversation, number), text) and None)


async def test_the_own_coupon_is_named_before_the_general_answer(chat: Chat) -> None:
    await give(chat, "SPRING-1")
    assert await chat.say("我的券什么时候到期") == "coupon"
    said = (await chat.last()).text
    assert said.startswith("您手上有一张20 元优惠券：SPRING-1，20")
    assert said.endswith("前有效。\n\n[coupon_expired/zh]")


async def test_several_are_listed_but_none_that_has_expired_or_is_anothers(chat: Chat) -> None:
    other = await chat.db.transact(lambda s: s.add(one := Customer()) or s.flush() or one.id)
    for code, days in (("ONE", 3), ("TWO", 9), ("OLD", -1)):
        await give(chat, code, days)
    await give(chat, "OTHERS", to=other)
    await chat.press("faq:coupon_use")
    lines = (await chat.last()).text.splitlines()
    assert sorted(line.split("：")[1].split("，")[0] for line in lines[:2]) == ["ONE", "TWO"]
    assert lines[2:] == ["", "[coupon_use/zh]"]


async def test_without_any_the_faq_answers(chat: Chat) -> None:
    assert await chat.say("我的券什么时候到期") == "faq"


@pytest.mark.parametrize(
    ("asked", "told"), [("什么时候过期", "coupon_expired"), ("咋用啊", "coupon_use")]
)
async def test_right_after_a_coupon_short_words_are_about_it(
    chat: Chat, asked: str, told: str
) -> None:
    await give(chat, "SPRING-1")
    assert await chat.say(asked) != "coupon"
    await hear(chat, "生日快乐！送您一张优惠券：SPRING-1")
    assert await chat.say(asked) == "coupon"
    assert f"[{told}/zh]" in (await chat.last()).text


async def test_something_else_was_said_since(chat: Chat) -> None:
    await give(chat, "SPRING-1")
    await hear(chat, "送您一张优惠券：SPRING-1")
    await chat.say("怎么退货")
    assert await chat.say("什么时候过期") != "coupon"
