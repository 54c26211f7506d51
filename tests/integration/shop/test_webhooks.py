"""Shopify's and WooCommerce's webhooks over HTTP: signed, once, in any order."""

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, permutations
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from bot.config import ROOT, Source
from bot.core.events import OrderChanged
from bot.inbox.admission import Admission
from bot.shop.sources.woocommerce import TRACKING
from bot.web.sources import MAX_BYTES, sources_router
from storage.db import Database, unavailable
from storage.models.customers import Customer
from storage.models.inbound import Receipt
from storage.models.orders import Order, Parcel
from storage.models.products import Product, product_by_sku
from storage.models.sources import OrderRef, SourceState

SECRET = "a-secret-of-the-shop"
SOURCES = (
    Source(name="shopify", kind="shopify", secret=SECRET, url="https://shop.example/"),
    Source(name="woo", kind="woocommerce", secret=SECRET),
    Source.model_validate(
        {"name": "erp", "kind": "json", "url": "https://e.example", "mapping": "m"}
    ),
)
NUMBERS = count(1)


def fixture(path: str) -> Any:
    return json.loads((ROOT / "tests/fixtures" / f"{path}.json").read_text(encoding="utf-8"))


@pytest.fixture
def client(db: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(sources_router(db, SOURCES))
    with TestClient(app) as client:
        yield client


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def shopify(
    client: TestClient, topic: str, payload: Any, delivery: str = "", **headers: str
) -> int:
    body = json.dumps(payload).encode()
    all_headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature(body),
        "X-Shopify-Webhook-Id": delivery or f"w{next(NUMBERS)}",
        **headers,
    }
    return client.post("/sources/shopify", content=body, headers=all_headers).status_code


def woo(client: TestClient, topic: str, payload: Any, delivery: str = "same") -> int:
    body = json.dumps(payload).encode()
    headers = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature(body),
        "X-WC-Webhook-Delivery-ID": delivery,
    }
    return client.post("/sources/woo", content=body, headers=headers).status_code


def rows(db: Database, table: Any) -> list[Any]:
    return list(db.run(lambda session: session.exec(select(table)).all()))


def one(db: Database, table: Any) -> Any:
    (row,) = rows(db, table)
    return row


def paid() -> Any:
    changed = {"financial_status": "paid", "updated_at": "2025-03-05T10:05:00+01:00"}
    return fixture("shopify/orders_create") | changed


def sent() -> Any:
    return paid() | {
        "fulfillment_status": "fulfilled",
        "fulfillments": [fixture("shopify/fulfillments_create")],
        "updated_at": "2025-03-06T09:30:01+01:00",
    }


def test_an_order_on_shopify_from_basket_to_refund(client: TestClient, db: Database) -> None:
    assert shopify(client, "orders/create", fixture("shopify/orders_create")) == 200
    order, customer = one(db, Order), one(db, Customer)
    assert (order.number, order.status, order.amount) == ("#1001", "unknown", Decimal("212.00"))
    assert (order.phone, order.currency) == ("4915123458888", "EUR")
    assert order.address == {"city": "Berlin", "region": "Berlin", "country": "DE"}
    assert order.items == [
        {"name": "Wool scarf - Red", "sku": "SCARF-R", "quantity": 2, "price": "99.50"},
        {"name": "Gift wrap", "quantity": 1, "price": "13.00"},
    ]
    found = (customer.shop_ref, customer.name, customer.language)
    assert found == ("shopify:115310627314723954", "Mandy Lin", "en")
    shopify(client, "orders/paid", paid())
    assert one(db, Order).status == "paid"
    shopify(client, "orders/fulfilled", sent())
    assert (one(db, Order).status, one(db, Parcel).tracking_number) == ("shipped", "JD0001")
    assert one(db, Parcel).carrier == "DHL"
    shopify(client, "refunds/create", fixture("shopify/refunds_create"))
    assert one(db, Order).status == "refunded"
    assert one(db, SourceState).heard_at is not None


def test_in_any_order_the_end_is_the_same(client: TestClient, db: Database) -> None:
    calls = [
        ("orders/create", fixture("shopify/orders_create")),
        ("orders/paid", paid()),
        ("fulfillments/create", fixture("shopify/fulfillments_create")),
        ("refunds/create", fixture("shopify/refunds_create")),
    ]
    for number, turn in enumerate(permutations(calls)):
        ref = 10_000 + number
        for topic, payload in turn:
            mine = copy.deepcopy(payload)
            mine["name"] = str(payload.get("name", "")).replace("1001", str(ref))
            mine["order_id" if "order_id" in payload else "id"] = ref
            mine["tracking_number"] = f"JD{ref}"
            assert shopify(client, topic, mine) == 200
    assert {(order.status, order.phone) for order in rows(db, Order)} == {
        ("refunded", "4915123458888")
    }
    assert len(rows(db, Order)) == len(rows(db, Parcel)) == 24


def test_part_of_the_money_back_is_no_refunded_order(client: TestClient, db: Database) -> None:
    shopify(client, "orders/paid", paid())
    part = fixture("shopify/refunds_create")
    part["transactions"][0]["amount"] = "13.00"
    assert shopify(client, "refunds/create", part) == 200
    assert one(db, Order).status == "paid"


def test_cancelled_and_unsent(client: TestClient, db: Database) -> None:
    shopify(client, "orders/fulfilled", sent())
    undone = sent()
    undone["fulfillments"][0] |= {"status": "cancelled", "updated_at": "2025-03-06T11:00:00+01:00"}
    shopify(client, "orders/updated", undone)
    assert one(db, Order).status == "paid"
    shopify(client, "orders/cancelled", undone | {"cancelled_at": "2025-03-07T08:00:00+01:00"})
    assert one(db, Order).status == "cancelled"


def test_a_delivery_takes_effect_once(client: TestClient, db: Database) -> None:
    changes: list[str] = []
    db.bus.on(OrderChanged, lambda _session, event: changes.append(event.kind))
    for _ in range(2):
        assert shopify(client, "orders/paid", paid(), "w-once") == 200
        assert woo(client, "order.created", fixture("woocommerce/order")) == 200
    assert changes == ["order.paid", "order.paid"]
    event = {"X-Shopify-Webhook-Id": "", "X-Shopify-Event-Id": "e1"}
    for topic in ("orders/paid", "orders/updated", "orders/paid"):  # one event, told twice
        assert shopify(client, topic, paid(), **event) == 200
    assert len(changes) == 4


def test_woocommerce_gives_deliveries_of_one_second_one_id(
    client: TestClient, db: Database
) -> None:
    order = fixture("woocommerce/order")
    for number in ("727", "728"):
        assert woo(client, "order.created", order | {"id": int(number), "number": number}) == 200
    assert sorted(found.number for found in rows(db, Order)) == ["727", "728"]


def test_an_order_on_woocommerce(client: TestClient, db: Database) -> None:
    order = fixture("woocommerce/order")
    woo(client, "order.created", order)
    found, customer = one(db, Order), one(db, Customer)
    assert (found.number, found.status, found.phone) == ("727", "paid", "5555556666")
    assert (customer.shop_ref, customer.name) == ("woo:26", "陈知远")
    assert (found.amount, found.address["city"]) == (Decimal("29.35"), "Oakland")
    assert found.status_at.isoformat() == "2025-03-05T19:28:08+00:00"
    parcel = {"tracking_provider": "", "custom_tracking_provider": "SF", "tracking_number": "SF9"}
    done = order | {
        "status": "completed",
        "date_completed_gmt": "2025-03-06T08:00:00",
        "date_modified_gmt": "2026-03-06T08:00:00",  # a clean-up, a year later
        "meta_data": [{"id": 1, "key": TRACKING, "value": [parcel]}],
    }
    woo(client, "order.updated", done)
    found = one(db, Order)
    assert (found.status, found.status_at.isoformat()) == ("shipped", "2025-03-06T08:00:00+00:00")
    assert (one(db, Parcel).tracking_number, one(db, Parcel).carrier) == ("SF9", "SF")


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        ("on-hold", "unknown"), ("processing", "paid"), ("cancelled", "cancelled"),
        ("refunded", "refunded"), ("failed", "unknown"), ("in-the-workshop", "paid"),
    ],
)  # fmt: skip
def test_statuses_of_woocommerce(
    client: TestClient, db: Database, status: str, becomes: str
) -> None:
    order = fixture("woocommerce/order")
    if status == "in-the-workshop":  # the shop's own: what was known stays
        woo(client, "order.created", order)
    woo(client, "order.updated", order | {"status": status, "customer_id": 0})
    assert one(db, Order).status == becomes


def test_products(client: TestClient, db: Database) -> None:
    assert shopify(client, "products/update", fixture("shopify/products_update")) == 200
    assert woo(client, "product.updated", fixture("woocommerce/product")) == 200
    assert sorted(found.sku for found in rows(db, Product)) == ["PQ-1", "SCARF-B", "SCARF-R"]
    red, premium = db.run(product_by_sku, "SCARF-R"), db.run(product_by_sku, "PQ-1")
    assert red is not None
    assert premium is not None
    assert (red.name, red.price, red.stock) == ("Wool scarf Red", Decimal("99.50"), 75)
    assert red.url == "https://shop.example/products/wool-scarf"
    assert red.attributes == {
        "Colour": "Red", "brand": "Cloud Brocade", "type": "Scarves",
        "description": "Soft & warm. Wash cold.",
    }  # fmt: skip
    assert (premium.stock, premium.url) == (7, "https://shop.example/product/premium-quality/")
    assert premium.attributes["Size"] == "S, M"


def test_what_shopify_does_not_count_has_no_stock(client: TestClient, db: Database) -> None:
    payload = fixture("shopify/products_update")
    payload["variants"][0] |= {"inventory_management": None, "inventory_quantity": 0}
    payload["variants"][1] |= {"inventory_policy": "continue", "inventory_quantity": -3}
    assert shopify(client, "products/update", payload) == 200
    assert [one.stock for one in rows(db, Product)] == [None, None]


@pytest.mark.parametrize("name", ["shopify", "woo"])
def test_a_changed_byte_is_refused_and_nothing_stored(
    client: TestClient, db: Database, name: str
) -> None:
    body = json.dumps(paid() if name == "shopify" else fixture("woocommerce/order")).encode()
    header = "X-Shopify-Hmac-Sha256" if name == "shopify" else "X-WC-Webhook-Signature"
    topic = {"X-Shopify-Topic": "orders/paid", "X-WC-Webhook-Topic": "order.created"}
    wrong = [
        (body + b" ", signature(body)),
        (body.replace(b"2", b"3", 1), signature(body)),
        (body, signature(body, "another-secret")),
        (body, signature(body)[:-1]),
        (body, ""),
        (body, "\xe9"),
    ]
    for content, given in wrong:
        headers = {**topic, header: given.encode("latin-1")}
        answer = client.post(f"/sources/{name}", content=content, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401
    assert client.post(f"/sources/{name}", content=body, headers=topic).status_code == 401
    assert rows(db, Receipt) == rows(db, Order) == rows(db, SourceState) == []


def test_what_is_no_concern_of_ours(client: TestClient, db: Database) -> None:
    assert shopify(client, "app/uninstalled", {"id": 1}) == 200
    assert woo(client, "coupon.created", {"id": 1}) == 200
    assert client.post("/sources/woo", content=b"webhook_id=3").status_code == 200
    assert client.post("/sources/shopify", content=b"webhook_id=3").status_code == 401
    assert rows(db, Receipt) == rows(db, SourceState) == []
    for name in ("erp", "nobody"):
        assert client.post(f"/sources/{name}", content=b"{}").status_code == 404
    assert client.post("/sources/woo", content=b" " * (MAX_BYTES + 1)).status_code == 413
    headers = {"X-WC-Webhook-Signature": signature(b"{")}
    assert client.post("/sources/woo", content=b"{", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 65}, {"id": None}, {"total_price": "much"}, {"phone": "1" * 41},
        {"processed_at": "then"}, {"line_items": [{"quantity": -1, "name": "x"}]},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_noted_and_does_not_end_the_webhook(
    client: TestClient, db: Database, change: dict[str, Any]
) -> None:
    assert shopify(client, "orders/paid", paid() | change) == 200
    unread = "phone" not in change  # a phone number is merely cut
    state = one(db, SourceState)
    assert state.error.startswith("orders/paid: ") is unread
    assert (rows(db, Order) == rows(db, OrderRef) == rows(db, Customer) == []) is unread


@pytest.mark.parametrize("payload", [None, [], "x", 5, {"line_items": 5, "customer": [], "id": {}}])
def test_anything_may_come(client: TestClient, db: Database, payload: Any) -> None:
    for topic in ("orders/create", "fulfillments/create", "refunds/create", "products/update"):
        assert shopify(client, topic, payload) == 200
    for topic in ("order.created", "product.updated"):
        assert woo(client, topic, payload) == 200
    assert rows(db, Order) == rows(db, Product) == []


def test_two_shops_orders_never_become_one(client: TestClient, db: Database) -> None:
    shopify(client, "orders/paid", paid() | {"name": "727"})
    woo(client, "order.created", fixture("woocommerce/order"))
    assert (one(db, Order).phone, len(rows(db, Customer))) == ("4915123458888", 1)
    errors = {state.name: state.error for state in rows(db, SourceState)}
    assert errors["woo"] == "order.created: 727 is the number of another order"


def test_what_cannot_be_stored_is_to_come_again(client: TestClient, db: Database) -> None:
    def fail(session: Session, event: OrderChanged) -> None:
        raise unavailable()

    db.bus.on(OrderChanged, fail)
    assert shopify(client, "orders/paid", paid()) == 503
    assert rows(db, Receipt) == rows(db, OrderRef) == []


def test_where_too_much_waits_it_is_to_come_again(db: Database) -> None:
    app, door = FastAPI(), Admission(least=1)
    app.include_router(sources_router(db, SOURCES, door))
    with TestClient(app) as client:
        with door.enter():
            assert shopify(client, "orders/paid", paid()) == 503
        assert shopify(client, "orders/paid", paid()) == 200
