"""Which news is told to whom, and how often."""

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.messages import Purpose
from bot.customers import consent
from bot.customers.linking import prove
from bot.logistics.status import Status
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareRefusal
from storage.models.conversations import Message
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery
from tests.support.care import caring
from tests.support.world import LIN, ago, chat, stepped, told


@pytest.fixture
def linked(db: Database, voice: Voice) -> Database:
    """A shop with news, and an order XE1 whose customer is known in a Telegram chat."""
    caring(db, voice)

    def story(session: Session) -> None:
        told(session, "order.paid", at=ago(days=9))
        identity = chat(session, "lin", "telegram", pulls=False)
        assert prove(session, identity, "XE1", "8888", now()).outcome == "linked"

    db.run(story)
    return db


def news(db: Database) -> list[str]:
    """The texts told so far, oldest first."""
    return list(db.run(lambda s: s.exec(select(Message.text).order_by(Message.id)).all()))


def test_a_shipment_is_told_once(linked: Database) -> None:
    for _ in range(2):
        linked.run(told, "order.shipped", tracking_number="SF1", carrier="顺丰速运")
        linked.run(stepped, Status.COLLECTED, ago(minutes=50))
        linked.run(stepped, Status.IN_TRANSIT, ago(minutes=40))
    assert news(linked) == [
        "好消息，您的订单 XE1 已经发出，由顺丰速运配送，单号 SF1。\n"
        "想知道走到哪儿了，随时问我“包裹到哪了”。"
    ]
    delivery = linked.run(lambda session: session.exec(select(Delivery)).one())
    assert (delivery.purpose, delivery.state) == (Purpose.TRANSACTIONAL, "queued")


def test_who_wants_no_news_is_told_none(linked: Database) -> None:
    def unwanted(session: Session) -> None:
        customer = session.exec(select(Customer)).one()
        consent.tell_news(session, customer, "别发物流通知", now(), is_wanted=False)

    linked.run(unwanted)
    linked.run(told, "order.shipped", tracking_number="SF1", carrier="顺丰速运")
    linked.run(stepped, Status.DELIVERED, ago(minutes=5))
    assert news(linked) == []
    reasons = linked.run(lambda s: s.exec(select(CareRefusal.reason)).all())
    assert set(reasons) == {"no consent"}


def test_the_parcels_way_is_told(linked: Database) -> None:
    linked.run(told, "order.shipped", at=ago(days=4), tracking_number="SF1")
    for minutes, status in [
        (40, Status.ARRIVED_CITY), (30, Status.OUT_FOR_DELIVERY), (20, Status.EXCEPTION),
        (10, Status.OUT_FOR_DELIVERY), (5, Status.DELIVERED),
    ]:  # fmt: skip
        linked.run(stepped, status, ago(minutes=minutes), tracking_number="SF1", place="杭州")
    texts = news(linked)
    assert len(texts) == 4
    assert "已经到达杭州" in texts[0]
    assert "正在派送" in texts[1]
    assert "遇到一点状况" in texts[2]
    assert "已经签收" in texts[3]


def test_late_news_is_not_told(linked: Database) -> None:
    linked.run(stepped, Status.DELIVERED, ago(minutes=5), order_number="XE1")
    linked.run(stepped, Status.ARRIVED_CITY, ago(hours=5), order_number="XE1")
    linked.run(told, "order.shipped", tracking_number="SF1")
    linked.run(told, "order.paid", at=ago(hours=9))
    assert len(news(linked)) == 1


def test_old_news_is_not_told(linked: Database) -> None:
    linked.run(told, "order.shipped", at=ago(days=3, minutes=1), tracking_number="SF1")
    linked.run(stepped, Status.DELIVERED, ago(days=3, minutes=1))
    assert news(linked) == []


def test_cancelled_then_refunded(linked: Database) -> None:
    linked.run(told, "order.cancelled", at=ago(hours=2))
    linked.run(told, "order.refunded", at=ago(hours=1))
    texts = news(linked)
    assert len(texts) == 2
    assert "已经取消" in texts[0]
    assert "3–7 天内原路退回" in texts[1]


def test_who_is_not_known_is_told_nothing(linked: Database) -> None:
    linked.run(told, "order.paid", "XE7", person=None)
    linked.run(told, "order.paid", "XE8", person=LIN.model_copy(update={"id": "c-other"}))
    linked.run(stepped, Status.DELIVERED, tracking_number="SF404")
    assert news(linked) == []


def test_a_blocked_customer_is_told_nothing(linked: Database) -> None:
    def block(session: Session) -> None:
        for customer in session.exec(select(Customer)):
            customer.blocked = True
            session.add(customer)

    linked.run(block)
    linked.run(told, "order.shipped")
    assert news(linked) == []


def test_the_latest_chat_is_told_in_its_language(linked: Database) -> None:
    def second_chat(session: Session) -> int | None:
        identity = chat(session, "lin-web")
        identity.language, identity.last_seen_at = "en", ago(hours=-1)
        assert prove(session, identity, "XE1", "8888", now()).outcome == "linked"
        return identity.id

    second = linked.run(second_chat)
    linked.run(told, "order.shipped")
    message = linked.run(lambda session: session.exec(select(Message)).one())
    assert message.identity_id == second
    assert message.text.startswith("Good news: order XE1 is on its way.")


def test_every_text_can_be_said(voice: Voice, db: Database) -> None:
    caring(db, voice)

    def story(session: Session, language: str) -> None:
        identity = chat(session, language)
        identity.language = language
        number, person = f"XE-{language}", LIN.model_copy(update={"id": language})
        told(session, "order.paid", number, at=ago(minutes=9), person=person)
        assert prove(session, identity, number, "8888", now()).outcome == "linked"
        told(session, "order.paid", number, at=ago(minutes=9), person=person)
        told(session, "order.shipped", number, at=ago(minutes=8), person=person)
        for status in (
            Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY, Status.EXCEPTION, Status.DELIVERED,
        ):  # fmt: skip
            stepped(session, status, now(), order_number=number)
        told(session, "order.cancelled", number, at=ago(minutes=2), person=person)
        told(session, "order.refunded", number, at=ago(minutes=1), person=person)

    for language in ("zh", "en"):
        db.run(story, language)

    def told_to(session: Session, language: str) -> int:
        identity = session.exec(select(Identity).where(Identity.chat == language)).one()
        found = session.exec(select(Message).where(Message.identity_id == identity.id)).all()
        assert all(message.text and "{" not in message.text for message in found)
        return len(found)

    assert [db.run(told_to, language) for language in ("zh", "en")] == [8, 8]
