"""Takes what Shopify and WooCommerce tell, once, whatever order it comes in."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.config import Source
from bot.core.clock import now
from bot.shop.events import OrderData, OrderEvent
from bot.shop.orders import apply_order
from bot.shop.products import apply_product
from bot.shop.sources import shopify, woocommerce
from bot.shop.sources.payloads import Refund, Told, Unreadable
from bot.shop.sources.rows import FLOOR, Row, RowRefused, order_event, product_event
from storage.models import sources
from storage.models.inbound import take
from storage.models.orders import order_by_number
from storage.models.sources import OrderRef

UTC = ZoneInfo("UTC")
Outcome = Literal["accepted", "repeated", "ignored", "refused"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call: its topic, its id, and its body as it was signed and as it is read."""

    topic: str
    id: str
    payload: Any


def is_signed(source: Source, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether `body` is from whoever knows the secret: base64 of its HMAC-SHA256.

    shopify.dev/docs/apps/build/webhooks/verify-deliveries; WC_Webhook::generate_signature.
    """
    name = shopify.SIGNATURE if source.kind == "shopify" else woocommerce.SIGNATURE
    given = headers.get(name, "").encode("latin-1", "replace")
    digest = hmac.new(source.secret.encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), given)


def is_ping(source: Source, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this is WooCommerce's unsigned try of a new webhook, which has no effect."""
    is_bare = woocommerce.SIGNATURE not in headers and woocommerce.TOPIC not in headers
    return source.kind == "woocommerce" and is_bare and bool(woocommerce.PING.fullmatch(body))


def delivery(source: Source, headers: Mapping[str, str], body: bytes, payload: Any) -> Delivery:
    """The call with these headers and this body, of which `payload` was read."""
    if source.kind == "shopify":
        topic = headers.get(shopify.TOPIC, "")
        known = shopify.delivery_id(headers, topic)
        return Delivery(topic, known or f"{topic} {hashlib.sha256(body).hexdigest()}", payload)
    topic = headers.get(woocommerce.TOPIC, "")
    return Delivery(topic, f"{topic} {woocommerce.delivery_id(headers, body)}", payload)


def take_delivery(session: Session, source: Source, call: Delivery) -> Outcome:
    """Let a signed call take effect, once.

    What cannot be read is `refused` and noted for `xiaoer doctor`: told to the platform, it would
    switch the webhook off after some repetitions.
    """
    try:
        told = _read(source, call)
        if told is None or told == Told():
            return "ignored"
        if take(session, f"source:{source.name}", call.id) is None:
            return "repeated"
        with session.begin_nested():
            _apply(session, source, told)
    except (Unreadable, RowRefused) as error:
        sources.failed(session, source.name, f"{call.topic}: {error}")
        return "refused"
    sources.heard(session, source.name)
    return "accepted"


def _read(source: Source, call: Delivery) -> Told | Refund | None:
    if source.kind == "shopify":
        return shopify.read(call.topic, call.payload, source.name, source.url)
    return woocommerce.read(call.topic, call.payload, source.name)


def _apply(session: Session, source: Source, told: Told | Refund) -> None:
    if isinstance(told, Refund):
        return _refund(session, source.name, told)
    for row in told.products:
        apply_product(session, product_event(row, UTC, now()))
    if told.orders:
        _orders(session, source.name, told)
    return None


def _orders(session: Session, source: str, told: Told) -> None:
    """The order's states, the newest first: so what is overtaken is not told to the customer."""
    if not told.ref:
        raise Unreadable("订单没有 id", "an order without an id")
    ref = sources.order_ref(session, source, told.ref)
    number = ref.number or told.orders[0][0].get("order_id", "")
    events = [order_event(_numbered(rows, number), UTC, {}) for rows in told.orders]
    if not ref.number:
        _claim(session, ref, events[0].data.order_id)
    for event in events:
        apply_order(session, event)
    if ref.refunded_at is not None:
        _refund(session, source, Refund(ref.ref, ref.refunded_at, ref.refunded or Decimal(0)))
        ref.refunded_at = None


def _numbered(rows: list[Row], number: str) -> list[Row]:
    return [{**rows[0], "order_id": number}, *rows[1:]]


def _claim(session: Session, ref: OrderRef, number: str) -> None:
    """From now on `number` is this order's. Two shops' orders must never become one."""
    if sources.is_of_another(session, ref, number):
        raise Unreadable(
            f"订单号 {number} 已属于另一个来源的订单", f"{number} is the number of another order"
        )
    ref.number = number
    session.add(ref)
    session.flush()


def _refund(session: Session, source: str, refund: Refund) -> None:
    """An order is refunded when all that was paid went back; before it has come, that waits."""
    ref = sources.order_ref(session, source, refund.ref)
    if not ref.number:
        ref.refunded_at, ref.refunded = refund.at, refund.amount
        session.add(ref)
        return
    order = order_by_number(session, ref.number, lock=True)
    paid = order.amount if order and order.amount is not None else Decimal(0)
    if refund.amount > 0 and refund.amount >= paid:
        data = OrderData(order_id=ref.number)
        event = OrderEvent(
            id="refund", type="order.refunded", occurred_at=max(refund.at, FLOOR), data=data
        )
        apply_order(session, event)
