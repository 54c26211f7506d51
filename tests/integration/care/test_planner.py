"""What is due is decided in batches: waits, refusals, caps, consents, hold-outs and coupons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select

from bot.care.calendar import Calendar
from bot.care.coupons import Wish
from bot.care.house import House
from bot.channels.base import Channel, Policy, Window
from bot.core.clock import now
from bot.core.events import ParcelStuck, emit
from bot.core.messages import Purpose, State
from bot.customers import linking
from bot.delivery import claims, quota
from bot.logistics.status import Status
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareMessage, CareRefusal, CareState, plan
from storage.models.consents import Consent
from storage.models.conversations import Conversation, Message, open_conversation
from storage.models.coupons import Coupon
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery
from storage.models.feedback import Feedback
from storage.models.orders import Order, Parcel
from storage.models.products import Product
from storage.models.profiles import CustomerProfile
from tests.support.care import ACCOUNTS, caring
from tests.support.world import chat, stepped, told

NOON = datetime.fromisoformat("2026-05-04T12:00:00+08:00")
ON = ("review_ask", "birthday", "newcomer", "replenishment", "miss_you", "festival_dragon_boat")
COUNTED = Policy(windows={"message": Window(timedelta(hours=48), 5, 2)})


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(db: Database, voice: Voice, clock: object) -> House:
    return caring(db, voice, marketing="opt_out", enabled=ON, quiet_hours="21:30-08:30")


def customer(session: Session, name: str = "lin", **more: Any) -> int:
    """A customer of the shop with one Telegram chat that is known to be theirs."""
    at = now() - timedelta(days=2)
    row = Customer(shop_ref=name, name=name, language="zh", created_at=at, **more)
    session.add(row)
    session.flush()
    assert row.id is not None
    session.add(
        Identity(
            customer_id=row.id, channel="telegram", account="main", chat=name, language="zh",
            linked_at=at, last_seen_at=at,
        )
    )  # fmt: skip
    return row.id


def wanted(
    session: Session, customer_id: int, journey: str = "festival_dragon_boat", **more: Any
) -> None:
    values = {
        "journey": journey, "subject": "2026", "customer_id": customer_id,
        "purpose": "marketing", "due_at": now(), "valid_until": now() + timedelta(days=5),
    }  # fmt: skip
    plan(session, [values | more])


def cares(db: Database) -> list[CareMessage]:
    return db.run(lambda s: list(s.exec(select(CareMessage).order_by(CareMessage.id))))


def reasons(db: Database) -> list[tuple[str, bool]]:
    query = select(CareRefusal.reason, CareRefusal.for_good).order_by(CareRefusal.id)
    return db.run(lambda s: list(s.exec(query).all()))


def texts(db: Database) -> list[str]:
    return db.run(lambda s: list(s.exec(select(Message.text).order_by(Message.id)).all()))


def decided(db: Database, house: House) -> list[tuple[str, str]]:
    house.planner.run(db)
    return [(one.state, one.reason) for one in cares(db)]


def test_night_news_waits_for_the_morning(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOON + timedelta(hours=11))
    db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now())
    assert texts(db) == []
    (care,) = cares(db)
    assert (care.state, care.reason) == (CareState.DUE, "quiet hours")
    assert care.due_at == datetime.fromisoformat("2026-05-05T08:30:00+08:00")
    clock.move_to(care.due_at - timedelta(seconds=1))
    assert decided(db, house) == [("due", "quiet hours")]
    clock.move_to(care.due_at)
    assert decided(db, house) == [("written", "")]
    assert texts(db)[0].startswith("好消息，您的订单 XE1 已经发出")


def test_what_is_untrue_by_the_morning_is_not_said(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOON + timedelta(hours=11))
    db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now() - timedelta(hours=1))
    db.run(told, "order.cancelled", at=now())
    clock.move_to(NOON + timedelta(hours=21))
    assert decided(db, house) == [("refused", "order cancelled"), ("written", "")]
    assert [text[:12] for text in texts(db)] == ["订单 XE1 已经取消。"[:12]]
    assert reasons(db)[-1] == ("order cancelled", True)


def test_news_for_who_has_no_chat_yet_is_told_once_there_is_one(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    db.run(told, "order.shipped", at=now())
    assert [(one.state, one.reason) for one in cares(db)] == [("due", "no chat")]

    def link(session: Session) -> None:
        row = session.exec(select(Customer)).one()
        session.add(
            Identity(
                customer_id=row.id or 0, channel="telegram", account="main", chat="lin",
                linked_at=now(), language="en",
            )
        )  # fmt: skip

    db.run(link)
    clock.shift(timedelta(hours=6))
    assert decided(db, house) == [("written", "")]
    assert "Good news: order XE1" in texts(db)[0]


def test_the_visit_comes_two_days_after_delivery_and_not_to_who_waits_for_a_person(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now(), tracking_number="SF1")
    db.run(stepped, Status.DELIVERED, now(), tracking_number="SF1")
    by_name = {one.journey: one for one in cares(db)}
    assert by_name["visit_48h"].due_at == datetime.fromisoformat("2026-05-07T10:00:00+08:00")
    assert by_name["review_ask"].due_at == datetime.fromisoformat("2026-05-11T19:00:00+08:00")

    def waits(session: Session) -> Conversation:
        identity = session.exec(select(Identity).where(Identity.customer_id == number)).one()
        conversation = session.exec(select(Conversation)).first()
        assert conversation is not None
        assert conversation.identity_id == identity.id
        conversation.state = State.WAITING
        session.add(conversation)
        return conversation

    db.run(waits)
    clock.move_to(by_name["visit_48h"].due_at)
    house.planner.run(db)
    visit = next(one for one in cares(db) if one.journey == "visit_48h")
    assert (visit.state, visit.reason) == ("due", "with a person")

    def resolved(session: Session) -> None:
        conversation = session.exec(select(Conversation)).one()
        conversation.state = State.RESOLVED
        session.add(conversation)

    db.run(resolved)
    clock.shift(timedelta(hours=1))
    house.planner.run(db)
    assert "东西用着还顺手吗" in texts(db)[-1]


def test_the_most_important_of_several_goes_first_and_the_others_wait(
    db: Database, house: House
) -> None:
    number = db.run(customer)
    for priority, journey in ((1, "newcomer"), (9, "miss_you"), (5, "festival_dragon_boat")):
        db.run(wanted, number, journey, priority=priority)
    house.planner.run(db)
    found = {one.journey: (one.state, one.reason) for one in cares(db)}
    assert found == {
        "miss_you": ("written", ""), "newcomer": ("due", "cap"),
        "festival_dragon_boat": ("due", "cap"),
    }  # fmt: skip
    assert all(one.due_at == NOON + timedelta(days=1) for one in cares(db) if one.state == "due")


def test_no_more_than_two_a_week_and_what_failed_does_not_count(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(customer)
    for day in range(5):
        db.run(wanted, number, subject=str(day), valid_until=NOON + timedelta(days=30))
    written = []
    for _ in range(9):
        house.planner.run(db)
        written.append(sum(one.state == "written" for one in cares(db)))
        clock.shift(timedelta(days=1))
    assert written == [1, 2, 2, 2, 2, 2, 2, 3, 4]

    def fail(session: Session) -> None:
        for delivery in session.exec(select(Delivery)):
            delivery.state = "failed"
            session.add(delivery)

    db.run(fail)
    db.run(wanted, number, "newcomer")
    house.planner.run(db)
    assert [one.state for one in cares(db) if one.journey == "newcomer"] == ["written"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("marketing", "", "withdrawn")], ("refused", "no consent")),
        ([("marketing", "", "withdrawn"), ("marketing", "", "given")], ("written", "")),
        ([("marketing", "wechat", "withdrawn")], ("written", "")),
        (
            [("marketing", "", "given"), ("marketing", "telegram", "asked")],
            ("refused", "no consent"),
        ),
    ],
)
def test_the_newest_entry_of_the_ledger_holds(
    db: Database, house: House, entries: list[tuple[str, str, str]], expected: tuple[str, str]
) -> None:
    number = db.run(customer)
    for purpose, channel, state in entries:
        entry = Consent(
            customer_id=number, purpose=purpose, channel=channel, state=state, source="chat"
        )
        db.run(lambda s, entry=entry: s.add(entry))
    db.run(wanted, number)
    assert decided(db, house) == [expected]


def test_a_low_rating_holds_advertising_until_somebody_has_called_or_time_has_passed(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(customer)

    def rated(session: Session) -> None:
        identity = session.exec(select(Identity)).one()
        conversation = open_conversation(session, identity)
        conversation.state = State.RESOLVED
        session.add(conversation)
        session.add(Feedback(conversation_id=conversation.id or 0, rating=1, answered_at=now()))

    db.run(rated)
    db.run(wanted, number, valid_until=NOON + timedelta(days=30))
    assert decided(db, house) == [("due", "unhappy")]
    clock.shift(timedelta(days=13))
    assert decided(db, house) == [("due", "unhappy")]
    clock.shift(timedelta(days=1, minutes=1))
    assert decided(db, house) == [("written", "")]
    assert reasons(db) == [("unhappy", False)]


def test_a_parcel_in_trouble_holds_advertising(db: Database, house: House) -> None:
    number = db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now(), tracking_number="SF1")
    db.run(stepped, Status.EXCEPTION, now(), tracking_number="SF1")
    db.run(wanted, number)
    house.planner.run(db)
    found = {one.journey: (one.state, one.reason) for one in cares(db)}
    assert found["festival_dragon_boat"] == ("due", "parcel in trouble")
    assert found["parcel_exception"] == ("written", "")
    shown = db.run(lambda s: s.exec(select(Message).order_by(Message.id.desc())).first())
    assert [one["value"] for one in shown.choices] == ["person"]


def test_advertising_waits_for_a_window_and_is_not_released_by_the_customers_word(
    db: Database, voice: Voice, clock: time_machine.Traveller
) -> None:
    accounts = {("telegram", "main"): COUNTED}
    house = caring(db, voice, accounts, marketing="opt_out", enabled=ON)
    number = db.run(customer)
    db.run(wanted, number)
    assert decided(db, house) == [("due", "window")]

    def writes(session: Session) -> None:
        identity = session.exec(select(Identity)).one()
        identity.last_seen_at = now()
        session.add(identity)
        quota.open_window(session, identity.address, COUNTED, "message", now())

    db.run(writes)
    clock.shift(timedelta(minutes=1))
    assert decided(db, house) == [("due", "window")]
    clock.shift(timedelta(minutes=59))
    assert decided(db, house) == [("written", "")]


def test_agents_keep_their_share_of_a_window(
    db: Database, voice: Voice, clock: time_machine.Traveller
) -> None:
    accounts = {("telegram", "main"): COUNTED}
    house = caring(db, voice, accounts, marketing="opt_out", enabled=ON)
    number = db.run(customer)

    def used(session: Session) -> None:
        identity = session.exec(select(Identity)).one()
        quota.open_window(session, identity.address, COUNTED, "message", now())
        session.flush()
        from storage.models.deliveries import Quota

        row = session.exec(select(Quota)).one()
        row.used = 3
        session.add(row)

    db.run(used)
    db.run(wanted, number)
    assert decided(db, house) == [("due", "window")]


@dataclass
class OnePool:
    """A shop with so many coupons."""

    left: int
    given: list[str] = field(default_factory=list)

    def offer(self, session: Session, wishes: Sequence[Wish], at: datetime) -> Mapping[int, Any]:
        some = wishes[: self.left]
        return {
            one.care_id: SimpleNamespace(code=f"C{one.customer_id}", value="20 元", expires_at=None)
            for one in some
        }

    def give(self, session: Session, given: Sequence[tuple[Wish, Any]], at: datetime) -> None:
        self.left -= len(given)
        self.given += [wish.occasion for wish, _ in given]


def test_a_birthday_comes_with_a_coupon_and_waits_while_there_is_none(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    pool = house.planner.coupons = OnePool(1)
    for name in ("ann", "bob"):
        number = db.run(customer, name)
        profile = CustomerProfile(customer_id=number, birthday=date(1990, 5, 5), told_at=now())
        db.run(lambda s, profile=profile: s.add(profile))
    calendar = Calendar(house.book, house.planner.rules)
    for _ in range(2):
        calendar.run(db)
    due = datetime.fromisoformat("2026-05-05T09:30:00+08:00")
    found = [(one.journey, one.due_at) for one in cares(db) if one.journey == "birthday"]
    assert found == [("birthday", due)] * 2
    clock.move_to(due)
    house.planner.run(db)
    states = sorted((one.state, one.reason) for one in cares(db) if one.journey == "birthday")
    assert states == [("due", "no coupon"), ("written", "")]
    assert pool.given == ["birthday/2026"]
    assert any("20 元优惠券 C" in text for text in texts(db))


def test_who_is_held_out_is_asked_about_and_not_written_to(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    blocked, plain = db.run(customer, "a", blocked=True), db.run(customer, "b")
    for number in (blocked, plain):
        db.run(wanted, number, variant="holdout")
    assert decided(db, house) == [("refused", "blocked"), ("held_out", "")]
    assert texts(db) == []


def test_the_calendar_finds_each_of_its_occasions(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    def shop(session: Session) -> None:
        fresh = customer(session, "fresh")
        silent = customer(session, "silent")
        for identity in session.exec(select(Identity).where(Identity.customer_id == silent)):
            identity.last_seen_at = identity.linked_at = NOON - timedelta(days=91)
            session.add(identity)
        session.add(Product(sku="SOAP", name="皂", told_at=NOON, attributes={"lasts_days": "30"}))
        session.add(
            Order(
                number="XE5", customer_id=fresh, status="shipped",
                placed_at=NOON - timedelta(days=29), items=[{"sku": "SOAP", "name": "皂"}],
            )
        )  # fmt: skip

    db.run(shop)
    clock.move_to(datetime.fromisoformat("2026-06-18T12:00:00+08:00"))
    Calendar(house.book, house.planner.rules).run(db)
    assert {one.journey for one in cares(db)} == {"festival_dragon_boat"}
    assert {one.subject for one in cares(db)} == {"2026"}
    clock.move_to(NOON)
    for _ in range(2):
        Calendar(house.book, house.planner.rules).run(db)
    found = {one.journey: one for one in cares(db) if "festival" not in one.journey}
    assert set(found) == {"miss_you", "replenishment"}, "an order of April is no first meeting"
    assert found["replenishment"].facts == {"sku": "SOAP"}
    assert found["replenishment"].due_at == datetime.fromisoformat("2026-05-05T19:00:00+08:00")
    assert found["miss_you"].subject == "since:2026-02-02"


def test_merged_customers_keep_one_of_each(db: Database, house: House) -> None:
    def story(session: Session) -> tuple[list[Any], list[Any]]:
        known, anonymous = customer(session), Customer()
        session.add(anonymous)
        session.flush()
        other = anonymous.id or 0
        for number in (known, other):
            wanted(session, number)
            session.add(Coupon(pool="p", code=str(number), customer_id=number, occasion="b"))
        wanted(session, other, "newcomer")
        session.add(
            Consent(customer_id=other, purpose="marketing", state="withdrawn", source="chat")
        )
        session.flush()
        linking._take_over(session, anonymous, session.get_one(Customer, known))
        session.expire_all()
        rows = session.exec(select(CareMessage).order_by(CareMessage.id)).all()
        coupons = session.exec(select(Coupon).order_by(Coupon.id)).all()
        assert {one.customer_id for one in (*rows, *coupons)} == {known}
        assert session.exec(select(Consent.customer_id)).one() == known
        return [(one.journey, one.state) for one in rows], [one.occasion for one in coupons]

    rows, coupons = db.run(story)
    assert rows == [
        ("festival_dragon_boat", "due"), ("festival_dragon_boat", "refused"), ("newcomer", "due"),
    ]  # fmt: skip
    assert coupons == ["b", None]


class Telegram:
    """A channel as claims see it."""

    channel, account, policy = "telegram", "main", ACCOUNTS["telegram", "main"]


def claimed(db: Database, house: House) -> list[str]:
    channel: Channel = Telegram()  # type: ignore[assignment]
    found = db.run(claims.claim, channel, house.planner.guard, [], 20)
    return [one.text for one in found.outgoing]


def test_a_claim_at_night_waits_for_the_morning(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOON + timedelta(hours=9, minutes=29))
    db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now())
    assert len(texts(db)) == 1
    clock.shift(timedelta(minutes=2))
    assert claimed(db, house) == []
    delivery = db.run(lambda s: s.exec(select(Delivery)).one())
    assert (delivery.state, delivery.reason) == ("queued", "quiet hours")
    assert delivery.not_before == datetime.fromisoformat("2026-05-05T08:30:00+08:00")
    assert reasons(db) == [("quiet hours", False)]
    clock.move_to(delivery.not_before)
    assert len(claimed(db, house)) == 1


@pytest.mark.parametrize("reason", ["opted out", "no consent", "order refunded", "overtaken"])
def test_what_has_changed_since_it_was_written_is_seen_at_the_claim(
    db: Database, house: House, reason: str
) -> None:
    number = db.run(customer, "c-lin")
    if reason in ("opted out", "no consent"):
        db.run(wanted, number)
        house.planner.run(db)
    else:
        db.run(told, "order.shipped", at=now() - timedelta(hours=1), tracking_number="SF1")

    def change(session: Session) -> None:
        row = session.get_one(Customer, number)
        if reason == "opted out":
            row.opted_out_at = now()
            session.add(row)
        elif reason == "no consent":
            session.add(
                Consent(customer_id=number, purpose="marketing", state="withdrawn", source="desk")
            )
        elif reason == "order refunded":
            order = session.exec(select(Order)).one()
            order.status = "refunded"
            session.add(order)
        else:
            stepped(session, Status.ARRIVED_CITY, now(), tracking_number="SF1")

    db.run(change)
    sent = claimed(db, house)
    assert [text for text in sent if "已经到达" not in text] == []
    first = db.run(lambda s: s.exec(select(Delivery).order_by(Delivery.id)).first())
    assert first is not None
    said = "opted out" if reason == "no consent" else reason  # as for any advertising
    assert (first.state, first.reason) == ("failed", said)
    assert first.purpose in (Purpose.MARKETING, Purpose.TRANSACTIONAL)


def test_two_planners_at_once_write_each_message_once(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for name in range(40):
        number = db.run(customer, str(name))
        db.run(wanted, number)
        db.run(wanted, number, "newcomer")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: house.planner.run(db), range(4)))
    states = [one.state for one in cares(db)]
    assert states.count("written") == 40
    assert len(texts(db)) == 40


def test_it_is_said_in_traditional_script_to_who_writes_it(db: Database, house: House) -> None:
    number = db.run(customer, "c-lin")

    def writes_so(session: Session) -> None:
        identity = session.exec(select(Identity).where(Identity.customer_id == number)).one()
        identity.traditional = True
        session.add(identity)

    db.run(writes_so)
    db.run(told, "order.shipped", at=now())
    assert texts(db)[0].startswith("好訊息，您的訂單 XE1 已經發出")


def test_what_one_of_two_was_told_is_not_told_again_when_they_are_one(
    db: Database, house: House
) -> None:
    def story(session: Session) -> list[str]:
        known, anonymous = customer(session), Customer()
        session.add(anonymous)
        session.flush()
        wanted(session, anonymous.id or 0, state=CareState.WRITTEN, decided_at=now())
        wanted(session, known)
        linking._take_over(session, anonymous, session.get_one(Customer, known))
        session.expire_all()
        return [one.state for one in session.exec(select(CareMessage).order_by(CareMessage.id))]

    assert db.run(story) == ["written", "refused"]


def test_news_waits_no_longer_once_a_chat_is_linked(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    db.run(told, "order.shipped", at=now())
    clock.shift(timedelta(minutes=5))

    def link(session: Session) -> None:
        identity = chat(session, "lin", "telegram", pulls=False)
        assert linking.prove(session, identity, "XE1", "8888", now()).outcome == "linked"

    db.run(link)
    assert decided(db, house) == [("written", "")]


def test_a_parcel_that_has_moved_is_not_called_stuck(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOON + timedelta(hours=11))
    db.run(customer, "c-lin")
    db.run(told, "order.shipped", at=now() - timedelta(days=9), tracking_number="SF1")
    db.run(stepped, Status.IN_TRANSIT, now() - timedelta(days=8))

    def stands_still(session: Session) -> None:
        parcel = session.exec(select(Parcel)).one()
        assert parcel.id is not None
        assert parcel.status_at is not None
        parcel.stuck_at = now()
        session.flush()
        emit(session, ParcelStuck(parcel.id, parcel.status, parcel.status_at))

    db.run(stands_still)
    clock.shift(timedelta(minutes=10))
    db.run(stepped, Status.IN_TRANSIT, now() - timedelta(hours=1), tracking_number="SF1", text="x")
    clock.move_to(NOON + timedelta(hours=21))
    assert decided(db, house)[-1] == ("refused", "overtaken")


def test_no_coupon_is_kept_for_who_cannot_be_written_to_now(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    pool = house.planner.coupons = OnePool(1)
    for name in ("ann", "bob"):
        number = db.run(customer, name)
        db.run(wanted, number, "birthday")
        if name == "ann":
            db.run(lambda s, n=number: _low_rating(s, n))
    house.planner.run(db)
    assert [(one.state, one.reason) for one in cares(db)] == [("due", "unhappy"), ("written", "")]
    assert pool.left == 0


def _low_rating(session: Session, number: int) -> None:
    identity = session.exec(select(Identity).where(Identity.customer_id == number)).one()
    talk = open_conversation(session, identity)
    session.add(Feedback(conversation_id=talk.id or 0, rating=1, answered_at=now()))


def test_who_cannot_be_told_has_the_reason_kept(db: Database, house: House) -> None:
    number = db.run(customer)
    db.run(wanted, number)
    journey = house.book.journeys["festival_dragon_boat"]
    house.book.journeys["festival_dragon_boat"] = journey.model_copy(update={"texts": {}})  # type: ignore[index]
    assert decided(db, house) == [("refused", "no words")]
    assert reasons(db) == [("no words", True)]


def test_two_who_decide_at_once_keep_to_the_cap(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    number = db.run(customer)
    db.run(wanted, number)
    db.run(wanted, number, "newcomer")
    first, second = (one.id for one in cares(db))
    has_decided, is_tried = Event(), Event()

    def decide(session: Session, care_id: int, *, is_first: bool) -> None:
        due = [session.get_one(CareMessage, care_id)]
        house.planner.decide(session, due, now())
        if is_first:
            has_decided.set()
            is_tried.wait(1)  # its commit comes only after the other has begun
        else:
            is_tried.set()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(db.run, decide, first, is_first=True)
        has_decided.wait(10)
        other = pool.submit(db.run, decide, second, is_first=False)
        one.result()
        other.result()
    assert sorted((one.state, one.reason) for one in cares(db)) == [("due", "cap"), ("written", "")]


def test_news_that_waits_for_a_quiet_moment_lets_other_news_pass(
    db: Database, house: House, clock: time_machine.Traveller
) -> None:
    number = db.run(customer, "c-lin")
    calm = {"purpose": "transactional", "subject": "parcel:9"}
    db.run(wanted, number, "visit_48h", **calm)
    visit = house.book.journeys["visit_48h"].model_copy(update={"trigger": "newcomer"})
    house.book.journeys["visit_48h"] = visit  # type: ignore[index]  # true of no parcel
    assert decided(db, house) == [("written", "")]

    def waits_for_a_person(session: Session) -> None:
        conversation = session.exec(select(Conversation)).one()
        conversation.state = State.WAITING
        session.add(conversation)

    db.run(waits_for_a_person)
    assert claimed(db, house) == []
    db.run(told, "order.shipped", at=now())
    assert ["XE1" in text for text in claimed(db, house)] == [True]
