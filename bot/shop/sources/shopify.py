"""Shopify's webhooks: https://shopify.dev/docs/api/webhooks, payloads as of the REST Admin API."""

import re
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from bot.shop.sources.payloads import (
    MOST_ITEMS,
    Refund,
    Told,
    Unreadable,
    first_text,
    full_name,
    objects,
    plain,
    text,
)
from bot.shop.sources.rows import Row, moment_of

SIGNATURE = "X-Shopify-Hmac-Sha256"
TOPIC = "X-Shopify-Topic"
_ORDERS = {
    "orders/create", "orders/updated", "orders/paid", "orders/fulfilled",
    "orders/partially_fulfilled", "orders/cancelled",
}  # fmt: skip
_PAID = {"paid", "partially_refunded"}
_PART = re.compile(r"(\.\d+|-F\d+)$")
"""A fulfillment is called like its order and a number more: #1001.1 or #1001-F1."""


def delivery_id(headers: Mapping[str, str], topic: str) -> str:
    """What is the same when a delivery comes again.

    One event may be told under several topics: shopify.dev/docs/apps/build/webhooks.
    """
    event = headers.get("X-Shopify-Event-Id", "")
    return headers.get("X-Shopify-Webhook-Id", "") or (f"{topic} {event}" if event else "")


def read(topic: str, payload: Any, shop: str, url: str) -> Told | Refund | None:
    """What the payload of `topic` tells; None of topics that are no concern of ours.

    `shop` is the source's name, for ids of customers are its own; `url` the shop's address.
    """
    if topic in _ORDERS:
        return _order(topic, payload, shop)
    if topic in ("fulfillments/create", "fulfillments/update"):
        number = _PART.sub("", text(payload, "name"))
        sent = [[_sent(number, payload)]] if text(payload, "status") != "cancelled" else []
        return Told(text(payload, "order_id"), sent)
    if topic == "refunds/create":
        return _refund(payload)
    if topic in ("products/create", "products/update"):
        return Told(products=[row for row in _products(payload, url) if row["sku"]])
    return None


def _order(topic: str, payload: Any, shop: str) -> Told:
    number = text(payload, "name", most=65)
    status, at = _status(topic, payload)
    customer = text(payload, "customer", "id", most=40)
    row = {
        "order_id": number,
        "status": status,
        "placed_at": first_text(text(payload, "processed_at"), text(payload, "created_at")),
        f"{status}_at": at,
        "customer_id": f"{shop}:{customer}" if customer else "",
        "customer_name": first_text(
            full_name(payload, "shipping_address"), full_name(payload, "customer")
        ),
        "phone": first_text(
            text(payload, "phone", most=40),
            text(payload, "shipping_address", "phone", most=40),
            text(payload, "customer", "phone", most=40),
            text(payload, "billing_address", "phone", most=40),
        ),
        "email": text(payload, "email"),
        "language": text(payload, "customer_locale", most=35),
        "amount": text(payload, "total_price"),
        "currency": text(payload, "currency"),
        "city": text(payload, "shipping_address", "city"),
        "region": text(payload, "shipping_address", "province"),
        "country": text(payload, "shipping_address", "country_code"),
    }
    lines = [one for one in objects(payload, "line_items") if text(one, "quantity") != "0"]
    items: list[Row] = [_item(one) for one in lines[:MOST_ITEMS]]
    parcels: list[list[Row]] = [[_sent(number, one)] for one in _parcels(payload)]
    return Told(text(payload, "id"), [[row, *items], *parcels])


def _status(topic: str, payload: Any) -> tuple[str, str]:
    """What the order is, as far as a customer is concerned, and since when."""
    money, parcels = text(payload, "financial_status"), _parcels(payload)
    updated = text(payload, "updated_at")
    if money == "refunded":
        refunds = [text(one, "created_at") for one in objects(payload, "refunds")]
        return "refunded", _latest(refunds) or updated
    if cancelled := text(payload, "cancelled_at"):
        return "cancelled", cancelled
    if parcels:
        return "shipped", _latest([text(one, "created_at") for one in parcels])
    if money not in _PAID:
        return "created", ""
    undone = [text(one, "updated_at") for one in objects(payload, "fulfillments")]
    at = updated if topic == "orders/paid" else ""
    return "paid", _latest(undone) or at or text(payload, "processed_at") or updated


def _parcels(payload: Any) -> list[dict[str, Any]]:
    """The fulfillments that stand, the newest first."""
    standing = [
        one for one in objects(payload, "fulfillments") if text(one, "status") != "cancelled"
    ]
    return sorted(standing, key=lambda one: _when(text(one, "created_at")), reverse=True)


def _latest(times: list[str]) -> str:
    return max(times, key=_when, default="")


def _when(said: str) -> float:
    try:
        return moment_of(said, ZoneInfo("UTC")).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _sent(number: str, fulfillment: Any) -> Row:
    return {
        "order_id": number,
        "status": "shipped",
        "shipped_at": text(fulfillment, "created_at"),
        "carrier": text(fulfillment, "tracking_company"),
        "tracking_number": text(fulfillment, "tracking_number", most=64),
    }


def _item(line: Any) -> Row:
    return {
        "item_name": first_text(text(line, "name"), text(line, "title")),
        "item_sku": text(line, "sku"),
        "item_quantity": text(line, "quantity"),
        "item_price": text(line, "price"),
    }


def _refund(payload: Any) -> Refund:
    ref = text(payload, "order_id")
    paid_back = [
        text(one, "amount")
        for one in objects(payload, "transactions")
        if text(one, "kind") == "refund" and text(one, "status") == "success"
    ]
    try:
        at = moment_of(first_text(text(payload, "processed_at"), text(payload, "created_at")),
                       ZoneInfo("UTC")).astimezone(UTC)  # fmt: skip
        amount = sum(map(Decimal, paid_back), Decimal(0))
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise Unreadable("退款的时间或金额读不出来", "a refund without time or amount") from error
    if not ref or not amount.is_finite():
        raise Unreadable("退款没有订单", "a refund without an order")
    return Refund(ref, at, amount)


def _products(payload: Any, url: str) -> list[Row]:
    title, handle = text(payload, "title"), text(payload, "handle")
    return [
        {
            "sku": text(variant, "sku", most=64),
            "name": _variant_name(title, text(variant, "title")),
            "url": f"{url.rstrip('/')}/products/{handle}" if url and handle else "",
            "price": text(variant, "price"),
            "stock": _stock(variant),
            "updated_at": first_text(text(variant, "updated_at"), text(payload, "updated_at")),
            "description": plain(payload, "body_html"),
            "+type": text(payload, "product_type"),
            "+brand": text(payload, "vendor"),
            **_options(payload, variant),
        }
        for variant in objects(payload, "variants")
    ]


def _stock(variant: Any) -> str:
    """How many there are; unknown where Shopify does not count, or sells on when there are none."""
    is_counted = variant.get("inventory_management", "shopify") is not None
    count, sells_on = text(variant, "inventory_quantity"), text(variant, "inventory_policy")
    is_open = sells_on == "continue" and count.lstrip("-").isdecimal() and int(count) <= 0
    return count if is_counted and not is_open else ""


def _variant_name(title: str, variant: str) -> str:
    return title if variant in ("", "Default Title") else f"{title} {variant}"[:200]


def _options(payload: Any, variant: Any) -> Row:
    """Size, colour and the like, by their names."""
    names = [text(one, "name") for one in objects(payload, "options")]
    values = [text(variant, f"option{number + 1}") for number in range(len(names))]
    return {f"+{name}": value for name, value in zip(names, values, strict=True) if name != "Title"}
