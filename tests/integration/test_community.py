"""Groups on both databases: newcomers in time, a log in few messages, undo in any order."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from sqlmodel import col, select

from bot.community import admins, journal, newcomers
from bot.community.checks import Action, fingerprint, squashed
from bot.community.commands import seconds_in
from bot.community.moderation import Deed, act, judge
from bot.community.room import House, Room
from bot.community.undo import undo
from bot.config import Group, Shop, Telegram
from bot.core.clock import now
from bot.core.groups import Person, Post, Press
from bot.core.messages import Address
from bot.words.phrases import Voice
from bot.words.sandbox import Words
from storage.db import Database
from storage.models import community, moderation
from storage.models.community import Newcomer, Welcome
from storage.models.errands import Errand
from tests.support.service import ROOT

PLACE = Address("telegram", "shop", "-1005")
ADA, BEN, EVE = Person("10", "Ada"), Person("20", "Ben", "ben"), Person("30", "Eve")


class NoEntries:
    def entry(self, entry_id: str, language: str) -> None:
        return None


@pytest.fixture(scope="module")
def house() -> House:
    group = Group(id=-1005, admin_chat_id=-1006, captcha_seconds=60, words=("刷单",))
    bot = Telegram(name="shop", token="1:x", groups=(group,))
    voice = Voice.load(Words(Shop(name="A shop")), ROOT / "templates")
    return House.of([bot], voice, NoEntries())


@pytest.fixture
def enter(db: Database, house: House) -> Callable[..., Any]:
    """Runs something in the group, in a transaction."""

    def run(work: Callable[..., Any], *details: Any) -> Any:
        return db.run(lambda session: work(house.enter(session, PLACE), *details))

    run(admins.learned, {ADA.id: ADA.name}, "xiaoer_bot")
    return run


def errands(db: Database, kind: str, chat: str = PLACE.chat) -> list[dict[str, Any]]:
    query = select(Errand).filter_by(kind=kind, chat=chat).order_by(col(Errand.id))
    return db.run(lambda session: [one.details for one in session.exec(query)])


def test_a_newcomer_has_their_time_and_the_welcome_goes(
    db: Database, house: House, enter: Callable[..., Any]
) -> None:
    def press(room: Room, who: Person) -> str:
        [token] = room.session.exec(select(Welcome.token))
        return newcomers.pressed(room, Press(PLACE, "1", who, token, 7))

    with time_machine.travel(now(), tick=False) as clock:
        enter(newcomers.arrived, [BEN], BEN, now())
        enter(newcomers.arrived, [EVE], EVE, now())
        [welcome] = errands(db, "say")
        assert "Ben、Eve" in welcome["text"]
        clock.shift(59)
        enter(press, EVE)
        assert not db.run(newcomers.is_due)
        clock.shift(1)
        assert db.run(newcomers.is_due)
        db.run(newcomers.sweep, house)
        assert [one["user"] for one in errands(db, "kick")] == [20]
        assert "不用点" in enter(press, BEN)
        assert errands(db, "delete") == []
        enter(lambda room: setattr(room.session.exec(select(Welcome)).one(), "message", 7))
        clock.shift(2)
        db.run(newcomers.sweep, house)
        assert errands(db, "delete") == [{"messages": [7]}]
        assert db.run(newcomers.sweep, house) == 0
        clock.shift(9)
        enter(newcomers.arrived, [BEN], BEN, now())
        assert len(errands(db, "say")) == 2, "who was removed may come again, and gets a button"
    states = db.run(lambda session: list(session.exec(select(Newcomer.state).order_by("id"))))
    assert states == ["removed", "passed", "waiting"]


def test_a_hundred_actions_take_ten_messages(db: Database, enter: Callable[..., Any]) -> None:
    for number in range(100):
        who = Person(str(1000 + number), f"M{number}")
        enter(act, Deed(who, Action.MUTE, "flood", seconds=60, messages=(number + 1,)))
    told = errands(db, "say", "-1006")
    assert len(told) == 10
    assert all(len(row) == 5 for one in told for row in one["buttons"])
    assert "10. 禁言 · M99 (1099)" in told[-1]["text"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_warnings_are_taken_back_in_any_order(
    db: Database, enter: Callable[..., Any], order: tuple[int, ...]
) -> None:
    rows = [enter(act, Deed(BEN, Action.WARN, "words")).id for _ in range(3)]

    def take_back(room: Room, number: int) -> bool:
        action = room.session.get_one(moderation.ModerationAction, rows[number])
        return undo(room, action, ADA)

    def warnings(room: Room) -> int:
        found = community.member_by_id(room.session, room.id, BEN.id)
        assert found is not None
        return found.warnings

    assert [one["until"] > now().isoformat() for one in errands(db, "mute")] == [True]
    assert enter(warnings) == 3
    for number in order:
        assert enter(take_back, number)
        assert not enter(take_back, number)
    assert enter(warnings) == 0
    assert len(errands(db, "unmute")) == 1


def test_nobody_is_judged_before_the_admins_are_known(db: Database, house: House) -> None:
    room_knows = db.run(lambda session: house.enter(session, PLACE).knows_admins)
    assert room_knows is False


def test_an_edit_is_judged_but_counts_as_no_message(enter: Callable[..., Any]) -> None:
    def write(room: Room, number: int, text: str, is_edit: bool = False) -> bool:
        return judge(room, Post(PLACE, "", number, BEN, now(), text, is_edit=is_edit))

    assert not enter(write, 1, "大家好")
    for _ in range(20):
        assert not enter(write, 1, "大家好呀", True)
    assert enter(write, 1, "大家一起刷\u200b 單", True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600), ("2h", 7200), ("1D", 86400), ("30分钟", 1800), ("2小时", 7200), ("3天", 259200),
        ("0s", 1), ("999999w", 365 * 86400), ("m", None), ("10", None), ("10x", None), ("", None),
    ],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: int | None) -> None:
    assert seconds_in(text) == seconds


def test_texts_that_look_the_same_are_the_same() -> None:
    assert squashed("刷 單\u200b ＦＲＥＥ Money") == "刷单freemoney"
    assert fingerprint("祝 大家好") == fingerprint("祝大家好")
    assert fingerprint(" \u200b") == ""


def test_an_entry_of_the_log_fits_into_one_message() -> None:
    assert journal.MOST * (journal.MOST_TEXT + 150) < 4096
