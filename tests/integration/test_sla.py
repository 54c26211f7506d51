"""What teams promised: clocks run in working time, end with a person's answer, and tell once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlmodel import Session, col, select

from bot import app
from bot.config import validate
from bot.core.events import Bus, SlaBreached, SlaWarning
from bot.core.messages import Address, Inbound
from bot.core.spans import read_span
from bot.delivery import outbox
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.escalation import agents, handoff, sla
from bot.escalation.hours import Hours
from bot.escalation.team import Target, Team
from bot.escalation.teams import Teams
from storage.db import Database
from storage.models.conversations import Conversation
from storage.models.sla import SlaClock, alerts, running
from storage.models.teams import TeamEdit
from tests.support import world
from tests.support.receiving import Faq, hire, understood

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = (read_span("09:00-12:00"), read_span("13:30-18:00"))
HOURS = Hours(SHANGHAI, (DAY,) * 5 + ((), ()))
TEAM = Team(
    "service", HOURS, {Target.FIRST: 10, Target.NEXT: 20, Target.RESOLUTION: 480}, warn_at=0.8
)
VOICE = world.voice()


@dataclass
class Shop:
    """A shop with a team, at the moment that the test says."""

    url: str
    told: list[tuple[str, str]] = field(default_factory=list)
    team: Team = TEAM
    broken: set[int] = field(default_factory=set)
    agent: int = 0
    _sent: int = 0

    def open(self) -> None:
        """Start it, or start it again on the same database."""
        self.bus = Bus()
        sla.Promises(Teams((self.team,))).register(self.bus)
        self.bus.on(SlaWarning, self._tell)
        self.bus.on(SlaBreached, self._tell)
        self.db = Database(self.url, self.bus)
        self.reception = Reception(House(VOICE, Faq(), Teams((self.team,))), skills.discover())
        self.agent = self.agent or self.db.run(hire)

    def _tell(self, session: Session, event: Any) -> None:
        if event.conversation_id in self.broken:
            raise ValueError("a handler with a fault")
        name = "breach" if isinstance(event, SlaBreached) else "warning"
        self.told.append((name, event.kind))

    def says(self, text: str, at: str, name: str = "ann") -> int:
        """The customer writes at a moment of Monday, 2 March 2026, or of a date of its own."""
        self._sent += 1
        with self.at(at):
            inbound = Inbound(
                Address("web", "main", name, pulls=True), f"{name}-{self._sent}", text
            )
            self.db.run(self.reception.receive, inbound, understood(text))
        return self.db.run(_newest)

    def does(self, deed: Any, conversation_id: int, at: str, *more: Any) -> None:
        """The agent does something."""
        with self.at(at):
            self.db.run(deed, conversation_id, self.agent, *more)

    def watches(self, at: str) -> list[tuple[str, str]]:
        """The job runs; what it tells of."""
        before = len(self.told)
        with self.at(at):
            sla.watch(self.db)({})
        return self.told[before:]

    def at(self, at: str) -> time_machine.travel:
        day, time = at.split() if " " in at else ("2026-03-02", at)
        return time_machine.travel(datetime.fromisoformat(f"{day}T{time}+08:00"), tick=False)

    def clocks(self) -> list[tuple[str, str, str]]:
        """Kind, outcome, and when it is due, of every clock."""

        def read(session: Session) -> list[tuple[str, str, str]]:
            found = session.exec(select(SlaClock).order_by(col(SlaClock.id)))
            return [
                (one.kind, one.outcome, f"{one.due_at.astimezone(SHANGHAI):%d %H:%M}")
                for one in found
            ]

        return self.db.run(read)

    def alert(self, conversation_id: int) -> str:
        return self.db.run(alerts, [conversation_id]).get(conversation_id, "")


def _newest(session: Session) -> int:
    return session.exec(select(Conversation.id).order_by(col(Conversation.id).desc())).first() or 0


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    mine = Shop(database_url)
    mine.open()
    yield mine
    mine.db.close()


def test_a_persons_answer_ends_the_clock_and_the_bots_does_not(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    assert shop.clocks() == [("first", "", "02 10:10"), ("resolution", "", "03 10:30")]
    shop.says("等多久？", "10:02")  # the bot tells the wait
    assert shop.clocks()[0] == ("first", "", "02 10:10")
    shop.does(agents.take, one, "10:04")
    assert shop.clocks()[0] == ("first", "", "02 10:10")
    shop.does(agents.reply, one, "10:05", "您好")
    assert [outcome for _, outcome, _ in shop.clocks()] == ["met", ""]
    assert shop.watches("10:30") == []


def test_each_question_after_that_has_a_clock_of_its_own(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    shop.does(agents.reply, one, "10:05", "您好")
    shop.says("蓝色有吗", "11:50")
    shop.says("在吗", "11:55")  # the first question without an answer counts
    shop.does(agents.note, one, "11:58", "问仓库")
    assert shop.clocks()[2:] == [("next", "", "02 13:40")]  # lunch does not count
    shop.does(agents.reply, one, "13:35", "有的")
    shop.says("谢谢！", "13:36")  # wants no answer
    shop.does(agents.resolve, one, "13:40")
    assert [(kind, outcome) for kind, outcome, _ in shop.clocks()] == [
        ("first", "met"), ("resolution", "met"), ("next", "met"),
    ]  # fmt: skip
    assert shop.watches("2026-03-06 10:00") == []


def test_a_warning_then_a_breach_each_told_once(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    assert shop.watches("10:07") == []
    assert shop.watches("10:08") == [("warning", "first")]
    assert shop.alert(one) == "warned"
    assert shop.watches("10:09") == []
    assert shop.watches("10:10") == [("breach", "first")]
    assert shop.alert(one) == "breached"
    assert shop.watches("10:11") == []
    shop.does(agents.reply, one, "10:12", "久等了")
    assert shop.clocks()[0][:2] == ("first", "late")
    assert shop.alert(one) == ""


def test_nobody_is_late_while_everybody_rests(shop: Shop) -> None:
    shop.says("转人工", "2026-03-06 17:55")  # on Friday
    assert shop.clocks()[0] == ("first", "", "09 09:05")
    assert shop.watches("2026-03-08 12:00") == []
    assert shop.watches("2026-03-09 09:03") == [("warning", "first")]


def test_after_a_restart_nothing_is_lost_and_nothing_told_twice(shop: Shop) -> None:
    one, other = shop.says("转人工", "10:00"), shop.says("转人工", "10:05", "bob")
    assert shop.watches("10:08") == [("warning", "first")]
    shop.db.close()
    shop.open()
    assert shop.watches("10:14") == [("breach", "first"), ("warning", "first")]
    shop.db.close()
    shop.open()
    assert shop.watches("10:20") == [("breach", "first")]
    assert (shop.alert(one), shop.alert(other)) == ("breached", "breached")


def test_whoever_slept_through_both_tells_of_the_breach_alone(shop: Shop) -> None:
    shop.says("转人工", "10:00")
    assert shop.watches("11:00") == [("breach", "first")]
    assert shop.watches("11:01") == []


def test_an_answer_too_late_is_a_breach_even_before_anybody_looked(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    shop.does(agents.reply, one, "10:10:20", "您好")
    assert shop.told == [("breach", "first")]
    assert shop.clocks()[0][:2] == ("first", "late")
    assert shop.watches("10:11") == []


def test_who_goes_back_to_the_bot_is_owed_nothing(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    shop.says("算了，不等了", "10:05")
    assert [outcome for _, outcome, _ in shop.clocks()] == ["dropped", "dropped"]
    assert shop.watches("2026-03-06 10:00") == []
    assert shop.says("转人工", "2026-03-06 10:30") == one
    assert shop.clocks()[2:] == [("first", "", "06 10:40"), ("resolution", "", "09 11:00")]


def test_what_is_resolved_without_an_answer_is_late_if_it_was(shop: Shop) -> None:
    one, other = shop.says("转人工", "10:00"), shop.says("转人工", "10:00", "bob")
    shop.does(agents.resolve, one, "10:05")
    shop.does(agents.resolve, other, "10:15")
    assert shop.told == [("breach", "first")]
    assert [(kind, outcome) for kind, outcome, _ in shop.clocks()] == [
        ("first", "dropped"), ("resolution", "met"),
    ] * 2  # fmt: skip


def test_an_agent_who_steps_in_owes_an_end(shop: Shop) -> None:
    one = shop.says("你好", "10:00")
    assert shop.clocks() == []
    shop.does(agents.take, one, "10:00")
    assert [kind for kind, _, _ in shop.clocks()] == ["resolution"]
    shop.says("有蓝色的吗", "10:01")
    assert shop.clocks()[1:] == [("first", "", "02 10:11")]


def test_what_is_not_promised_has_no_clock(shop: Shop) -> None:
    shop.db.close()
    shop.team = Team("service", HOURS, {Target.NEXT: 20})
    shop.open()
    one = shop.says("转人工", "10:00")
    shop.says("有人吗", "10:01")
    assert shop.clocks() == []
    shop.does(agents.reply, one, "10:05", "您好")
    shop.says("蓝色有吗", "10:06")
    assert shop.clocks() == [("next", "", "02 10:26")]


def test_a_team_that_never_works_again_owes_nothing(shop: Shop) -> None:
    shop.db.close()
    shop.team = Team("service", Hours(SHANGHAI, ((),) * 7), {Target.FIRST: 10})
    shop.open()
    shop.says("转人工", "10:00")
    assert shop.clocks() == []


def test_a_fault_in_telling_is_undone_and_told_later_and_stops_no_other(shop: Shop) -> None:
    one = shop.says("转人工", "10:00")
    shop.says("转人工", "10:01", "bob")
    shop.broken = {one}
    assert shop.watches("10:20") == [("breach", "first")]
    assert shop.alert(one) == ""
    shop.broken = set()
    assert shop.watches("10:21") == [("breach", "first")]
    assert shop.alert(one) == "breached"


def test_several_who_watch_at_once_tell_once(shop: Shop) -> None:
    for number in range(6):
        shop.says("转人工", "10:00", f"c{number}")
    with shop.at("10:08"), ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(sla.watch(shop.db), {}) for _ in range(3)]:
            done.result()
    assert shop.told == [("warning", "first")] * 6


def test_what_a_desk_promises_later_is_watched_without_a_restart(sqlite_url: str) -> None:
    shop = {"shop": {"name": "A"}, "database": {"url": sqlite_url}, "teams": [{"name": "service"}]}
    service = app.build(validate(shop))
    try:
        assert "watch-targets" in service.engine._jobs

        def waits(session: Session, name: str) -> list[str]:
            conversation = outbox.conversation_for(session, world.chat(session, name))
            handoff.hand_over(session, conversation, "asked")
            return [one.kind for one in running(session, conversation.id or 0)]

        assert service.db.run(waits, "before") == []
        service.in_force.take([TeamEdit(name="service", settings={"first_response_minutes": 10})])
        assert service.db.run(waits, "after") == ["first"]
    finally:
        service.db.close()
