"""A year of a shop: customers who buy, write, say stop and complain, over the real tables."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from sqlmodel import Session, func, select

from bot.care.calendar import Calendar
from bot.care.house import House
from bot.channels.base import Outgoing, Policy, Refused, Route, TryLater, Uncertain
from bot.channels.wechat.sending import WINDOWS, WITHOUT_ADVERTISING
from bot.core.clock import now
from bot.core.messages import Progress, State
from bot.delivery import claims, outcomes, quota
from bot.escalation.follow_ups import LOW_RATING
from bot.logistics.status import Status
from bot.shop.events import Person, Place
from storage.db import Database
from storage.models.care import CareMessage, CareState, plan
from storage.models.consents import Consent
from storage.models.conversations import Conversation, open_conversation
from storage.models.customers import Customer, Identity, note_block
from storage.models.deliveries import Delivery
from storage.models.feedback import Feedback
from storage.models.profiles import CustomerProfile
from storage.models.progress import is_due
from storage.models.remarks import FollowUp
from tests.support.world import stepped, told

BEGIN = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
YEAR = timedelta(days=365)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Sydney")
ACCOUNTS = {
    ("telegram", "main"): Policy(),
    ("wechat", "main"): Policy(
        windows=WINDOWS, routes=(Route("T", WITHOUT_ADVERTISING),), joins=False
    ),
}
PAUSES = (20, 240, 480)
"""Minutes after which the service looks again: a slow one, so that a year passes quickly."""
LATEST = timedelta(minutes=max(PAUSES))
ENABLED = (
    "birthday", "review_ask", "newcomer", "miss_you", "festival_double11",
    "festival_mid_autumn", "festival_qixi", "festival_dragon_boat",
)  # fmt: skip


class Died(Exception):
    """The process ends within a transaction: nothing of it is true."""


@dataclass(frozen=True)
class Sent:
    """What the platform was given."""

    at: datetime
    address: tuple[str, str]
    purpose: str
    route: str
    delivery: int
    text: str


@dataclass
class Buyer:
    """A customer as the simulation knows them, by what happened and when, never by our tables."""

    number: int
    zone: ZoneInfo
    chats: dict[tuple[str, str], int]
    id: int = 0
    facts: dict[str, list[tuple[datetime, Any]]] = field(default_factory=dict)

    def note(self, name: str, value: Any) -> None:
        self.facts.setdefault(name, []).append((now(), value))

    def was(self, name: str, at: datetime, otherwise: Any = None) -> Any:
        """What held at a moment."""
        found = [value for since, value in self.facts.get(name, ()) if since <= at]
        return found[-1] if found else otherwise


@dataclass
class Year:
    """Lets the year pass: what happens, and after it whatever is due."""

    db: Database
    house: House
    random: Random
    clock: time_machine.Traveller
    buyers: list[Buyer] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    orders: dict[str, Buyer] = field(default_factory=dict)
    happened: list[tuple[datetime, Buyer, str, str, str]] = field(default_factory=list)
    end: datetime = BEGIN + YEAR
    _agenda: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _turn: int = 0
    _last: datetime = BEGIN
    _ticked: datetime = BEGIN

    def at(self, moment: datetime, what: Callable[[], None]) -> None:
        self._turn += 1
        heapq.heappush(self._agenda, (moment, self._turn, what))

    def run(self, customers: int) -> None:
        """The whole year, and a week more in which nothing new happens."""
        at_once = 0.4 * min(1.0, 500 / customers)  # in a big shop something happens every minute
        for number in range(customers):
            self._arrive(number)
        for day in range(0, 366, 3):
            self.at(BEGIN + timedelta(days=day, hours=1), self._plan)
        for number in range(8):
            self.at(self._moment(), lambda number=number: self._advertise(f"c{number}"))
        while self._agenda:
            moment, _, what = heapq.heappop(self._agenda)
            self._pass_until(moment)
            self._move(moment)
            what()
            if self.random.random() < at_once or self._last - self._ticked > LATEST:
                self._tick()
        self._pass_until(BEGIN + YEAR + timedelta(days=7))

    def _pass_until(self, end: datetime) -> None:
        """Do what falls due on the way."""
        while (due := self.db.run(_next_due, self._last)) is not None and due < end:
            pause = timedelta(minutes=self.random.choice(PAUSES))
            moment = max(due, self._ticked + pause, self._last)
            if moment >= end:
                return
            self._move(moment)
            self._tick()

    def _move(self, moment: datetime) -> None:
        """The clock goes on; now and then somebody sets it right by some minutes."""
        self._last = max(self._last, moment)
        wrong = self.random.choice((0, 0, 0, 0, 0, 0, -2, 2))
        self.clock.move_to(self._last + timedelta(minutes=wrong))

    def _do(self, work: Callable[[Session], Any], *, dies: float = 0.03) -> Any:
        """A transaction, which now and then dies at its end and is done again."""
        while self.random.random() < dies:
            try:
                self.db.run(_dying, work)
            except Died:
                continue
        return self.db.run(work)

    def _tick(self) -> None:
        """What a service does all the time: decide what is due, and send."""
        self._ticked = self._last
        if self.random.random() < 0.05:
            self._do_some_and_die()
        self.house.planner.run(self.db)
        for account, policy in ACCOUNTS.items():
            if self.db.run(_has_to_send, account):
                self._send(account, policy)

    def _do_some_and_die(self) -> None:
        try:
            self.db.run(_dying, lambda session: self.house.planner.batch(session, 0, now()))
        except Died:
            return

    def _send(self, account: tuple[str, str], policy: Policy) -> None:
        channel: Any = FakeChannel(*account, policy)
        for _ in range(20):
            claimed = self._do(
                lambda session: claims.claim(session, channel, self.house.planner.guard, [], 20)
            )
            for outgoing in claimed.outgoing:
                self._deliver(account, outgoing)
            if not claimed.outgoing and not claimed.stopped:
                return

    def _deliver(self, account: tuple[str, str], outgoing: Outgoing) -> None:
        fate, which = self.random.random(), outcomes.numbers(outgoing)
        if fate < 0.03:
            error = TryLater("429", 30)
            self.db.run(outcomes.failed_all, which, error)
            return
        self.sent.append(
            Sent(now(), (account[0], outgoing.address.chat), outgoing.purpose, outgoing.route,
                 which[0], outgoing.text)
        )  # fmt: skip
        if fate < 0.05:
            self.db.run(outcomes.failed_all, which, Uncertain("no answer"))
        elif fate < 0.06:
            self.db.run(outcomes.adopt, account)
        elif fate < 0.07:
            self.db.run(outcomes.failed_all, which, Refused("no"))
        else:
            self.db.run(outcomes.succeeded_all, which, "id")

    def _plan(self) -> None:
        Calendar(self.house.book, self.house.planner.rules).run(self.db)

    def _advertise(self, subject: str) -> None:
        """Two things at once for everybody."""
        wishes = [
            {
                "journey": journey, "subject": subject, "customer_id": buyer.id,
                "purpose": "marketing", "priority": priority, "due_at": now(),
                "valid_until": now() + timedelta(days=5),
            }
            for buyer in self.buyers
            for priority, journey in enumerate(("festival_qixi", "festival_dragon_boat"))
        ]  # fmt: skip
        self._do(lambda session: plan(session, wishes))

    def _arrive(self, number: int) -> None:
        """A customer, their chats, and what they will do in this year."""
        random = self.random
        names = random.choice((["telegram"], ["wechat"], ["telegram", "wechat"]))
        buyer = Buyer(number, ZoneInfo(random.choice(ZONES)), {})
        self.clock.move_to(BEGIN)
        self.db.run(self._register, buyer, names)
        self.buyers.append(buyer)
        for _ in range(random.choice((0, 1, 1, 2))):
            self._will_buy(buyer, self._moment(0.9))
        for what, often in (
            (self._writes, 3), (self._agrees, 1.6), (self._stops, 0.1), (self._complains, 0.2),
            (self._rates_low, 0.15), (self._blocks, 0.08),
        ):  # fmt: skip
            for _ in range(int(often) + (random.random() < often % 1)):
                self.at(self._moment(), lambda what=what: what(buyer))

    def _moment(self, until: float = 1.0) -> datetime:
        return BEGIN + YEAR * (self.random.random() * until)

    def _register(self, session: Session, buyer: Buyer, names: list[str]) -> None:
        row = Customer(
            shop_ref=f"c{buyer.number}", name=f"客{buyer.number}", language="zh",
            timezone=str(buyer.zone), created_at=BEGIN,
        )  # fmt: skip
        session.add(row)
        session.flush()
        buyer.id = row.id or 0
        birthday = date(1990, self.random.randrange(1, 13), self.random.randrange(1, 29))
        session.add(CustomerProfile(customer_id=buyer.id, birthday=birthday, told_at=BEGIN))
        for name in names:
            identity = Identity(
                customer_id=buyer.id, channel=name, account="main", chat=f"u{buyer.number}",
                linked_at=BEGIN, last_seen_at=BEGIN, created_at=BEGIN, language="zh",
            )  # fmt: skip
            session.add(identity)
            session.flush()
            buyer.chats[name, identity.chat] = identity.id or 0
            buyer.facts.setdefault(f"seen {name}", []).append((BEGIN, BEGIN))

    def _will_buy(self, buyer: Buyer, moment: datetime) -> None:
        """An order's life: most arrive, some do not."""
        name, random = f"XE{len(self.orders) + 1}", self.random
        self.orders[name] = buyer
        fate = random.random()
        steps: list[tuple[float, str]] = [(0, "order.paid")]
        if fate < 0.1:
            steps += [(random.random() * 20, "order.cancelled"), (30, "order.refunded")]
        else:
            steps += [(random.random() * 40, "order.shipped"), (60, "parcel.arrived_city")]
            if fate < 0.25:
                steps += [(70, "parcel.exception"), (110, "parcel.out_for_delivery")]
            elif fate < 0.32:
                steps += [(80, "parcel.returning"), (200, "order.refunded")]
            if fate >= 0.32 or fate < 0.25:
                steps += [
                    (112, "parcel.out_for_delivery"),
                    (115 + random.random(), "parcel.delivered"),
                ]
            if fate > 0.9:
                steps += [(150 + random.random() * 100, "order.refunded")]
        for hours, step in steps:
            self.at(
                moment + timedelta(hours=hours), lambda step=step: self._step(buyer, name, step)
            )

    def _step(self, buyer: Buyer, name: str, step: str) -> None:
        room, _, kind = step.partition(".")
        person = Person(id=f"c{buyer.number}", name=f"客{buyer.number}", phone="13800008888")
        when = now()

        def tell(session: Session) -> None:
            if room == "order":
                tracking = {"tracking_number": f"T{name}"} if kind == "shipped" else {}
                address = Place(city="x")
                told(session, step, name, when, person, address=address, **tracking)  # type: ignore[arg-type]
            else:
                stepped(session, Status(kind), when, tracking_number=f"T{name}")

        buyer.note(f"{room} {name}", kind)
        self.happened.append((when, buyer, name, room, kind))
        self._do(tell)

    def _writes(self, buyer: Buyer) -> None:
        """In one of their chats: it opens the window there, and lets us in again."""
        address = self.random.choice(list(buyer.chats))
        number = buyer.chats[address]

        def write(session: Session) -> None:
            identity = session.get_one(Identity, number)
            identity.last_seen_at, identity.blocked_at = now(), None
            session.add(identity)
            session.flush()
            if address[0] == "wechat":
                policy = ACCOUNTS["wechat", "main"]
                quota.open_window(session, identity.address, policy, "message", now())

        buyer.note(f"seen {address[0]}", now())
        buyer.note(f"blocked {address[0]}", False)
        self._do(write)

    def _consents(self, buyer: Buyer, state: str) -> None:
        buyer.note("marketing", state)
        entry = {"purpose": "marketing", "state": state, "source": "chat"}
        self._do(lambda session: session.add(Consent(customer_id=buyer.id, **entry)))

    def _agrees(self, buyer: Buyer) -> None:
        self._consents(buyer, "given")

    def _stops(self, buyer: Buyer) -> None:
        def stop(session: Session) -> None:
            row = session.get_one(Customer, buyer.id)
            row.opted_out_at = row.opted_out_at or now()
            session.add(row)

        buyer.note("stopped", True)
        self._do(stop)
        self._consents(buyer, "withdrawn")

    def _conversation(self, session: Session, buyer: Buyer, **values: Any) -> Conversation:
        identity = session.get_one(Identity, next(iter(buyer.chats.values())))
        conversation = open_conversation(session, identity)
        for name, value in values.items():
            setattr(conversation, name, value)
        session.add(conversation)
        session.flush()
        return conversation

    def _complains(self, buyer: Buyer) -> None:
        """Waits for a person for some days."""
        buyer.note("cross", buyer.was("cross", now(), 0) + 1)
        made: list[int] = []

        def wait(session: Session) -> None:
            waiting = {"state": State.WAITING, "handoff_reason": "complaint"}
            made[:] = [self._conversation(session, buyer, **waiting).id or 0]

        def settle() -> None:
            buyer.note("cross", buyer.was("cross", now(), 0) - 1)
            self._do(lambda session: _resolve(session, made[0]))

        self._do(wait)
        self.at(self._last + timedelta(hours=self.random.random() * 100), settle)

    def _rates_low(self, buyer: Buyer) -> None:
        """Somebody calls back some days later."""
        buyer.note("cross", buyer.was("cross", now(), 0) + 1)
        made: list[int] = []

        def rate(session: Session) -> None:
            number = self._conversation(session, buyer, state=State.RESOLVED).id or 0
            made[:] = [number]
            session.add(Feedback(conversation_id=number, rating=1, answered_at=now()))
            session.add(FollowUp(conversation_id=number, kind=LOW_RATING, due_at=now()))

        def call() -> None:
            buyer.note("cross", buyer.was("cross", now(), 0) - 1)
            self._do(lambda session: _called_back(session, made[0]))

        self._do(rate)
        self.at(self._last + timedelta(days=self.random.random() * 20), call)

    def _blocks(self, buyer: Buyer) -> None:
        address = self.random.choice(list(buyer.chats))
        buyer.note(f"blocked {address[0]}", True)

        def block(session: Session) -> None:
            identity = session.get_one(Identity, buyer.chats[address])
            note_block(session, identity.address, is_blocked=True)

        self._do(block)


@dataclass(frozen=True)
class FakeChannel:
    """An account as claims see it."""

    channel: str
    account: str
    policy: Policy


def _dying(session: Session, work: Callable[[Session], Any]) -> None:
    work(session)
    session.flush()
    raise Died


def _resolve(session: Session, number: int) -> None:
    conversation = session.get_one(Conversation, number)
    conversation.state = State.RESOLVED
    session.add(conversation)


def _called_back(session: Session, number: int) -> None:
    for one in session.exec(select(FollowUp).where(FollowUp.conversation_id == number)):
        one.done_at = now()
        session.add(one)


def _has_to_send(session: Session, account: tuple[str, str]) -> bool:
    query = select(Delivery.id).where(
        Delivery.channel == account[0], Delivery.account == account[1],
        Delivery.state == Progress.QUEUED, is_due(Delivery, now()),
    )  # fmt: skip
    return session.exec(query.limit(1)).first() is not None


def _next_due(session: Session, after: datetime) -> datetime | None:
    """When a care message, or a delivery that waits for its time, is due next."""
    care = select(func.min(CareMessage.due_at)).where(CareMessage.state == CareState.DUE)
    ready = func.coalesce(Delivery.not_before, Delivery.created_at)
    delivery = select(func.min(ready)).where(Delivery.state == Progress.QUEUED)
    found = (session.exec(care).one(), session.exec(delivery).one())
    return min((max(one, after) for one in found if one is not None), default=None)
