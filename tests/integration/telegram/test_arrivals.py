"""What comes besides words takes effect once, on both databases."""

import asyncio
from itertools import count
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.channels.telegram.sending import POLICY
from bot.core.messages import Address, Attachment, Inbound, Kind
from bot.delivery import claims
from bot.desk.sight import FileLine
from bot.dialogue.intake import Intake
from bot.dialogue.receive import Received
from storage.db import Database
from storage.models.attachments import Attached, attachments_of, claim_file, due_files
from storage.models.conversations import Message
from storage.models.customers import Identity
from tests.integration.test_desk_views import login, seen
from tests.support import world
from tests.support.receiving import Chat, reception_of, understood
from tests.support.sending import PlainChannel


class Telegram(Chat):
    """A customer on a channel that is pushed to."""

    _ids = count(1)

    @property
    def address(self) -> Address:
        return Address("telegram", "main", self.name)

    def inbound(self, text: str = "", **more: Any) -> Inbound:
        return Inbound(self.address, str(next(self._ids)), text, **more)

    async def take(self, text: str = "", **more: Any) -> Received:
        return await self.receive(self.inbound(text, **more))

    async def sent_buttons(self) -> dict[str, str]:
        """What the sender would send next: each button's label and token."""
        channel = PlainChannel("", policy=POLICY)
        claimed = await self.db.transact(claims.claim, channel, claims.guard_consent, (), 9)
        return {c.label: c.value for one in claimed.outgoing for c in one.choices}


@pytest.fixture
def ann(db: Database) -> Telegram:
    return Telegram(db, reception_of(world.voice()), "ann")


async def test_a_token_is_used_once_with_its_neighbours_even_when_pressed_at_once(
    ann: Telegram,
) -> None:
    await ann.take("运费?")
    tokens = await ann.sent_buttons()
    assert len(tokens) == 3
    bob = Telegram(ann.db, ann.reception, "bob")
    first = tokens["运费多少"]
    assert (await bob.take(token=first)).is_stale
    assert (await ann.take(token=first + "x")).is_stale
    pressed = await asyncio.gather(*(ann.take(token=first) for _ in range(5)))
    assert sorted(one.is_stale for one in pressed) == [False, True, True, True, True]
    assert all([(await ann.take(token=one)).is_stale for one in tokens.values()])
    assert [one.text for one in await ann.messages()] == [
        "运费?", ann.phrase("ask_back"), "运费多少", "[shipping_fee/zh]",
    ]  # fmt: skip
    assert await bob.messages() == []


async def test_the_same_press_twice_is_a_repetition(ann: Telegram) -> None:
    await ann.take("运费?")
    press = ann.inbound(token=(await ann.sent_buttons())["运费多少"])
    first, again = await ann.receive(press), await ann.receive(press)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.seq == again.seq


async def test_the_same_message_keeps_its_tokens_when_it_is_sent_again(ann: Telegram) -> None:
    await ann.take("运费?")
    before = await ann.sent_buttons()

    def again(session: Session) -> dict[str, str]:
        message = session.exec(select(Message).where(Message.author == "bot")).one()
        from storage.models.buttons import tokens_for

        return {one.label: one.value for one in tokens_for(session, message)}

    assert await ann.db.transact(again) == before


def picture(number: int) -> tuple[Attachment, ...]:
    return (Attachment(Kind.PHOTO, f"f{number}"),)


async def test_an_albums_words_may_come_with_any_part(ann: Telegram) -> None:
    await ann.take("📷", attachments=picture(1), album="a")
    await ann.take("📷", attachments=picture(2), album="a")
    await ann.take("怎么退货", attachments=picture(3), album="a")
    (only,) = [one for one in await ann.messages() if one.author == "customer"]
    assert only.text == "怎么退货"
    carried = await ann.db.read(attachments_of, [only.id])
    assert [one.file_id for one in carried[only.id or 0]] == ["f1", "f2", "f3"]
    await ann.take("📷", attachments=picture(1), album="another")
    assert len([one for one in await ann.messages() if one.author == "customer"]) == 2


async def test_a_file_is_claimed_by_one(ann: Telegram) -> None:
    from datetime import timedelta

    from bot.core.clock import now

    await ann.take("📷", attachments=picture(1))
    ((file, identity),) = await ann.db.read(due_files, now(), 5)
    assert (file.file_id, identity.chat) == ("f1", "ann")
    lease = timedelta(minutes=1)
    claimed = await asyncio.gather(*(ann.db.transact(claim_file, file, lease) for _ in range(4)))
    assert sorted(claimed) == [False, False, False, True]
    assert await ann.db.read(due_files, now(), 5) == []
    assert len(await ann.db.read(due_files, now() + lease, 5)) == 1
    assert [one.tries for one in await ann.all(Attached)] == [1]


async def test_an_edit_of_what_was_never_seen_is_a_message(ann: Telegram) -> None:
    assert (await ann.take("怎么退货", origin="5", is_edit=True)).outcome == "faq"
    assert (await ann.take("怎么退货?", origin="5", is_edit=True)).outcome == "edited"
    edits = [one.edit_of for one in await ann.messages()]
    assert edits == [None, None, (await ann.messages())[0].id]


async def test_a_blocked_chat_opens_by_writing(ann: Telegram) -> None:
    from storage.models.customers import note_block

    async def blocked_at() -> Any:
        return (await ann.all(Identity))[0].blocked_at

    await ann.db.transact(note_block, ann.address, is_blocked=True)  # of nobody we know: nothing
    await ann.take("怎么退货")
    await ann.db.transact(note_block, ann.address, is_blocked=True)
    first = await blocked_at()
    await ann.db.transact(note_block, ann.address, is_blocked=True)
    assert await blocked_at() == first is not None
    await ann.take("怎么退货")
    assert await blocked_at() is None


async def test_a_block_waits_for_what_was_written_before(ann: Telegram) -> None:
    async def slowly(text: str) -> Any:
        await asyncio.sleep(0.2)
        return understood(text)

    intake = Intake(ann.db, slowly, ann.reception)
    writing = asyncio.create_task(intake.take(ann.inbound("怎么退货")))
    await asyncio.sleep(0.05)
    await intake.note_block(ann.address, is_blocked=True)
    assert writing.done()
    assert (await ann.all(Identity))[0].blocked_at is not None
    await intake.close()


async def test_a_part_of_an_album_ends_no_waiting(ann: Telegram) -> None:
    intake = Intake(ann.db, understand, ann.reception)
    for number in (1, 2):
        await intake.take(ann.inbound("📷", attachments=picture(number), album="a"))
    received = await intake.take(ann.inbound("运费?"))
    assert received.outcome == "faq"
    verdicts = [one.verdict for one in await ann.messages() if one.author == "customer"]
    assert verdicts[1]["joined"] == [(await ann.messages())[0].id]
    await intake.close()


async def understand(text: str) -> Any:
    return understood(text.replace("📷 ", ""))


async def test_agents_see_files_edits_and_quotes(ann: Telegram) -> None:
    files = (
        Attachment(Kind.PHOTO, "p"), Attachment(Kind.DOCUMENT, "d", name="<b>.pdf"),
        Attachment(Kind.LOCATION, about="30.2,120.1"),
    )  # fmt: skip
    await ann.take("坏了吗？", attachments=files, origin="1")
    await ann.take("怎么退货", origin="2", reply_to="1")
    await ann.take("怎么退货呢", origin="2", is_edit=True)

    def sight(session: Session) -> Any:
        photo = session.exec(select(Attached).where(Attached.kind == "photo")).one()
        photo.stage, photo.mime = "kept", "image/jpeg"
        session.add(photo)
        session.flush()
        thread = seen(session, login(session, "lin"), 1).thread
        assert thread is not None
        return photo.id, [one for one in thread.bubbles if one.kind == "customer"]

    number, (first, answer, edit) = await ann.db.transact(sight)
    assert first.files == (
        FileLine("📷", f"/desk/files/{number}", is_image=True),
        FileLine("📎 <b>.pdf (arriving…)"),
        FileLine("📍 30.2,120.1"),
    )
    assert (first.quote, answer.quote, edit.quote) == ("", "坏了吗？", "")
    assert [one.at.endswith("· edited") for one in (first, answer, edit)] == [False, False, True]
