"""Did it work: the same figures as if each message was looked at by itself."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.care import outcomes
from bot.care.outcomes import Figures
from bot.core.messages import Author, Progress, Purpose
from storage.db import Database
from storage.models import outcomes as counted
from storage.models.care import CareMessage, CareState
from storage.models.consents import Consent
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery
from storage.models.orders import Order
from storage.models.outcomes import Group, Scope

AT = datetime(2026, 3, 31, tzinfo=UTC)
SCOPE = Scope(AT - timedelta(days=30), AT, 7, AT)
WEEK = timedelta(days=7)


def some_time(rng: random.Random) -> datetime:
    return AT - timedelta(minutes=rng.randrange(60 * 24 * 40))


def fill(session: Session, rng: random.Random, count: int) -> None:
    """Customers with chats, orders and care messages in all states."""
    for number in range(count):
        customer = Customer(name=f"c{number}", opted_out_at=_maybe(rng, 0.1))
        session.add(customer)
        session.flush()
        assert customer.id is not None
        chats = [_chat(session, rng, customer.id, f"{number}/{turn}") for turn in range(2)]
        for turn in range(rng.randrange(3)):
            session.add(
                Order(
                    number=f"{number}/{turn}", customer_id=customer.id, created_at=some_time(rng),
                    status=rng.choice(("paid", "shipped", "refunded")), placed_at=_maybe(rng, 0.7),
                    amount=Decimal(rng.randrange(1, 9000)) / 100, currency=rng.choice(("CNY", "EUR")),
                )
            )  # fmt: skip
        if rng.random() < 0.1:
            state = rng.choice(("withdrawn", "given"))
            session.add(
                Consent(customer_id=customer.id, purpose="marketing", state=state, source="chat",
                        at=some_time(rng))
            )  # fmt: skip
        for turn in range(rng.randrange(4)):
            _care(session, rng, customer.id, rng.choice(chats), turn)


def _maybe(rng: random.Random, likely: float) -> datetime | None:
    return some_time(rng) if rng.random() < likely else None


def _chat(session: Session, rng: random.Random, owner: int, name: str) -> Identity:
    chat = Identity(customer_id=owner, channel="telegram", account="main", chat=name)
    chat.pulls = rng.random() < 0.3
    session.add(chat)
    session.flush()
    if rng.random() < 0.6:
        _say(session, chat, Author.CUSTOMER, some_time(rng))
    return chat


def _say(session: Session, chat: Identity, author: str, at: datetime) -> Message:
    assert chat.id is not None
    talk = Conversation(identity_id=chat.id)
    session.add(talk)
    session.flush()
    assert talk.id is not None
    said = Message(conversation_id=talk.id, identity_id=chat.id, author=author, text="x",
                   created_at=at)  # fmt: skip
    session.add(said)
    session.flush()
    return said


def _care(session: Session, rng: random.Random, owner: int, chat: Identity, turn: int) -> None:
    state, due = rng.choice(list(CareState)), some_time(rng)
    row = CareMessage(
        journey=rng.choice(("winback", "birthday")), subject=f"s{turn}", customer_id=owner,
        purpose=Purpose.MARKETING, variant=rng.choice(("a", "b")), due_at=due, valid_until=AT,
        state=state, decided_at=due + timedelta(minutes=rng.randrange(600)),
    )  # fmt: skip
    if state == CareState.REFUSED:
        row.reason = rng.choice(("no consent", "expired"))
    if state == CareState.WRITTEN:
        said = _say(session, chat, Author.BOT, due + timedelta(minutes=rng.randrange(600)))
        row.message_id = said.id
        if not chat.pulls and said.id is not None:
            session.add(
                Delivery(
                    message_id=said.id, channel="telegram", account="main", chat=chat.chat,
                    purpose=Purpose.MARKETING, rank=3, state=rng.choice(list(Progress)),
                    reason=rng.choice(("", "blocked")), useful_until=AT,
                )
            )  # fmt: skip
    session.add(row)


def by_hand(session: Session) -> dict[Group, Figures]:
    """The obvious way, message by message."""
    everything: dict[str, list[Any]] = {
        kind.__name__: list(session.exec(select(kind)))
        for kind in (CareMessage, Message, Delivery, Identity, Customer, Consent, Order)
    }
    found: dict[Group, Figures] = {}
    seen: set[tuple[Group, int]] = set()
    for care in everything["CareMessage"]:
        if not SCOPE.since <= care.due_at < SCOPE.until:
            continue
        group = Group(care.journey, None, care.variant, care.state == CareState.HELD_OUT)
        figures = found.setdefault(group, Figures())
        said = next((m for m in everything["Message"] if m.id == care.message_id), None)
        sent = next((d for d in everything["Delivery"] if d.message_id == care.message_id), None)
        fate, reason = care.state, care.reason
        if care.state == CareState.WRITTEN:
            fate, reason = (sent.state, sent.reason) if sent else (Progress.SENT, "")
        figures.add(fate, reason, 1)
        if fate not in (Progress.SENT, CareState.HELD_OUT):
            continue
        begin = said.created_at if said else care.decided_at
        _effects(everything, figures, care.customer_id, begin)
        for order in _orders(everything, care.customer_id, begin):
            if (group, order.id) not in seen:
                seen.add((group, order.id))
                figures.orders += 1
                before = figures.revenue.get(order.currency, Decimal(0))
                figures.revenue[order.currency] = before + order.amount
    return found


def _effects(everything: Any, figures: Figures, owner: int, begin: datetime) -> None:
    def within(moment: datetime | None) -> bool:
        return moment is not None and begin < moment <= begin + WEEK

    chats = {one.id for one in everything["Identity"] if one.customer_id == owner}
    customer = next(one for one in everything["Customer"] if one.id == owner)
    withdrawn = [one.at for one in everything["Consent"]
                 if one.customer_id == owner and one.state == "withdrawn"]  # fmt: skip
    figures.arrived += 1
    figures.open += begin + WEEK > AT
    figures.replied += any(
        within(one.created_at) and one.author == Author.CUSTOMER and one.identity_id in chats
        for one in everything["Message"]
    )
    figures.stopped += any(map(within, [customer.opted_out_at, *withdrawn]))
    figures.bought += bool(_orders(everything, owner, begin))


def _orders(everything: Any, owner: int, begin: datetime) -> list[Order]:
    return [
        one
        for one in everything["Order"]
        if one.customer_id == owner
        and one.status != "refunded"
        and begin < (one.placed_at or one.created_at) <= begin + WEEK
    ]


def test_the_figures_are_those_of_each_message_by_itself(db: Database) -> None:
    db.run(fill, random.Random(5), 150)
    found, wanted = db.run(outcomes.report, SCOPE), db.run(by_hand)
    assert list(found) == sorted(wanted, key=lambda g: (g.journey, g.held_out, g.variant))
    for group, figures in wanted.items():
        assert found[group].as_dict() == figures.as_dict(), group
    whole: Counter[str] = Counter()
    for figures in found.values():
        for name in ("planned", "delivered", "replied", "stopped", "bought", "open", "uncertain"):
            whole[name] += getattr(figures, name)
    assert min(whole.values()) > 0  # each of them was tried
    lifts = outcomes.compared(found)
    assert len(lifts) == 4
    assert all(low < value < high for value, low, high in lifts.values())


def test_the_order_that_a_message_is_about_was_not_bought_because_of_it(db: Database) -> None:
    """The shop's clock may be ahead, so that its order seems the later."""

    def paid(session: Session) -> None:
        customer = Customer(name="c")
        session.add(customer)
        session.flush()
        assert customer.id is not None
        for number, later in (("its own", 5), ("another", 60)):
            session.add(Order(number=number, customer_id=customer.id, status="paid", currency="CNY",
                              amount=Decimal(9), placed_at=AT + timedelta(seconds=later)))  # fmt: skip
        session.flush()
        own = session.exec(select(Order).where(Order.number == "its own")).one()
        for journey, order_id in (("order_paid", own.id), ("birthday", None)):
            session.add(
                CareMessage(
                    journey=journey, subject="s", customer_id=customer.id, order_id=order_id,
                    purpose=Purpose.TRANSACTIONAL, due_at=AT, valid_until=AT + WEEK,
                    state=CareState.HELD_OUT, decided_at=AT,
                )
            )  # fmt: skip

    db.run(paid)
    found = db.run(outcomes.report, Scope(AT, AT + WEEK, 7, AT + WEEK))
    figures = {group.journey: (one.bought, one.orders, one.revenue) for group, one in found.items()}
    assert figures == {
        "order_paid": (1, 1, {"CNY": Decimal(9)}),
        "birthday": (1, 2, {"CNY": Decimal(18)}),
    }


def test_a_group_that_comes_while_it_is_counted_is_counted(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL each query sees what was committed before it."""
    db.run(fill, random.Random(5), 20)
    monkeypatch.setattr(counted, "fates", lambda *_: [])
    assert any(one.arrived for one in db.run(outcomes.report, SCOPE).values())


def test_the_bounds_of_a_lift() -> None:
    """Newcombe's own example of method 10: 56 of 70 against 48 of 80 is 0.20, 0.0524 to 0.3339."""
    found = outcomes.lift(Figures(arrived=70, bought=56), Figures(arrived=80, bought=48))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert outcomes.lift(Figures(arrived=70, bought=56), Figures()) is None
