"""One customer in two chats: joined by a code, told in both, and parted again."""

import re
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.customers import chats, linking
from bot.dialogue.skills.link import _ASK, _PART, _SEND
from storage.db import Database
from storage.models.customers import Customer, Identity, find_identity
from storage.models.orders import LookupAttempt
from tests.support.receiving import Chat, reception_of
from tests.support.world import CHEN, chat, told, voice

NOW = now()


@pytest.fixture
def ann(db: Database) -> Chat:
    return Chat(db, reception_of(voice()), "ann")


@pytest.fixture
def phone(ann: Chat) -> Chat:
    return Chat(ann.db, ann.reception, "phone")


async def code_from(one: Chat) -> str:
    assert await one.say("绑定") == "link"
    (code,) = re.findall(r"\b\d{6}\b", (await one.last()).text)
    return str(code)


async def prove(one: Chat, number: str = "XE1", last4: str = "8888") -> None:
    def work(session: Session) -> str:
        identity = find_identity(session, one.address)
        assert identity is not None
        return linking.prove(session, identity, number, last4, NOW).outcome

    assert await one.db.transact(work) == "linked"


async def customers(*some: Chat) -> list[tuple[str | None, bool]]:
    """The shop's name for whose chat each is, and whether that is proved."""

    def look(session: Session) -> list[tuple[str | None, bool]]:
        found = [find_identity(session, one.address) for one in some]
        return [(o.customer(session).shop_ref, o.linked_at is not None) for o in found if o]

    return await some[0].db.read(look)


async def test_a_code_from_one_chat_joins_another(ann: Chat, phone: Chat) -> None:
    await ann.db.transact(told, "order.paid", "XE1")
    await ann.say("你好")
    await prove(ann)
    code = await code_from(ann)
    assert await phone.say(f"绑定{code}") == "link"
    asked = await phone.last()
    values = [one["value"] for one in asked.choices or ()]
    assert await customers(ann, phone) == [("c-lin", True), (None, False)]
    assert await phone.press(values[0]) == "link"
    assert (await phone.last()).text == phone.phrase("link_done", channel="web")
    assert await customers(ann, phone) == [("c-lin", True), ("c-lin", True)]
    warned = phone.phrase("link_told", name="", channel="web", here="web")
    assert (await ann.last()).text == warned, "the other chat is told"
    assert len(await ann.all(Customer)) == 1, "nobody's customer is gone"
    await phone.say(f"绑定{code}")
    assert (await phone.last()).text == phone.phrase("link_wrong"), "once only"


async def test_who_is_proved_later_is_proved_in_both(ann: Chat, phone: Chat) -> None:
    await ann.say("你好")
    code = await code_from(ann)
    await phone.say(f"start:link_{code}")
    await phone.say(choice=f"start:link_{code}")
    await phone.press(f"link:yes:{code}")
    assert await customers(ann, phone) == [(None, False)] * 2
    await ann.db.transact(told, "order.paid", "XE1")
    await prove(phone)
    assert await customers(ann, phone) == [("c-lin", True)] * 2
    assert len(await ann.all(Customer)) == 1


async def test_the_proof_may_be_on_either_side(ann: Chat, phone: Chat) -> None:
    await ann.db.transact(told, "order.paid", "XE1")
    code = await code_from(ann)
    await phone.say("你好")
    await prove(phone)
    await phone.press(f"link:yes:{code}")
    assert await customers(ann, phone) == [("c-lin", True)] * 2


async def test_two_known_customers_are_not_made_one(ann: Chat, phone: Chat) -> None:
    await ann.db.transact(told, "order.paid", "XE1")
    await ann.db.transact(told, "order.paid", "XE2", person=CHEN)
    code = await code_from(ann)
    await phone.say("你好")
    await prove(ann)
    await prove(phone, "XE2", "6666")
    await phone.say(f"绑定 {code}")
    assert (await phone.last()).text == phone.phrase("link_different")
    await phone.press(f"link:yes:{code}")
    assert await customers(ann, phone) == [("c-lin", True), ("c-chen", True)]


async def test_in_its_own_chat_and_a_second_time_a_code_does_nothing(
    ann: Chat, phone: Chat
) -> None:
    code = await code_from(ann)
    await ann.say(f"link {code}")
    assert (await ann.last()).text == ann.phrase("link_same")
    await phone.press(f"link:yes:{code}")
    again = await code_from(ann)
    await phone.say(f"link {again}")
    assert (await phone.last()).text == phone.phrase("link_already")


async def test_a_new_code_ends_the_old_one(ann: Chat, phone: Chat) -> None:
    old, new = await code_from(ann), await code_from(ann)
    await phone.say(f"绑定 {old}")
    assert (await phone.last()).text == phone.phrase("link_wrong")
    await phone.say(f"绑定 {new}")
    assert (await phone.last()).choices


async def test_guessing_ends_soon(ann: Chat, phone: Chat) -> None:
    code = await code_from(ann)
    wrong = [f"{number:06}" for number in range(9) if f"{number:06}" != code]
    for guess in wrong[: linking.CHAT_GUESSES]:
        await phone.say(f"绑定 {guess}")
        assert (await phone.last()).text == phone.phrase("link_wrong")
    await phone.say(f"绑定 {code}")
    assert (await phone.last()).text == phone.phrase("link_locked"), "even the right one"


def test_all_chats_together_have_few_guesses(db: Database) -> None:
    def story(session: Session) -> list[str]:
        ann = chat(session, "ann")
        code = chats.issue(session, ann, NOW)
        for number in range(chats.WRONG_CODES):
            guesser = chat(session, f"g{number}")
            assert chats.look_up(session, guesser, "nope", NOW).outcome == "wrong"
        late = chat(session, "late")
        at_once = chats.look_up(session, late, code, NOW).outcome
        again = chats.issue(session, ann, NOW + chats.LIFE)
        later = NOW + chats.LIFE + timedelta(seconds=1)
        return [at_once, chats.look_up(session, late, again, later).outcome]

    assert db.run(story) == ["locked", "found"]


def test_a_code_ends_with_its_time(db: Database) -> None:
    def story(session: Session) -> list[str]:
        code = chats.issue(session, chat(session, "ann"), NOW)
        other = chat(session, "phone")
        moments = (NOW + chats.LIFE - timedelta(seconds=1), NOW + chats.LIFE)
        return [chats.look_up(session, other, code, at).outcome for at in moments]

    assert db.run(story) == ["found", "wrong"]


async def test_parted_again_it_sees_nothing_and_stop_still_holds(ann: Chat, phone: Chat) -> None:
    await ann.db.transact(told, "order.paid", "XE1")
    code = await code_from(ann)
    await prove(ann)
    await phone.press(f"link:yes:{code}")
    await phone.say("退订")
    await phone.say("解除绑定")
    assert (await phone.last()).text == phone.phrase("link_parted")
    assert await customers(ann, phone) == [("c-lin", True), (None, False)]
    stopped = await ann.db.read(lambda s: [o.opted_out_at for o in s.exec(select(Customer))])
    assert all(stopped)
    await phone.say("解除绑定")
    assert (await phone.last()).text == phone.phrase("link_alone")


async def test_a_refusal_changes_nothing(ann: Chat, phone: Chat) -> None:
    code = await code_from(ann)
    await phone.say(f"绑定 {code}")
    await phone.press("link:no")
    assert (await phone.last()).text == phone.phrase("link_left")
    found = await ann.db.read(lambda s: {o.customer_id for o in s.exec(select(Identity))})
    assert len(found) == 2
    assert await ann.all(LookupAttempt) == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("绑定 123456", _SEND), ("绑定:123456", _SEND), ("link 123456", _SEND),
        ("绑定", _ASK), ("怎么绑定微信", _ASK), ("link my other chat", _ASK), ("/link", _ASK),
        ("解除绑定", _PART), ("unlink", _PART), ("取消关联", _PART),
        ("绑定银行卡", None), ("link 12345", None), ("here is the link", None),
        ("怎么解除绑定手机号", None), ("the link does not work", None),
    ],
)  # fmt: skip
def test_only_what_asks_for_it_is_heard(text: str, meant: re.Pattern[str] | None) -> None:
    heard = [one for one in (_SEND, _ASK, _PART) if one.fullmatch(text)]
    assert heard == ([meant] if meant else [])
