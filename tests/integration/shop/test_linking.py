"""Who may see an order, and how guessing is limited."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.customers.linking import Proof, may_see, prove
from storage.db import Database
from storage.models.customers import Customer, Identity
from storage.models.orders import LookupAttempt, Order
from tests.support.world import CHEN, ago, chat, told

NOW = now()


@pytest.fixture(autouse=True)
def orders(db: Database) -> None:
    db.run(told, "order.paid", "XE1")
    db.run(told, "order.paid", "XE2", person=CHEN)


def attempt(
    session: Session, name: str, number: str = "XE1", last4: str = "8888", minutes: float = 0
) -> Proof:
    found = session.exec(select(Identity).where(Identity.chat == name)).one_or_none()
    identity = found or chat(session, name)
    return prove(session, identity, number, last4, NOW + timedelta(minutes=minutes))


def test_the_right_proof_links_and_removes_the_anonymous_customer(db: Database) -> None:
    def story(session: Session) -> None:
        identity = chat(session, "a")
        anonymous = session.get(Customer, identity.customer_id)
        assert anonymous is not None
        anonymous.opted_out_at = ago(days=1)
        proof = prove(session, identity, " ｘｅ1 ", "8888", NOW)
        assert (proof.outcome, proof.order and proof.order.number) == ("linked", "XE1")
        assert identity.linked_at == NOW
        customer = session.get(Customer, identity.customer_id)
        assert customer is not None
        assert (customer.shop_ref, customer.opted_out_at) == ("c-lin", anonymous.opted_out_at)
        assert session.get(Customer, anonymous.id) is None
        orders = session.exec(select(Order).order_by(Order.number)).all()
        assert [may_see(session, identity, order) for order in orders] == [True, False]

    db.run(story)


def test_an_unlinked_chat_sees_nothing(db: Database) -> None:
    def story(session: Session) -> bool:
        order = session.exec(select(Order)).first()
        assert order is not None
        identity = chat(session, "a")
        identity.customer_id = order.customer_id or 0
        return may_see(session, identity, order)

    assert db.run(story) is False


def test_a_linked_chat_stays_with_its_customer(db: Database) -> None:
    assert db.run(attempt, "a").outcome == "linked"
    proof = db.run(attempt, "a", "XE2", "6666")
    assert (proof.outcome, proof.order and proof.order.number) == ("linked", "XE2")

    def owner(session: Session) -> str | None:
        identity = session.exec(select(Identity)).one()
        customer = session.get(Customer, identity.customer_id)
        return customer.shop_ref if customer else None

    assert db.run(owner) == "c-lin"


@pytest.mark.parametrize("number", ["XE1", "XE404"])
def test_wrong_number_and_wrong_phone_are_alike(db: Database, number: str) -> None:
    outcomes = [db.run(attempt, "a", number, "0000").outcome for _ in range(6)]
    assert outcomes == ["wrong"] * 5 + ["locked"]
    assert db.run(attempt, "a").outcome == "locked"
    assert db.run(attempt, "a", minutes=59).outcome == "locked"
    assert db.run(attempt, "a", minutes=61).outcome == "linked"


@pytest.mark.parametrize("number", ["XE1", "XE404"])
def test_many_chats_cannot_guess_one_order(db: Database, number: str) -> None:
    for guess in range(10):
        spelling = number.lower() if guess % 2 else number
        assert db.run(attempt, f"chat{guess}", spelling, "0000").outcome == "wrong"
    assert db.run(attempt, "another", number).outcome == "locked"
    assert db.run(attempt, "another", "XE2", "6666").outcome == "linked"


def test_locked_guesses_are_not_counted(db: Database) -> None:
    for _ in range(8):
        db.run(attempt, "a", last4="0000")
    rows = db.run(lambda session: session.exec(select(LookupAttempt)).all())
    assert len(rows) == 5


def test_an_order_without_a_phone_matches_nothing(db: Database) -> None:
    db.run(told, "order.paid", "XE3", person=None)
    assert db.run(attempt, "a", "XE3", "none").outcome == "wrong"
    assert db.run(attempt, "a", "XE3", "").outcome == "wrong"
