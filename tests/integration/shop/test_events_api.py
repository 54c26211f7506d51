"""The events API, as a shop's system sees it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from bot.config import ApiKey
from bot.core.events import OrderChanged
from bot.inbox.admission import RETRY_AFTER, Admission
from bot.web.events import MAX_BYTES, events_router
from storage.db import Database, unavailable
from storage.models.inbound import Receipt
from storage.models.orders import Order, Parcel
from storage.models.products import Product

KEYS = (
    ApiKey(name="shop", key="shop-key-0123456789"),
    ApiKey(name="desk", key="desk-key-0123456789", scopes=("desk",)),
)
SHOP = {"Authorization": "Bearer shop-key-0123456789"}
PROBLEM = "application/problem+json"


def event(event_id: str = "e1", kind: str = "order.paid", **data: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "type": kind,
        "occurred_at": "2025-03-05T10:00:00+08:00",
        "data": data or {"order_id": "XE1"},
    }


@pytest.fixture
def client(db: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(events_router(db, KEYS))
    with TestClient(app, headers=SHOP) as client:
        yield client


def rows(db: Database, table: Any) -> list[Any]:
    return list(db.run(lambda session: session.exec(select(table)).all()))


def test_accepted_then_repeated(client: TestClient, db: Database) -> None:
    first = client.post("/api/v1/events", json=event())
    assert (first.status_code, first.json()) == (202, {"id": "e1", "status": "accepted"})
    assert [order.status for order in rows(db, Order)] == ["paid"]
    again = client.post("/api/v1/events", json=event(kind="order.refunded", order_id="XE1"))
    assert (again.status_code, again.json()) == (200, {"id": "e1", "status": "repeated"})
    assert [order.status for order in rows(db, Order)] == ["paid"]


def test_where_too_much_waits_it_is_to_come_again(db: Database) -> None:
    app, door = FastAPI(), Admission(least=1)
    app.include_router(events_router(db, KEYS, door))
    with TestClient(app, headers=SHOP) as client:
        with door.enter():
            busy = client.post("/api/v1/events", json=event())
        assert (busy.status_code, busy.headers["retry-after"]) == (503, str(RETRY_AFTER))
        assert busy.headers["content-type"] == PROBLEM
        assert rows(db, Receipt) == []
        assert client.post("/api/v1/events", json=event()).status_code == 202


def test_every_type_has_its_effect(client: TestClient, db: Database) -> None:
    customer = {"id": "c1", "name": "林小满", "phone": "138 0000 8888"}
    bodies = [
        event("1", "order.shipped", order_id="XE1", customer=customer, tracking_number="SF1"),
        event("2", "parcel.update", tracking_number="SF1", status="delivered"),
        event("3", "customer.updated", customer={"id": "c1", "tags": ["vip"]}),
        event("4", "product.updated", sku="SCARF", stock=3),
        event("5", "order.created", order_id="XE2", amount=5),
    ]
    assert [client.post("/api/v1/events", json=body).status_code for body in bodies] == [202] * 5
    found = [(order.number, order.phone, order.status) for order in rows(db, Order)]
    assert found == [("XE1", "13800008888", "shipped"), ("XE2", "", "unknown")]
    assert [(one.sku, one.stock) for one in rows(db, Product)] == [("SCARF", 3)]
    assert [parcel.status for parcel in rows(db, Parcel)] == ["delivered"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic c2hvcDprZXk="])
def test_without_a_known_key(client: TestClient, db: Database, header: str | None) -> None:
    del client.headers["Authorization"]
    headers = {} if header is None else {"Authorization": header}
    answer = client.post("/api/v1/events", json=event(), headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == PROBLEM
    assert rows(db, Receipt) == []


def test_without_the_scope(client: TestClient) -> None:
    headers = {"Authorization": "Bearer desk-key-0123456789"}
    answer = client.post("/api/v1/events", json=event(), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)


def test_what_is_wrong_is_named_and_not_repeated(client: TestClient, db: Database) -> None:
    bad = event(order_id="XE1", items=[{"name": "围巾", "price": "secret"}], amount=-1)
    answer = client.post("/api/v1/events", json=bad)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == ["data.items.0.price", "data.amount"]
    assert (problem["status"], "secret" in answer.text) == (422, False)
    assert rows(db, Receipt) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 9000, b'{"id":"\\ud800"}'])
def test_broken_json(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/events", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


def test_too_large(client: TestClient) -> None:
    assert client.post("/api/v1/events", content=b" " * MAX_BYTES).status_code == 422
    answer = client.post("/api/v1/events", content=b" " * (MAX_BYTES + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_a_database_that_cannot_store(client: TestClient, db: Database) -> None:
    def fail(session: Session, event: OrderChanged) -> None:
        raise unavailable()

    db.bus.on(OrderChanged, fail)
    answer = client.post("/api/v1/events", json=event())
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0
    assert (rows(db, Receipt), rows(db, Order)) == ([], [])


def test_the_documentation_describes_it(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    post = schema["paths"]["/api/v1/events"]["post"]
    assert set(post["responses"]) == {"200", "202", "401", "403", "413", "422", "503"}
    content = post["requestBody"]["content"]["application/json"]
    assert "$ref" not in str(content["schema"])
    for example in content["examples"].values():
        assert client.post("/api/v1/events", json=example["value"]).status_code == 202
    assert post["security"] == [{"HTTPBearer": []}]
