"""Who waits for a person hears when one is back, and how long it took others: nothing invented."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlmodel import Session, select

from bot.core.messages import Address, Author, Inbound, State
from bot.core.spans import read_day_part, read_span
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.escalation import agents, waits
from bot.escalation.hours import Hours
from bot.escalation.team import Team
from bot.escalation.teams import Teams
from storage.db import Database
from storage.models.conversations import Conversation, Message, latest_conversation
from storage.models.customers import Identity
from tests.support import world
from tests.support.receiving import Faq, hire, understood

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = (read_span("09:00-12:00"), read_span("13:30-18:00"))
TEAM = Team("service", Hours(SHANGHAI, (DAY,) * 5 + ((), ())))
VOICE = world.voice()


class Shop:
    """Customers who write at a moment of March 2026; the 6th is a Friday."""

    def __init__(self, db: Database, team: Team | None = TEAM) -> None:
        self.db = db
        self.reception = Reception(
            House(VOICE, Faq(), Teams((team,) if team else ())), skills.discover()
        )
        self.agent = db.run(hire)
        self._sent = 0

    def says(self, text: str, at: str, name: str = "ann") -> str:
        """What the bot answered; empty where it was silent."""
        self._sent += 1
        with _travel(at):
            inbound = Inbound(Address("web", "main", name, pulls=True), f"m{self._sent}", text)
            self.db.run(self.reception.receive, inbound, understood(text))
            return self.db.run(_last_words, name)

    def answers(self, at: str, name: str = "ann") -> None:
        with _travel(at):
            conversation = self.db.run(_conversation, name)
            self.db.run(agents.reply, conversation, self.agent, "您好")

    def waited(self, count: int, minutes: int, day: str = "05 10:00") -> None:
        """So many customers waited so long."""
        start = _moment(day)
        for number in range(count):
            self.db.run(
                _waited, f"{day}-{minutes}-{number}", start, start + timedelta(minutes=minutes)
            )


def _moment(at: str) -> datetime:
    day, time = at.split()
    return datetime.fromisoformat(f"2026-03-{day}T{time}+08:00")


def _travel(at: str) -> time_machine.travel:
    return time_machine.travel(_moment(at), tick=False)


def _chat(session: Session, name: str) -> Identity:
    return session.exec(select(Identity).where(Identity.chat == name)).one()


def _conversation(session: Session, name: str) -> int:
    found = latest_conversation(session, _chat(session, name).id or 0)
    assert found is not None
    return found.id or 0


def _last_words(session: Session, name: str) -> str:
    query = select(Message).where(Message.identity_id == _chat(session, name).id)
    last = max(session.exec(query), key=lambda one: one.id or 0)
    return last.text if last.author == Author.BOT else ""


def _waited(session: Session, name: str, since: datetime, until: datetime) -> None:
    identity = world.chat(session, name)
    session.add(
        Conversation(
            identity_id=identity.id or 0,
            state=State.RESOLVED,
            waiting_since=since,
            first_response_at=until,
        )
    )


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


def test_out_of_hours_customers_hear_when_somebody_is_back(shop: Shop) -> None:
    told = shop.says("转人工", "06 18:30")
    assert "现在是休息时间，周一 9:00 有人。您可以先留言" in told
    assert "周一 9:00 有人" in shop.says("有人吗", "07 11:00")
    english = shop.says("a human please", "06 12:10", "bob")
    assert "Our team is off just now and back today at 13:30." in english


def test_in_hours_customers_hear_the_hours_alone(shop: Shop) -> None:
    told = shop.says("转人工", "06 10:00")
    assert told == VOICE.say("replies.handoff_queued", "zh", ahead=0)
    assert "休息时间" not in told
    assert "大约" not in told


def test_without_a_team_nothing_is_said_about_breaks(db: Database) -> None:
    shop = Shop(db, None)
    assert "休息时间" not in shop.says("转人工", "08 03:00")
    shop.answers("08 03:05")
    assert shop.says("在吗", "08 23:00") == ""


def test_a_break_is_told_once_to_whom_it_meets_in_the_middle(shop: Shop) -> None:
    shop.says("转人工", "06 11:50")
    assert shop.says("蓝色的", "06 11:55") == ""
    told = VOICE.say("replies.away", "zh", back="今天 13:30")
    assert shop.says("我要蓝色的", "06 12:20") == told
    assert shop.says("快点啊我急用", "06 12:30") == ""
    assert shop.says("蓝色的有没有货", "06 14:00") == ""
    assert "周一 9:00" in shop.says("蓝色的有没有货呢", "06 19:00")


def test_who_was_told_at_the_handover_is_not_told_again(shop: Shop) -> None:
    shop.says("转人工", "06 18:30")
    assert shop.says("我要蓝色的", "06 18:31") == ""


def test_a_customer_of_an_agent_who_went_home_is_told_too(shop: Shop) -> None:
    shop.says("转人工", "06 17:50")
    shop.answers("06 17:55")
    assert shop.says("好的，另外蓝色呢", "06 18:05") == ""  # the agent was here just now
    assert "周一 9:00" in shop.says("蓝色呢", "06 18:30")
    assert shop.says("蓝色呢？？", "07 09:30") == ""


def test_the_wait_is_the_median_of_the_latest_ones_in_working_time(shop: Shop) -> None:
    shop.waited(4, 6)
    shop.waited(5, 12)
    told = shop.says("转人工", "06 10:00")
    assert "；最近大约要等12分钟。" in told
    assert "Lately it took about 12 minutes." in shop.says("a human please", "06 10:00", "bob")
    assert "；最近大约要等12分钟" in shop.says("还要等多久", "06 10:01")


def test_a_lunch_is_no_part_of_a_wait(shop: Shop) -> None:
    shop.waited(waits.ENOUGH, 100, "05 11:50")  # until 13:30
    assert "最近大约要等10分钟" in shop.says("转人工", "06 10:00")


def test_too_few_waits_and_old_ones_say_nothing(shop: Shop) -> None:
    shop.waited(waits.ENOUGH - 1, 12)
    with _travel("05 10:00"):
        shop.db.run(
            _waited,
            "old",
            _moment("05 10:00") - timedelta(days=20),
            _moment("05 10:00") - timedelta(days=19),
        )
    assert "大约" not in shop.says("转人工", "06 10:00")


def test_no_wait_is_told_while_nobody_works(shop: Shop) -> None:
    shop.waited(waits.ENOUGH, 12)
    assert "大约" not in shop.says("转人工", "06 20:00")


def test_a_closing_is_told_as_a_break(db: Database) -> None:
    closed = Hours(SHANGHAI, TEAM.hours.week, None, (read_day_part("2026-03-06 10:00-12:00"),))
    shop = Shop(db, replace(TEAM, hours=closed))
    assert "今天 13:30 有人" in shop.says("转人工", "06 10:30")
