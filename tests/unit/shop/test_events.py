"""Which events are taken, and what is said about the others."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from bot.logistics.status import Status
from bot.shop.events import EVENTS, OrderEvent, ParcelEvent, ParcelStatus, phone_digits


def event(kind: str = "order.paid", data: dict[str, Any] | None = None, **more: Any) -> str:
    return json.dumps(
        {
            "id": "e1",
            "type": kind,
            "occurred_at": "2025-03-05T10:00:00+08:00",
            "data": {"order_id": "XE1"} if data is None else data,
            **more,
        }
    )


def test_a_full_order() -> None:
    data = {
        "order_id": " XE1 ",
        "customer": {"id": "c1", "name": "林", "phone": "+86 １３８-0000 8888", "language": "zh"},
        "items": [{"sku": "A", "name": "围巾", "quantity": 2, "price": 99.5}],
        "amount": 0.30000000000000004,
        "currency": "CNY",
        "warehouse": "unknown fields of the data are passed over",
    }
    read = EVENTS.validate_json(event(data=data))
    assert isinstance(read, OrderEvent)
    assert read.data.order_id == "XE1"
    assert read.data.amount == Decimal("0.30")
    assert read.data.customer is not None
    assert read.data.customer.phone == "8613800008888"
    assert read.occurred_at == datetime(2025, 3, 5, 2, tzinfo=UTC)


def test_amounts_may_be_texts() -> None:
    read = EVENTS.validate_json(event(data={"order_id": "XE1", "amount": "199.90"}))
    assert isinstance(read, OrderEvent)
    assert read.data.amount == Decimal("199.90")


def test_a_parcel_needs_one_of_two_numbers() -> None:
    step = {"tracking_number": "SF1", "status": "delivered"}
    assert isinstance(EVENTS.validate_json(event("parcel.update", step)), ParcelEvent)
    with pytest.raises(ValidationError, match="order_id or tracking_number"):
        EVENTS.validate_json(event("parcel.update", {"status": "delivered"}))


def test_statuses_are_those_of_logistics() -> None:
    assert set(get_args(ParcelStatus)) == {status.value for status in Status}


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[]", "null", "[" * 5000,
        event("order.eaten"),
        event(id=""), event(id=7), event(id="x" * 201), event(id="a\u0000b"),
        event(surprise=1),
        event(occurred_at="yesterday"),
        event(occurred_at="2025-03-05T10:00:00"),
        event(occurred_at="9999-12-31T23:59:59-12:00"),
        event(occurred_at=(datetime.now(UTC) + timedelta(days=2)).isoformat()),
        event(data={}),
        event(data={"order_id": 1}),
        event(data={"order_id": ""}),
        event(data={"order_id": "x" * 65}),
        event(data={"order_id": "XE1", "amount": -1}),
        event(data={"order_id": "XE1", "amount": True}),
        event(data={"order_id": "XE1", "amount": "NaN"}),
        event(data={"order_id": "XE1", "amount": 1e300}),
        event(data={"order_id": "XE1", "currency": "yuan"}),
        event(data={"order_id": "XE1", "items": [{"quantity": 0}]}),
        event(data={"order_id": "XE1", "items": "scarf"}),
        event(data={"order_id": "XE1", "customer": "Lin"}),
        event("parcel.update", {"order_id": "XE1", "status": "lost in space"}),
        event("customer.updated", {"customer": {"name": "nobody"}}),
        event("customer.updated", {"customer": {"id": "c1", "birthday": "May"}}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        EVENTS.validate_json(body)


def test_phone_digits() -> None:
    assert phone_digits("(+86) 138-0000 ８８８８") == "8613800008888"
    assert phone_digits("none") == ""
