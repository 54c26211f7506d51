"""WooCommerce's webhooks: https://developer.woocommerce.com/docs/apis/rest-api/ (wc/v3)."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.shop.sources.payloads import MOST_ITEMS, Told, first_text, full_name, objects, plain, text
from bot.shop.sources.rows import Row

SIGNATURE = "X-WC-Webhook-Signature"
TOPIC = "X-WC-Webhook-Topic"
PING = re.compile(rb"webhook_id=\d{1,20}")
"""The unsigned body by which a new webhook is tried; only 200 turns it on (WC_Webhook)."""
TRACKING = "_wc_shipment_tracking_items"
"""Where the extension Shipment Tracking, and those like it, keep parcels in an order."""
_STATUSES = {
    "pending": "created", "on-hold": "created", "failed": "created", "checkout-draft": "created",
    "processing": "paid",
    "completed": "shipped", "shipped": "shipped", "delivered": "shipped",
    "partial-shipped": "shipped",
    "cancelled": "cancelled",
    "refunded": "refunded",
}  # fmt: skip
"""The shop's own further statuses change nothing."""


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """What is the same when a delivery comes again.

    WooCommerce makes its id of the webhook and the second, so deliveries of one second share it.
    """
    sent = headers.get("X-WC-Webhook-Delivery-ID", "")
    return f"{sent} {hashlib.sha256(body).hexdigest()}"


def read(topic: str, payload: Any, shop: str) -> Told | None:
    """What the payload of `topic` tells; None of topics that are no concern of ours.

    `shop` is the source's name, for ids of customers are its own.
    """
    if topic in ("order.created", "order.updated", "order.restored"):
        return Told(text(payload, "id"), [_order(payload, shop)])
    if topic in ("product.created", "product.updated", "product.restored"):
        return Told(products=[row for row in [_product(payload)] if row["sku"]])
    return None


def _order(payload: Any, shop: str) -> list[Row]:
    """The order, its items and parcels. Times end in _gmt and name no zone."""
    status = _STATUSES.get(text(payload, "status"), "created")
    customer = text(payload, "customer_id", most=40)
    row = {
        "order_id": text(payload, "number", most=65),
        "status": status,
        "placed_at": text(payload, "date_created_gmt"),
        f"{status}_at": _since(payload, status),
        "customer_id": f"{shop}:{customer}" if customer not in ("", "0") else "",
        "customer_name": first_text(full_name(payload, "shipping"), full_name(payload, "billing")),
        "phone": first_text(
            text(payload, "shipping", "phone", most=40), text(payload, "billing", "phone", most=40)
        ),
        "email": text(payload, "billing", "email"),
        "amount": text(payload, "total"),
        "currency": text(payload, "currency"),
        "city": _place(payload, "city"),
        "region": _place(payload, "state"),
        "country": _place(payload, "country"),
        **_parcel(payload),
    }
    lines = [one for one in objects(payload, "line_items") if text(one, "quantity") != "0"]
    return [row, *(_item(one) for one in lines[:MOST_ITEMS])]


def _since(payload: Any, status: str) -> str:
    """Since when an order is what it is.

    A paid order is paid as of its last change, for a cancelled one may be opened again; a sent one
    is sent as of its completion, for old orders are changed by clean-ups.
    """
    modified = text(payload, "date_modified_gmt")
    done = text(payload, "date_completed_gmt") if status == "shipped" else ""
    return first_text(done, modified, text(payload, "date_created_gmt"))


def _place(payload: Any, name: str) -> str:
    return first_text(text(payload, "shipping", name), text(payload, "billing", name))


def _parcel(payload: Any) -> Row:
    for one in _tracking(payload):
        carrier = first_text(text(one, "tracking_provider"), text(one, "custom_tracking_provider"))
        return {"carrier": carrier, "tracking_number": text(one, "tracking_number", most=64)}
    return {}


def _tracking(payload: Any) -> Iterator[dict[str, Any]]:
    for meta in objects(payload, "meta_data"):
        if text(meta, "key") == TRACKING:
            yield from objects(meta, "value")


def _item(line: Any) -> Row:
    return {
        "item_name": text(line, "name"),
        "item_sku": text(line, "sku"),
        "item_quantity": text(line, "quantity"),
        "item_price": text(line, "price"),
    }


def _product(payload: Any) -> Row:
    is_out = text(payload, "stock_status") == "outofstock"
    facts = {
        f"+{text(one, 'name')}": ", ".join(str(option) for option in one.get("options") or ())[:500]
        for one in objects(payload, "attributes")
        if text(one, "name") and isinstance(one.get("options"), list)
    }
    return {
        "sku": text(payload, "sku", most=64),
        "name": text(payload, "name"),
        "url": text(payload, "permalink", most=1000),
        "price": text(payload, "price"),
        "stock": first_text(text(payload, "stock_quantity"), "0" if is_out else ""),
        "updated_at": text(payload, "date_modified_gmt"),
        "description": first_text(
            plain(payload, "short_description"), plain(payload, "description")
        ),
        **facts,
    }
