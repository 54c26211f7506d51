"""Reports say what happened: compared with figures worked out the slow way, on both databases."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Author
from bot.escalation import agents
from bot.feedback import survey
from bot.insights import counting
from bot.insights.counting import Rules
from bot.insights.report import Report, report
from bot.insights.spans import Wish
from storage.db import Database
from tests.support import world
from tests.support.histories import (
    Came,
    History,
    counted,
    in_span,
    keep,
    made_up,
    outcome,
    percentile,
    visits,
)
from tests.support.receiving import Chat, reception_of

PLACES = (
    ("America/New_York", datetime(2026, 3, 6, tzinfo=UTC)),  # spring forward on the 8th
    ("Europe/Berlin", datetime(2026, 10, 23, tzinfo=UTC)),  # back on the 25th
    ("Australia/Lord_Howe", datetime(2026, 4, 3, tzinfo=UTC)),  # back by half an hour on the 5th
    ("Asia/Kathmandu", datetime(2026, 11, 1, tzinfo=UTC)),
)
DAYS_OF_MOVED_CLOCKS = date(2026, 3, 29), date(2026, 10, 25), date(2026, 10, 26)


def is_small(entry: str) -> bool:
    return entry.startswith("small_")


def half(start: datetime, end: datetime) -> timedelta:
    """A team that works half of the time."""
    return (end - start) / 2


def count_all(session: Session, rules: Rules, at: datetime, random: Random) -> None:
    """In portions of any size."""
    for later in (at, at + timedelta(minutes=2)):
        while counting.count_some(session, rules, later, random.randrange(1, 60)):
            pass


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(one, marks=pytest.mark.soak) for one in range(2, 40))]
)
async def test_figures_are_those_that_somebody_would_count(db: Database, seed: int) -> None:
    random = Random(seed)
    place, begin = PLACES[seed % len(PLACES)]
    zone = ZoneInfo(place)
    history = made_up(random, begin, chats=25, steps=14)
    rules = Rules(zone, is_small, half)
    at = begin + timedelta(days=60)
    await db.transact(keep, history, random)
    await db.transact(count_all, rules, at, random)
    for days in (1, 3, 10):
        for channel, agent in (("", None), ("telegram", None), ("", 1)):
            first = begin.date() + timedelta(days=random.randrange(6))
            wish = Wish(first, first + timedelta(days=days - 1), 0, channel, agent)
            found = await db.read(report, wish, zone, at)
            _compare(history, found, wish, zone)


def _compare(history: History, found: Report, wish: Wish, zone: ZoneInfo) -> None:
    def within(at: datetime) -> bool:
        return in_span(at, zone, wish.first, wish.last)

    def is_meant(visit: Came) -> bool:
        has_agent = wish.agent_id is None or _agent(history, visit) == wish.agent_id
        return within(visit.began) and wish.channel in ("", visit.channel) and has_agent

    mine = [one for one in visits(history) if is_meant(one)]
    ends = {id(one): outcome(history, one) for one in mine}
    assert found.now.outcomes == counted(ends.values())
    by_day = {day: numbers for day, numbers in found.visits_by_day.items() if numbers}
    assert by_day == {
        day: counted(ends[id(one)] for one in mine if one.began.astimezone(zone).date() == day)
        for day in {one.began.astimezone(zone).date() for one in mine}
    }
    hours = [(one.channel, one.began.astimezone(zone).hour) for one in mine]
    assert _flat(found.visits_by_hour) == counted(hours)
    waits = [wait for one in mine if (wait := _wait(history, one)) is not None]
    assert (found.now.wait.number, found.now.wait.median, found.now.wait.p90) == (
        len(waits), percentile(waits, 0.5), percentile(waits, 0.9),
    )  # fmt: skip
    assert found.now.work.median == percentile([wait // 2 for wait in waits], 0.5)
    said = [
        one for one in history.words
        if within(one.at) and wish.channel in ("", history.channels[one.chat])
        and (wish.agent_id is None or one.agent == wish.agent_id)
    ]  # fmt: skip
    assert found.now.messages == len(said)
    messages = [(history.channels[one.chat], one.at.astimezone(zone).hour) for one in said]
    assert _flat(found.messages_by_hour) == counted(messages)
    by_day = [(one.at.astimezone(zone).date(), one.author) for one in said]
    assert {
        (day, author): number
        for day, row in found.messages_by_day.items()
        for author, number in row.items()
    } == counted(by_day)
    talks = [
        one for one in history.talks
        if wish.channel in ("", history.channels[one.chat]) and wish.agent_id in (None, one.agent)
    ]  # fmt: skip
    ended = [one for one in talks if one.resolved_at and within(one.resolved_at)]
    assert found.now.surveyed == len(ended)
    assert found.now.stars == counted(sorted(one.stars for one in ended if one.stars))
    began = [one for one in talks if one.waiting_since and within(one.waiting_since)]
    decided, _kept = found.now.targets.get("first", (0, 0))
    assert decided == sum(one.answered_at is not None for one in began)
    if wish.agent_id is None:
        verdicts = [one.verdict or {} for one in said if one.author == Author.CUSTOMER]
        assert found.now.opt_outs == sum(one.get("skill") == "opt_out" for one in verdicts)


def _wait(history: History, visit: Came) -> int | None:
    """Seconds until a person's first answer in the visit in which the customer began to wait."""
    talk = visit.talk
    if talk.waiting_since is None or talk.answered_at is None:
        return None
    if talk.answered_at < talk.waiting_since or _agent(history, visit) is None:
        return None
    return int((talk.answered_at - talk.waiting_since).total_seconds())


def _agent(history: History, visit: Came) -> int | None:
    """Whose the visit is: that of the conversation, where a person was there in the end."""
    last = [one for one in visits(history) if one.talk is visit.talk][-1]
    is_theirs = last is visit or last.words[0].id == visit.words[0].id
    return visit.talk.agent if is_theirs else None


def _flat(found: dict[str, dict[int, int]]) -> dict[tuple[str, int], int]:
    return {(name, hour): number for name, row in found.items() for hour, number in row.items()}


async def test_what_really_happens_is_counted(db: Database) -> None:
    """The skills' own verdicts lead to outcomes, not only made-up ones."""
    voice = world.voice()
    survey.register(db.bus, voice)
    reception = reception_of(voice)
    asked, called, greeted = (Chat(db, reception, name) for name in ("ann", "bob", "cat"))
    await asked.say("怎么退货")
    await called.say("怎么退货")
    await called.say("转人工")
    await called.by_agent(agents.take)
    await called.by_agent(agents.reply, "您好")
    await called.by_agent(agents.resolve)
    await called.say("2")
    await greeted.say("你好")
    zone, at = ZoneInfo("Asia/Shanghai"), now() + timedelta(hours=1)
    rules = Rules(zone, lambda entry: entry == "hello")
    await db.transact(count_all, rules, at, Random(1))
    today = now().astimezone(zone).date()
    found = await db.read(report, Wish(today - timedelta(days=1), today), zone, at)
    assert found.now.outcomes == {"resolved": 1, "person": 1, "nothing": 1}
    assert found.handoffs == {"asked": 1}
    assert found.now.stars == {2: 1}
    assert found.now.wait.number == 1
    assert [(one.name, one.visits, one.messages) for one in found.agents] == [("Mei", 1, 1)]
    assert found.topics == [("return_policy", 2, 0)]
    verdicts = [one.verdict or {} for one in await called.messages()]
    assert [one["brought"] for one in verdicts if "brought" in one] == ["asked"]


async def test_another_time_zone_counts_everything_anew(db: Database) -> None:
    random = Random(2)
    history = made_up(random, datetime(2026, 3, 6, tzinfo=UTC), chats=10, steps=8)
    await db.transact(keep, history, random)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    for number, place in enumerate(("Asia/Shanghai", "America/New_York")):
        rules = Rules(ZoneInfo(place), is_small, half)
        await db.transact(count_all, rules, at + timedelta(hours=number), random)
        wish = Wish(date(2026, 3, 1), date(2026, 5, 30))
        found = await db.read(report, wish, rules.zone, at)
        assert found.now.messages == len(history.words)
        _compare(history, found, wish, rules.zone)


async def test_a_message_is_counted_once_it_has_settled(db: Database) -> None:
    random, rules = Random(4), Rules(ZoneInfo("UTC"), is_small)
    await db.transact(keep, made_up(random, datetime(2026, 3, 6, tzinfo=UTC), 3, 5), random)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    for seconds in (0, 30, 59):
        later = at + timedelta(seconds=seconds)
        assert await db.transact(counting.count_some, rules, later) == 0
    assert await db.transact(counting.count_some, rules, at + timedelta(seconds=60)) > 0


def test_an_address_says_what_is_wanted() -> None:
    today = date(2026, 3, 10)
    usual = Wish(date(2026, 3, 4), today, 7)
    for query in ({}, {"days": "8"}, {"from": "x", "to": "y"}, {"agent": "-1"}, {"agent": "٣"}):
        assert Wish.read(query, today) == usual
    chosen = Wish(date(2026, 1, 5), date(2026, 1, 9), 0, "web", 3)
    assert Wish.read(chosen.query, today) == chosen
    assert Wish.read({"from": "2026-01-09", "to": "2026-01-05"}, today).query == {
        "from": "2026-01-05", "to": "2026-01-09"
    }  # fmt: skip
    assert Wish.read({"from": "2019-01-01", "to": "2030-01-01"}, today).last == today
    assert len(Wish.read({"from": "2019-01-01", "to": "2030-01-01"}, today).dates) == 366
    assert chosen.before.dates[-1] == date(2026, 1, 4)
    assert len(chosen.before.dates) == 5


def test_a_day_is_as_long_as_its_clocks_say() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    lengths = [
        (one.end - one.begin) // timedelta(hours=1)
        for one in (Wish(day, day).scope(berlin) for day in DAYS_OF_MOVED_CLOCKS)
    ]
    assert lengths == [23, 25, 24]
