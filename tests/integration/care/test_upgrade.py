"""What was told before there were journeys is known to them, so nobody is told it again."""

from importlib import import_module

from sqlmodel import Session, select

from bot.logistics.status import Status
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareMessage
from storage.models.conversations import Message
from tests.support.care import caring
from tests.support.world import chat, stepped, told

_OLD = "CREATE TABLE care_sent (kind VARCHAR, subject VARCHAR, at TIMESTAMP)"
_ROW = "INSERT INTO care_sent VALUES ('{}', '{}:{}', '2026-05-04 04:00:00.000000')"


def test_news_that_was_told_is_not_told_again(db: Database, voice: Voice) -> None:
    def before(session: Session) -> None:
        order = told(session, "order.shipped", tracking_number="SF1")
        parcel = stepped(session, Status.ARRIVED_CITY, tracking_number="SF1")
        identity = chat(session, "lin")
        identity.customer_id, identity.linked_at = order.customer_id or 0, order.created_at
        session.add(identity)
        session.flush()
        connection = session.connection()
        connection.exec_driver_sql(_OLD)
        connection.exec_driver_sql(_ROW.format("order.shipped", "order", order.id))
        connection.exec_driver_sql(_ROW.format("parcel.arrived_city", "parcel", parcel.id))
        for statement in import_module("storage.migrations.versions.0024_care_turns").TOLD:
            connection.exec_driver_sql(statement)

    db.run(before)
    rows = db.run(lambda s: list(s.exec(select(CareMessage).order_by(CareMessage.journey))))
    assert [(one.journey, one.state, one.facts) for one in rows] == [
        ("order_shipped", "written", {}), ("parcel_arrived_city", "written", {}),
    ]  # fmt: skip
    assert rows[1].parcel_id is not None
    caring(db, voice)
    db.run(told, "order.shipped", tracking_number="SF1")
    db.run(stepped, Status.OUT_FOR_DELIVERY, tracking_number="SF1")
    assert len(db.run(lambda s: s.exec(select(Message)).all())) == 1
