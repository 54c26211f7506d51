"""Sending to many: counted and confirmed first, in portions, paused and stopped, each once."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import Session, col, func, select

from bot.care import counting, overview, sendings
from bot.care.counting import Wanted
from bot.care.house import House
from bot.care.overview import SendingLine
from bot.care.sending_run import QUEUED_MOST, SendingRunner
from bot.care.sendings import Draft
from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound, XiaoerError
from bot.core.messages import Progress
from bot.shop import coupons
from bot.shop.coupons import NewCoupon, Stock
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent
from storage.models.care import CareMessage, Sending
from storage.models.conversations import Message
from storage.models.coupons import Coupon
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery, expire_waiting
from storage.models.sendings import own_chat
from tests.support.audience import gather
from tests.support.care import ACCOUNTS, config

TEXTS = {"zh": "{{ customer.name }}，春天来了！", "en": "Spring is here, {{ customer.name }}!"}


@pytest.fixture
def house(db: Database, voice: Voice) -> House:
    found = House.of(config(), voice, Stock())
    found.connect(ACCOUNTS)
    return found


def draft(**more: Any) -> Draft:
    return Draft(**{"name": "spring", "texts": TEXTS, **more})


def counted(db: Database, house: House, what: Draft) -> Sending:
    """Make a sending and count who gets it."""
    number = db.run(sendings.create, None, house.planner.voice, what).id
    assert number is not None
    found: Counter[str] = Counter()
    after: int | None = 0
    while after is not None:
        part, after = db.run(counting.count_some, house.planner, number, after)
        found += part
    return db.run(sendings.counted, number, found)


def begun(db: Database, house: House, what: Draft) -> int:
    sending = counted(db, house, what)
    assert sending.id is not None
    number = sendings.ready(sending.counts)
    db.run(sendings.confirm, None, house.planner.voice, sending.id, number)
    return sending.id


def look(db: Database, house: House) -> None:
    """What the service does about sendings at this moment."""
    asyncio.run(SendingRunner(db, house.planner).look())


def deliver(db: Database, most: int = 10_000) -> int:
    """The sender sends what is queued."""

    def work(session: Session) -> int:
        queued = select(Delivery.id).where(Delivery.state == Progress.QUEUED).limit(most)
        ids = list(session.exec(queued))
        state = {"state": Progress.SENT}
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**state))  # type: ignore[union-attr]
        return len(ids)

    return db.run(work)


def line(db: Database, number: int) -> SendingLine:
    return db.run(lambda s: overview.sending_line(s, s.get_one(Sending, number)))


def written(db: Database) -> Counter[int]:
    """How often each customer was written to."""
    query = select(CareMessage.customer_id).join(Message)
    return Counter(db.run(lambda session: list(session.exec(query))))


def test_counted_confirmed_and_sent_in_portions(db: Database, house: House) -> None:
    ids = db.run(gather, 450, strangers={3, 333})
    db.run(lambda s: setattr(s.get_one(Customer, ids[9]), "opted_out_at", now()))
    sending = counted(db, house, draft())
    assert sending.counts == {"now": 447, "no consent": 2, "opted out": 1}
    number = sending.id or 0
    look(db, house)
    assert written(db) == {}  # nothing before it is confirmed
    db.run(sendings.confirm, None, house.planner.voice, number, 447)
    sent = []
    while line(db, number).state == "running":
        look(db, house)
        sent.append(deliver(db))
    assert sent[:2] == [QUEUED_MOST, QUEUED_MOST]
    assert sum(sent) == 447
    assert written(db) == dict.fromkeys(set(ids) - {ids[2], ids[9], ids[332]}, 1)
    done = line(db, number)
    assert (done.state, done.planned, done.sent, done.refused) == ("done", 450, 447, 3)
    assert done.reasons == {"no consent": 2, "opted out": 1}
    texts = db.run(lambda s: s.exec(select(Message.text).order_by(Message.id).limit(3)).all())
    assert texts == ["Spring is here, 顾客1!", "Spring is here, 顾客2!", "Spring is here, 顾客4!"]


def test_paused_nothing_leaves_and_resumed_all_does(db: Database, house: House) -> None:
    db.run(gather, 300)
    number = begun(db, house, draft())
    look(db, house)
    assert db.run(overview.turn, None, house.book, "spring", "pause") == "paused"
    look(db, house)
    assert deliver(db) == 0
    assert db.run(sendings.resume, None, number) == QUEUED_MOST
    with pytest.raises(NotAllowed, match="being sent: this cannot be done"):
        db.run(sendings.resume, None, number)
    assert deliver(db) == QUEUED_MOST
    look(db, house)
    assert deliver(db) == 300 - QUEUED_MOST
    look(db, house)
    assert line(db, number).state == "done"


def test_stopped_it_ends_for_good(db: Database, house: House) -> None:
    db.run(gather, 300)
    number = begun(db, house, draft())
    look(db, house)
    deliver(db, 50)
    db.run(sendings.stop, None, number)
    look(db, house)
    assert deliver(db) == 0
    ended = line(db, number)
    assert (ended.state, ended.sent, ended.failed, ended.reasons) == (
        "stopped", 50, QUEUED_MOST - 50, {"stopped": 100},
    )  # fmt: skip


def test_a_confirmation_is_of_what_was_counted(db: Database, house: House) -> None:
    db.run(gather, 30)
    sending, voice = counted(db, house, draft()), house.planner.voice
    number = sending.id or 0
    with pytest.raises(NotAllowed, match="The number is 30, not 29"):
        db.run(sendings.confirm, None, voice, number, 29)
    with (
        time_machine.travel(now() + timedelta(minutes=61)),
        pytest.raises(NotAllowed, match="over an hour"),
    ):
        db.run(sendings.confirm, None, voice, number, 30)
    db.run(gather_more, 40)
    with pytest.raises(NotAllowed, match="had 30 customers and has 70 now"):
        db.run(sendings.confirm, None, voice, number, 30)
    db.run(lambda s: coupons.add(s, "gift", NewCoupon("A")))
    with_pool = {"texts": {key: text + " {{ coupon.code }}" for key, text in TEXTS.items()}}
    again = counted(db, house, draft(pool="gift", **with_pool))
    with pytest.raises(NotAllowed, match="has 1 coupons, fewer than 30"):
        db.run(sendings.confirm, None, voice, again.id or 0, 30)


def gather_more(session: Session, count: int) -> None:
    session.add_all(Customer(name=f"new {number}") for number in range(count))


def test_each_gets_a_coupon_of_their_own(db: Database, house: House) -> None:
    ids = db.run(gather, 20)
    for number in range(25):
        db.run(lambda s, number=number: coupons.add(s, "gift", NewCoupon(f"C{number:02}", "¥20")))
    with_pool = {key: text + " {{ coupon.code }}" for key, text in TEXTS.items()}
    begun(db, house, draft(pool="gift", texts=with_pool, holdout=0.25))
    look(db, house)
    given = db.run(lambda s: {c.customer_id: c.code for c in s.exec(select(Coupon))
                              if c.customer_id})  # fmt: skip
    texts = db.run(lambda s: list(s.exec(select(Message.text))))
    assert sorted(text[-3:] for text in texts) == sorted(given.values())
    held_out = len(ids) - len(given)
    assert 0 < held_out < 12
    assert line(db, 1).held_out == held_out


def test_codes_that_expire_too_soon_to_be_given_are_none(db: Database, house: House) -> None:
    db.run(gather, 5)
    for number in range(5):
        soon = now() + timedelta(hours=12)
        db.run(lambda s, n=number, at=soon: coupons.add(s, "gift", NewCoupon(f"C{n}", "¥20", at)))
    (pool,) = db.run(coupons.pools)
    assert (pool.free, pool.expired, pool.expires_at) == (0, 5, None)
    with_pool = {key: text + " {{ coupon.code }}" for key, text in TEXTS.items()}
    with pytest.raises(NotAllowed, match="0 coupons"):
        begun(db, house, draft(pool="gift", texts=with_pool))


def test_a_preview_shows_those_who_differ(db: Database, house: House) -> None:
    ids = db.run(gather, 30, strangers={5})
    db.run(sendings.create, None, house.planner.voice, draft())
    found = db.run(counting.previews, house, "spring", Wanted(limit=3))
    assert [(one.language, one.verdict, one.reason, one.text) for one in found] == [
        ("en", "go", "", "Spring is here, 顾客1!"),
        ("zh", "go", "", "顾客3，春天来了！"),
        ("en", "no", "no consent", "Spring is here, 顾客5!"),
    ]
    assert len(db.run(counting.previews, house, "spring", Wanted(100, "zh"))) == 10
    birthday = db.run(counting.previews, house, "birthday", Wanted(1))
    assert "HB-2026-7K" in birthday[0].text
    assert [one.has_example for one in (*birthday, *found)] == [True, False, False, False]
    with pytest.raises(NotFound):
        db.run(counting.previews, house, "nothing", Wanted())
    assert ids
    assert written(db) == {}


def test_a_test_goes_to_one_chat_and_is_marked(db: Database, house: House) -> None:
    db.run(gather, 2)
    db.run(sendings.create, None, house.planner.voice, draft())
    assert db.run(counting.send_test, None, house, "spring", "telegram/main/p1") == 2
    texts = db.run(lambda s: list(s.exec(select(Message.text).order_by(Message.id))))
    assert texts == ["【测试】\n顾客1，春天来了！", "[Test]\nSpring is here, 顾客1!"]
    with pytest.raises(NotFound):
        db.run(counting.send_test, None, house, "spring", "telegram/main/p9")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"texts": {"zh": "好"}}, "There is no text in en"),
        ({"texts": {**TEXTS, "en": "{{ secret }}"}}, "The text in en cannot be used"),
        ({"texts": {**TEXTS, "fr": "x"}}, "does not speak fr"),
        ({"pool": "gift"}, "there is a pool, so the text has to show coupon.code"),
        ({"texts": dict.fromkeys(TEXTS, "{{ coupon.code }}")}, "but there is no pool"),
        ({"texts": dict.fromkeys(TEXTS, "{{ order.number }}")}, "order.number is not known here"),
        ({"pool": "gift", "texts": dict.fromkeys(TEXTS, "{{ coupon.code }}")},
         "There is no pool 'gift', only spring."),
        ({"name": "a b"}, "A name has"),
        ({"holdout": 2.0}, "share from 0"),
        ({"valid_until": now() - timedelta(days=1)}, "no use any more"),
        ({"segment": {"colour": "red"}}, "segment.colour: unknown key; there are tags, "),
        ({"segment": {"channels": ["wechatt"]}},
         "there is no channel 'wechatt', only telegram, wechat, web"),
        ({"segment": {"tags": "vip"}}, 'segment.tags: should be a list: ["vip"]'),
        ({"segment": {"languages": ["de"]}}, "The shop does not speak de."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_draft_is_told(
    sqlite_db: Database, voice: Voice, change: dict[str, Any], said: str
) -> None:
    sqlite_db.run(lambda s: coupons.add(s, "spring", NewCoupon("A")))
    with pytest.raises(XiaoerError) as refused:
        sqlite_db.run(sendings.create, None, voice, draft(**change))
    assert said in str(refused.value)


def test_a_journey_is_switched_over_its_file(db: Database, house: House) -> None:
    assert [one.name for one in db.run(house.book.on, "order.paid")] == ["order_paid"]
    for deed, state, is_planned in (
        ("pause", "paused", True), ("stop", "off", False), ("resume", "on", True)
    ):  # fmt: skip
        assert db.run(overview.turn, None, house.book, "order_paid", deed) == state
        assert bool(db.run(house.book.on, "order.paid")) is is_planned
    db.run(overview.switch_journey, None, "order_paid", "")
    found = {one.name: one for one in db.run(overview.journeys, house.book)}["order_paid"]
    assert (found.state, found.switched) == ("on", False)
    with pytest.raises(NotFound):
        db.run(overview.turn, None, house.book, "nothing", "pause")


def test_a_test_goes_to_the_agents_own_chat(db: Database) -> None:
    db.run(gather, 3)
    agent = Agent(login="lin", name="Lin", password_hash="!", telegram_id="p2")
    db.run(lambda s: (s.add(agent), s.flush()))
    own = db.run(own_chat, agent.id or 0)
    assert own is not None
    assert (own.channel, own.account, own.chat) == ("telegram", "main", "p2")
    assert db.run(own_chat, 999) is None


def test_what_waits_for_the_morning_is_planned_in_the_report(db: Database, voice: Voice) -> None:
    house = House.of(config(quiet_hours="21:30-08:30"), voice)
    house.connect(ACCOUNTS)
    with time_machine.travel("2026-05-04T23:00:00+08:00", tick=False):
        db.run(gather, 10)
        begun(db, house, draft())
        look(db, house)
        found = db.run(overview.report, "spring", 30, 7)
    assert [(one.figures.planned, one.figures.due) for one in found] == [(10, 10)]


def test_each_is_written_to_in_a_language_that_there_are_words_in(
    db: Database, house: House
) -> None:
    ids = db.run(gather, 3)

    def speaks_english_there(session: Session) -> None:
        chat = session.exec(select(Identity).where(Identity.customer_id == ids[2])).one()
        chat.language = "en"

    db.run(speaks_english_there)
    number = begun(db, house, draft(texts={"zh": TEXTS["zh"]}, segment={"languages": ["zh"]}))
    look(db, house)
    assert list(written(db)) == [ids[2]]
    assert line(db, number).reasons == {}


def test_an_account_that_has_gone_holds_up_no_sending(db: Database, house: House) -> None:
    """What was queued there is given up when it is of no use any more."""
    db.run(gather, QUEUED_MOST + 50)
    with time_machine.travel(now(), tick=False) as clock:
        begun(db, house, draft())
        look(db, house)
        moved = update(Delivery).values(account="gone")
        db.run(lambda s: s.execute(moved) and None)
        look(db, house)
        assert line(db, 1).written == QUEUED_MOST
        clock.shift(timedelta(hours=26))
        assert db.run(expire_waiting, now(), 500) == QUEUED_MOST
        look(db, house)
        assert line(db, 1).written == QUEUED_MOST + 50
        deliver(db)
        look(db, house)
        assert line(db, 1).state == "done"


def test_an_account_that_has_gone_holds_up_nobody_on_another(db: Database, house: House) -> None:
    ids = db.run(gather, QUEUED_MOST + 50)

    def gone(session: Session) -> None:
        ends_here = col(Identity.customer_id) <= ids[QUEUED_MOST + 20]
        session.execute(update(Identity).where(ends_here).values(account="gone"))
        joined = session.exec(select(Identity).where(Identity.customer_id == ids[-1])).one()
        copied = joined.model_dump(exclude={"id"}) | {"account": "gone"}
        session.add(Identity(**copied))  # this customer has a chat on both

    with time_machine.travel(now(), tick=False) as clock:
        db.run(gone)
        house.connect({**ACCOUNTS, ("telegram", "gone"): ACCOUNTS["telegram", "main"]})
        begun(db, house, draft())
        look(db, house)
        assert line(db, 1).written == QUEUED_MOST
        look(db, house)
        assert line(db, 1).written == QUEUED_MOST  # it may be a busy moment
        clock.shift(timedelta(minutes=3))
        look(db, house)
        assert written(db).keys() == {*ids[:QUEUED_MOST], *ids[QUEUED_MOST + 21 :]}
        assert line(db, 1).state == "running"


def test_it_is_not_done_while_something_is_held(db: Database, house: House) -> None:
    db.run(gather, 2)
    begun(db, house, draft())
    look(db, house)
    db.run(lambda s: s.execute(update(Delivery).values(state=Progress.HELD)) and None)
    look(db, house)
    assert line(db, 1).state == "running"
    with time_machine.travel(now() + timedelta(hours=26)):
        assert db.run(expire_waiting, now(), 500) == 2
        look(db, house)
    assert line(db, 1).state == "done"


def test_a_message_that_is_being_sent_does_not_expire(db: Database, house: House) -> None:
    db.run(gather, 2)
    begun(db, house, draft())
    look(db, house)
    later = now() + timedelta(days=2)
    first = select(func.min(Delivery.id)).scalar_subquery()
    taken = update(Delivery).where(Delivery.id == first).values(state=Progress.SENDING)  # type: ignore[arg-type]
    db.run(lambda s: s.execute(taken) and None)
    assert db.run(expire_waiting, later, 500) == 1
    states = db.run(lambda s: set(s.exec(select(Delivery.state))))
    assert states == {Progress.SENDING, Progress.FAILED}
