"""What the shop's events do to orders and customers, in whatever order they come."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlmodel import Session, select

from bot.customers.linking import prove
from bot.shop.events import CustomerData, CustomerEvent, Item, OrderType, Person, Profile
from bot.shop.orders import apply_customer, order_facts
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.customers import Customer, by_shop_ref
from storage.models.orders import Order, Parcel, order_by_number, parcels_of
from storage.models.profiles import CustomerProfile
from tests.support.world import CHEN, LIN, ago, chat, told

START = datetime(2026, 3, 5, 16, 30, tzinfo=UTC)
STORY: list[tuple[OrderType, dict[str, object]]] = [
    ("order.paid", {"amount": Decimal("199.00"), "currency": "CNY"}),
    ("order.shipped", {"tracking_number": "SF1", "carrier": "顺丰速运"}),
    ("order.refunded", {}),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_arrival_ends_the_same(db: Database, order: tuple[int, ...]) -> None:
    def tell(session: Session) -> None:
        for index in (*order, *order):
            kind, data = STORY[index]
            told(session, kind, at=START + timedelta(hours=index), **data)

    db.run(tell)

    def see(session: Session) -> None:
        row = session.exec(select(Order)).one()
        assert (row.status, row.status_at) == ("refunded", START + timedelta(hours=2))
        assert (row.placed_at, row.amount, row.phone) == (START, Decimal(199), "13800008888")
        assert row.id is not None
        parcel = session.exec(select(Parcel)).one()
        assert (parcel.order_id, parcel.carrier) == (row.id, "顺丰速运")
        assert session.exec(select(Customer.shop_ref)).all() == ["c-lin"]

    db.run(see)


@pytest.mark.parametrize("turned", [False, True])
def test_two_events_of_one_moment(db: Database, turned: bool) -> None:
    kinds: list[OrderType] = ["order.paid", "order.shipped"]
    for kind in reversed(kinds) if turned else kinds:
        db.run(told, kind, at=START)
    assert db.run(order_by_number, "XE1").status == "shipped"


def test_late_details_fill_gaps_and_nothing_is_emptied(db: Database) -> None:
    items = [Item(name="围巾", quantity=2, price=Decimal("9.50"))]
    db.run(told, "order.shipped", at=START, items=items)
    db.run(told, "order.paid", at=START - timedelta(days=1), items=[], amount=Decimal(19))
    order = db.run(order_by_number, "XE1")
    assert order.items == [{"name": "围巾", "quantity": 2, "price": "9.50"}]
    assert order.amount == Decimal(19)


def test_an_order_may_change_its_parcel_but_not_anothers(db: Database) -> None:
    db.run(told, "order.shipped", "XE1", tracking_number="SF1")
    db.run(told, "order.shipped", "XE2", person=CHEN, tracking_number="SF1")

    def owners(session: Session) -> list[str]:
        orders = session.exec(select(Order).order_by(Order.number)).all()
        return [order.number for order in orders if order.id and parcels_of(session, order.id)]

    assert db.run(owners) == ["XE1"]


def test_a_guest_who_proved_an_order_becomes_the_shops_customer(db: Database) -> None:
    guest = Person(phone="13700001111")

    def story(session: Session) -> tuple[int, int | None]:
        order = told(session, "order.paid", person=guest, at=ago(hours=2))
        assert order.customer_id is None
        identity = chat(session, "a")
        assert prove(session, identity, "XE1", "1111", ago()).outcome == "linked"
        told(session, "order.shipped", person=Person(id="c-new", phone="13700001111"))
        known = by_shop_ref(session, "c-new")
        assert known is not None
        return identity.customer_id, known.id

    of_chat, of_shop = db.run(story)
    assert of_chat == of_shop


def test_news_about_customers(db: Database) -> None:
    def tell(session: Session, at: datetime, **data: object) -> None:
        person = Profile.model_validate({"id": "c-lin", **data})
        event = CustomerEvent(
            id="e", type="customer.updated", occurred_at=at, data=CustomerData(customer=person)
        )
        apply_customer(session, event)

    db.run(told, "order.paid")
    db.run(tell, START, name="林小满小姐", phone="13800009999", tags=["vip"], language="en-GB")
    db.run(tell, START - timedelta(days=1), name="小林", birthday=date(1995, 5, 20), tags=["new"])

    def see(session: Session) -> None:
        customer = by_shop_ref(session, LIN.id or "")
        assert customer is not None
        assert (customer.name, customer.phone) == ("林小满小姐", "13800009999")
        assert customer.language == "en"
        profile = session.get(CustomerProfile, customer.id)
        assert profile is not None
        assert (profile.tags, profile.birthday) == (["vip"], date(1995, 5, 20))
        assert profile.told_at == START

    db.run(see)


def test_facts(voice: Voice) -> None:
    order = Order(
        number="XE1",
        status="paid",
        amount=Decimal("199.50"),
        currency="CNY",
        items=[{"name": "围巾", "quantity": 2}, {"sku": "MUG"}],
        placed_at=START,
    )
    assert order_facts(order, "zh", voice) == {
        "number": "XE1",
        "status_text": "已付款，等待发货",
        "items_text": "围巾 ×2、MUG",
        "amount": "¥199.50",
        "placed_on": "2026年3月6日",
    }
    assert order_facts(order, "en", voice)["placed_on"] == "Mar 6, 2026"


def test_facts_of_a_stub(voice: Voice) -> None:
    facts = order_facts(Order(number="XE1"), "en", voice)
    assert facts == {
        "number": "XE1", "status_text": "", "items_text": "", "amount": "", "placed_on": "",
    }  # fmt: skip


def test_many_items_are_counted(voice: Voice) -> None:
    order = Order(number="XE1", items=[{"name": letter} for letter in "ABCDEFG"])
    assert order_facts(order, "en", voice)["items_text"] == "A, B, C, D, E and 2 more"
    assert order_facts(order, "zh", voice)["items_text"] == "A、B、C、D、E 等 7 种商品"
