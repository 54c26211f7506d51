"""Customers are given to agents: each to one, nobody gets too many, and silence has an end."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
import uvicorn
from fastapi import FastAPI
from sqlmodel import Session, col, select

from bot.config import ApiKey, Handover
from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.events import Bus, SlaBreached, emit
from bot.core.messages import Address, Author, Inbound, State
from bot.core.roles import Presence, Role
from bot.core.spans import read_span
from bot.delivery import outbox
from bot.desk.rights import Forbidden, may_see, seen, seen_teams
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.escalation import agents, greeting, presence
from bot.escalation.handoff import hand_over
from bot.escalation.hours import Hours
from bot.escalation.router import Router
from bot.escalation.routing import Routing
from bot.escalation.sent_files import SentFiles
from bot.escalation.team import Rule, Team
from bot.escalation.teams import Matter, Teams
from bot.escalation.transfers import Transfers
from bot.logistics.status import Status
from bot.web.api.router import agents_router
from storage.db import Database
from storage.models.agents import Agent, saw
from storage.models.conversations import Conversation, Message, notes_of
from storage.models.customers import Identity
from storage.models.profiles import CustomerProfile
from tests.integration.test_hours_told import SHANGHAI
from tests.support import world
from tests.support.receiving import Faq, understood
from tests.support.service import free_port
from tests.support.waiting import until

VOICE = world.voice()
WEEK = Hours(SHANGHAI, ((read_span("09:00-18:00"),),) * 5 + ((), ()))
TEAMS = Teams(
    (
        Team("first", WEEK),
        Team("english", WEEK, rule=Rule(languages=("en",))),
        Team("calm", WEEK, rule=Rule(reasons=("complaint",), channels=("web",))),
        Team("returns", WEEK, rule=Rule(topics=("returns",))),
    ),
    {"damaged": "photos", "complaint": "calm"},
)
TRANSFERS = Transfers(VOICE, TEAMS)


def routed(**settings: Any) -> Routing:
    return Routing(VOICE, TEAMS, **{"automatic": True} | settings)


def hire(
    session: Session, login: str, *, capacity: int | None = 5, there: bool = True, **more: Any
) -> int:
    teams = more.pop("teams", None)
    agent = Agent(login=login, name=login.title(), password_hash="-", capacity=capacity, **more)
    agent.seen_at = now() if there else None
    session.add(agent)
    session.flush()
    presence.equip(session, login, teams=teams)
    assert agent.id is not None
    return agent.id


def wait(session: Session, name: str, team: str = "first", **fields: Any) -> int:
    """Somebody waits for a person of the team."""
    conversation = outbox.conversation_for(session, world.chat(session, name))
    hand_over(session, conversation, "asked")
    conversation.team = team
    conversation.sqlmodel_update(fields)
    session.flush()
    assert conversation.id is not None
    return conversation.id


def give_all(session: Session, routing: Routing) -> list[int | None]:
    """Give what can be given; returns who has each conversation, in their order."""
    for one in routing.wanted(session, now()):
        routing.give(session, one, now())
    return list(session.exec(select(Conversation.agent_id).order_by(col(Conversation.id))))


def said(session: Session, conversation_id: int) -> list[str]:
    query = select(Message.text).where(
        Message.conversation_id == conversation_id, Message.author == Author.SYSTEM
    )
    return list(session.exec(query.order_by(col(Message.id))))


def test_who_waits_is_given_to_who_suits(db: Database) -> None:
    def story(session: Session) -> None:
        any_, en = hire(session, "any"), hire(session, "en", teams=["english"])
        away = hire(session, "away")
        presence.choose(session, away, Presence.AWAY)
        gone = hire(session, "gone", there=False)
        disabled = hire(session, "off", active=False)
        skilled = hire(session, "skilled", skills=["photos"], teams=["first"], capacity=1)
        for number in range(2):
            wait(session, f"skill{number}", skill="photos")
        for number in range(3):
            wait(session, f"en{number}", "english")
        assert give_all(session, routed()) == [skilled, None, any_, en, any_]
        assert not {away, gone, disabled} & set(give_all(session, routed()))
        agents.resolve(session, 1, skilled)
        assert give_all(session, routed())[1] == skilled, "room again"

    db.run(story)


def test_language_comes_first_while_somebody_speaks_it(db: Database) -> None:
    def story(session: Session) -> None:
        zh, en = (
            hire(session, "zh", languages=["zh"]),
            hire(session, "en", languages=["en"], capacity=1),
        )
        wait(session, "a", language="en")
        second = wait(session, "b", language="en")
        assert give_all(session, routed()) == [en, None], "who speaks it is busy, and there"
        presence.choose(session, en, Presence.AWAY)
        assert routed().wanted(session, now()) == [second]
        assert give_all(session, routed()) == [en, zh]

    db.run(story)


def test_the_agent_whom_a_customer_knows_comes_first(db: Database) -> None:
    def story(session: Session) -> None:
        first, second = hire(session, "a"), hire(session, "b")
        one = wait(session, "ann")
        agents.take(session, one, second)
        agents.resolve(session, one, second)
        identity = session.exec(select(Identity)).one()
        again = outbox.conversation_for(session, identity)
        agents.take(session, wait(session, "bob"), second)
        hand_over(session, again, "asked")
        session.flush()
        with_memory, without = routed(), routed(memory=timedelta(0))
        assert again.id is not None
        assert without.give(session, again.id, now())
        assert again.agent_id == first, "who has least"
        agents.release(session, again.id, first)
        again.left_by = None
        session.flush()
        assert with_memory.give(session, again.id, now())
        assert again.agent_id == second

    db.run(story)


def test_by_hand_nobody_takes_more_than_their_capacity(db: Database) -> None:
    def story(session: Session) -> None:
        lin, program = hire(session, "lin", capacity=1), hire(session, "key:till", capacity=None)
        one, two, three = (wait(session, name) for name in "abc")
        agents.take(session, one, lin)
        for deed in (agents.take, agents.reply):
            words = () if deed is agents.take else ("hello",)
            with pytest.raises(agents.AtCapacity, match="has 1 open conversations already"):
                deed(session, two, lin, *words)
        with pytest.raises(agents.AtCapacity):
            agents.take_next(session, lin)
        agents.take(session, two, program)
        with pytest.raises(agents.AtCapacity):
            TRANSFERS.to_agent(session, two, program, "lin")
        assert agents.take_over(session, two, lin).agent_id == lin, "knowing what they do"
        agents.take(session, three, program)

    db.run(story)


def test_by_hand_agents_take_what_waits_for_their_teams(db: Database) -> None:
    def story(session: Session) -> None:
        en, all_ = hire(session, "en", teams=["english"]), hire(session, "all")
        wait(session, "a")
        mine, nobodys = wait(session, "b", "english"), wait(session, "c", "")
        taken = [agents.take_next(session, en) for _ in range(3)]
        assert [one.id if one else None for one in taken] == [mine, nobodys, None]
        assert agents.take_next(session, all_) is not None

    db.run(story)


def test_a_team_has_what_its_rules_say() -> None:
    found = {
        matter: (TEAMS.team_for(matter), TEAMS.skill_for(matter))
        for matter in (
            Matter("asked", "zh", "web"),
            Matter("asked", "en", "web"),
            Matter("complaint", "zh", "web"),
            Matter("complaint", "zh", "telegram"),
            Matter("entry:x", "zh", "web", "returns"),
            Matter("entry:x", "zh", "web", "damaged"),
        )
    }
    assert list(found.values()) == [
        ("first", ""), ("english", ""), ("calm", "calm"), ("first", "calm"), ("returns", ""),
        ("first", "photos"),
    ]  # fmt: skip
    assert Teams().team_for(Matter()) == ""


class Shop:
    """A shop with its teams in which customers and agents do things at moments of a Monday."""

    def __init__(self, url: str, **settings: Any) -> None:
        bus = Bus()
        self.routing = routed(**settings)
        self.routing.register(bus)
        greeting.register(bus, VOICE)
        self.db = Database(url, bus)
        rules = (Handover(name="vip", tag="vip"), Handover(name="dear", order_over=500))
        lost = Handover(name="lost", parcel_lost_days=7)
        house = House(VOICE, Faq(), TEAMS, (*rules, lost))
        self.reception = Reception(house, skills.discover())
        self._sent = 0

    def says(self, text: str, at: str = "10:00", name: str = "ann") -> str:
        self._sent += 1
        inbound = Inbound(Address("web", "main", name, pulls=True), f"m{self._sent}", text)
        with monday(at):
            inbound = Inbound(inbound.address, inbound.external_id, text)
            return self.db.run(self.reception.receive, inbound, understood(text)).outcome

    def looks(self, at: str) -> list[tuple[int, str]]:
        """What the router takes back, and then gives."""
        with monday(at):
            found = self.db.run(self.routing.silent, now())
            for one, why in found:
                self.db.run(self.routing.give_back, one, why)
            for one in self.db.run(self.routing.wanted, now()):
                self.db.run(self.routing.give, one, now())
        return found

    def at(self, at: str, work: Any, *args: Any) -> Any:
        with monday(at):
            return self.db.run(work, *args)

    def conversation(self) -> Conversation:
        return self.db.run(
            lambda s: s.exec(select(Conversation).order_by(col(Conversation.id).desc())).first()
        )


def monday(at: str) -> time_machine.travel:
    day, _, time = at.rpartition(" ")
    moment = datetime.fromisoformat(f"{day or '2026-03-02'}T{time}+08:00")
    return time_machine.travel(moment, tick=False)


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    mine = Shop(database_url, patience=10)
    yield mine
    mine.db.close()


def stay(session: Session, *people: int) -> None:
    """Their pages are open."""
    for one in people:
        saw(session, one, now())


def test_who_does_not_answer_loses_the_customer_to_a_colleague(shop: Shop) -> None:
    lin, amy = shop.at("17:40", hire, "lin"), shop.at("17:40", hire, "amy")
    assert shop.says("转人工", "17:50") == "person"
    shop.at("17:50", stay, lin, amy)
    assert shop.looks("17:52") == []
    assert shop.conversation().agent_id == lin
    shop.at("2026-03-03 09:00", stay, lin, amy)
    assert shop.looks("2026-03-03 09:01") == [], "9 minutes of working time: the night is none"
    one = shop.conversation().id
    assert one is not None
    assert shop.looks("2026-03-03 09:02") == [(one, "silent")]
    moved = shop.conversation()
    assert (moved.state, moved.agent_id, moved.left_by) == (State.OPEN, amy, lin)
    notes = [note.text for note in shop.db.run(notes_of, one)]
    assert notes == [VOICE.say("desk.note_silent", "zh", name="Lin", minutes=10)]
    reassigned = VOICE.say("replies.reassigned", "zh")
    told = shop.db.run(said, one)
    assert told == ["Lin来了，马上为您服务。", reassigned, "Amy来了，马上为您服务。"]

    shop.at("2026-03-03 09:05", agents.reply, one, amy, "您好")
    assert shop.looks("2026-03-03 09:30") == []
    shop.says("谢谢", "2026-03-03 09:31")
    shop.at("2026-03-03 09:40", stay, lin, amy)
    assert shop.looks("2026-03-03 09:42") == [], "thanks want no answer"
    shop.says("还在吗？", "2026-03-03 09:50")
    shop.at("2026-03-03 09:59", stay, lin, amy)
    assert shop.looks("2026-03-03 10:00") == [(one, "silent")]
    assert shop.conversation().agent_id == lin
    assert shop.db.run(said, one).count(reassigned) == 1


def test_who_leaves_owing_an_answer_loses_the_customer(shop: Shop) -> None:
    lin, amy = shop.at("10:00", hire, "lin"), shop.at("10:00", hire, "amy")
    shop.says("转人工")
    shop.looks("10:01")
    shop.at("10:02", agents.reply, shop.conversation().id, lin, "您好")
    shop.at("10:02", presence.choose, lin, Presence.OFFLINE)
    assert shop.looks("10:02") == [], "nothing is owed"
    shop.says("在吗", "10:03")
    shop.at("10:03", stay, amy)
    assert shop.looks("10:03") == [(shop.conversation().id, "left")]
    assert shop.conversation().agent_id == amy
    assert shop.looks("10:07") == [(shop.conversation().id, "left")], "no page is open any more"
    assert shop.conversation().state == State.WAITING, "nobody is there"
    assert shop.conversation().at_head


def test_without_patience_silence_changes_nothing(database_url: str) -> None:
    shop = Shop(database_url)
    lin = shop.at("10:00", hire, "lin")
    shop.says("转人工")
    shop.looks("10:01")
    assert shop.looks("16:00") == []
    assert shop.conversation().agent_id == lin
    shop.db.close()


def test_a_broken_promise_moves_the_customer_where_that_is_wanted(database_url: str) -> None:
    shop = Shop(database_url, breach_moves=True)
    lin = shop.at("10:00", hire, "lin")
    shop.says("转人工")
    shop.looks("10:01")
    one = shop.conversation().id or 0
    shop.at("10:05", lambda s: emit(s, SlaBreached(one, "resolution", "first", now())))
    assert shop.conversation().agent_id == lin
    shop.at("10:05", lambda s: emit(s, SlaBreached(one, "first", "first", now())))
    assert (shop.conversation().state, shop.conversation().left_by) == (State.WAITING, lin)
    shop.db.close()


def tagged(session: Session) -> None:
    identity = session.exec(select(Identity)).one()
    profile = CustomerProfile(customer_id=identity.customer_id, tags=["vip"], told_at=now())
    session.add(profile)


def test_the_shops_rules_bring_a_person_once_and_say_so(shop: Shop) -> None:
    assert shop.says("怎么退货") == "faq"
    shop.at("10:00", tagged)
    assert shop.says("谢谢") != "by_rule"
    assert shop.says("怎么退货") == "by_rule"
    conversation = shop.conversation()
    assert (conversation.state, conversation.handoff_reason) == (State.WAITING, "rule:vip")
    newest = select(Message.text).order_by(col(Message.id).desc())
    words = shop.db.run(lambda session: session.exec(newest).first())
    assert words.startswith(VOICE.say("replies.by_rule", "zh"))
    assert shop.says("不等了") == "person_in_charge"
    assert shop.says("怎么退货") == "faq", "who prefers the bot is left to it"


@pytest.mark.parametrize(
    ("amount", "moved_days_ago", "linked", "skill"),
    [
        ("600", 0, True, "by_rule"), ("500", 0, True, "faq"), ("600", 0, False, "faq"),
        ("10", 8, True, "by_rule"), ("10", 6, True, "faq"),
    ],
)  # fmt: skip
def test_dear_orders_and_lost_parcels_bring_a_person(
    shop: Shop, amount: str, moved_days_ago: int, linked: bool, skill: str
) -> None:
    assert shop.says("怎么退货") == "faq"

    def bought(session: Session) -> None:
        order = world.told(session, "order.paid", "XE1", amount=Decimal(amount), currency="CNY")
        world.stepped(session, Status.IN_TRANSIT, world.ago(days=moved_days_ago), tracking_number="SF1",
                      order_number="XE1")  # fmt: skip
        identity = session.exec(select(Identity)).one()
        identity.customer_id = order.customer_id
        identity.linked_at = now() if linked else None

    shop.at("10:01", bought)
    assert shop.says("怎么退货", "10:02") == skill


def test_a_transfer_keeps_the_place_and_tells_why(db: Database) -> None:
    def story(session: Session) -> None:
        lin, amy = hire(session, "lin"), hire(session, "amy")
        one, two = wait(session, "a"), wait(session, "b", "english")
        agents.take(session, one, lin)
        TRANSFERS.to_agent(session, one, lin, "Amy", "knows leather")
        assert session.get_one(Conversation, one).agent_id == amy
        with pytest.raises(NotAllowed, match="has it already"):
            TRANSFERS.to_agent(session, one, lin, "amy")
        moved = TRANSFERS.to_team(session, one, amy, "english", "writes English")
        assert (moved.state, moved.agent_id, moved.team) == (State.WAITING, None, "english")
        assert [note.text for note in notes_of(session, one)] == [
            "Lin → Amy：knows leather", "Amy → english：writes English",
        ]  # fmt: skip
        assert said(session, one)[-1] == VOICE.say("replies.transferred", "zh")
        assert agents.take_next(session, lin) is moved, "before who came later"
        with pytest.raises(NotFound):
            TRANSFERS.to_team(session, two, lin, "nowhere")
        agents.resolve(session, one, lin)
        with pytest.raises(NotAllowed):
            TRANSFERS.to_team(session, one, lin, "english")

    db.run(story)


def test_agents_may_be_shown_their_own_teams_alone(db: Database) -> None:
    def story(session: Session) -> None:
        en = session.get_one(Agent, hire(session, "en", teams=["english"]))
        boss = session.get_one(Agent, hire(session, "boss", teams=["english"], role=Role.OWNER))
        theirs = session.get_one(Conversation, wait(session, "a"))
        mine = session.get_one(Conversation, wait(session, "b", "english"))
        for agent, only, sees in ((en, True, False), (en, False, True), (boss, True, True)):
            teams = seen_teams(session, agent, own_teams_only=only)
            assert may_see(agent, teams, theirs) is sees
            assert may_see(agent, teams, mine)
        with pytest.raises(Forbidden):
            seen(session, en, theirs.id or 0, own_only=True)
        agents.assign(session, theirs.id or 0, boss.id or 0, en)
        seen(session, en, theirs.id or 0, own_only=True)

    db.run(story)


PEOPLE, CUSTOMERS, EACH = 50, 200, 4


def crowd(session: Session) -> list[int]:
    for number in range(CUSTOMERS):
        wait(session, f"c{number}")
    return [hire(session, f"a{number}", capacity=EACH) for number in range(PEOPLE)]


def owners(session: Session) -> Counter[int | None]:
    taken = session.exec(select(Conversation).where(Conversation.state == State.OPEN))
    return Counter(one.agent_id for one in taken)


def test_fifty_agents_take_two_hundred_at_once(db: Database, database_url: str) -> None:
    """Each of four processes' connections serves a part of them, beside the first one's."""
    people = db.run(crowd)
    others = [] if db.is_sqlite else [Database(database_url) for _ in range(3)]
    houses, begin, taken = [db, *others], threading.Barrier(PEOPLE), Counter[int]()

    def serve(place: int) -> None:
        begin.wait()
        try:
            while found := houses[place % len(houses)].run(agents.take_next, people[place]):
                taken[found.id or 0] += 1
        except agents.AtCapacity:
            pass

    threads = [threading.Thread(target=serve, args=(place,)) for place in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.run(owners) == dict.fromkeys(people, EACH)
    assert sorted(taken.values()) == [1] * CUSTOMERS, "nobody was told what somebody else was"
    for one in others:
        one.close()


@pytest.mark.soak
async def test_two_routers_and_busy_hands_give_each_to_one(db: Database, database_url: str) -> None:
    """Routers of two processes work while agents take by hand what they can get."""
    people = await db.transact(crowd)
    other = db if db.is_sqlite else Database(database_url)

    def grab(person: int) -> None:
        for conversation in range(1, CUSTOMERS + 1, 7):
            with contextlib.suppress(NotAllowed):
                other.run(agents.take, conversation, person)

    threads = [threading.Thread(target=grab, args=(one,)) for one in people[:5]]
    for thread in threads:
        thread.start()
    await Router(db, routed()).look()
    for thread in threads:
        thread.join()
    while await Router(other, routed()).look():
        pass
    assert await db.read(owners) == dict.fromkeys(people, EACH)
    if other is not db:
        other.close()


@pytest.mark.soak
def test_fifty_callers_take_two_hundred_over_http_at_once(db: Database) -> None:
    """Two and two want the same eight, of which each has room for four."""
    names = [f"k{number}" for number in range(PEOPLE)]
    keys = [ApiKey(name=name, key=f"key-of-the-agent-{name}", scopes=("desk",)) for name in names]
    app = FastAPI()
    app.include_router(agents_router(db, keys, SentFiles(db, Path("nowhere"), 1), TRANSFERS))
    waiting = db.run(lambda session: [wait(session, f"c{n}") for n in range(CUSTOMERS)])
    callers = db.run(lambda s: [hire(s, f"key:{one}", capacity=EACH) for one in names])
    begin, answers = threading.Barrier(PEOPLE), Counter[int]()

    def serve(place: int, url: str) -> None:
        headers = {"Authorization": f"Bearer {keys[place].key}"}
        start = place // 2 * 2 * EACH
        with httpx.Client(base_url=url, headers=headers, timeout=60, verify=False) as client:
            begin.wait()
            for one in waiting[start : start + 2 * EACH]:
                answers[client.post(f"/api/v1/conversations/{one}/take").status_code] += 1

    with served(app) as url:
        threads = [threading.Thread(target=serve, args=(place, url)) for place in range(PEOPLE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {200: CUSTOMERS, 409: CUSTOMERS}
    assert db.run(owners) == dict.fromkeys(callers, EACH)


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which a thread of this process serves `app`."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.force_exit = server.should_exit = True
    thread.join()
