"""What the shop's events do to customers and orders, whatever order they arrive in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.events import OrderChanged, emit
from bot.shop.events import CustomerEvent, OrderData, OrderEvent, Person
from bot.words.dates import day_text
from bot.words.phrases import Voice
from bot.words.sandbox import money
from storage.models.customers import Customer, by_shop_ref
from storage.models.orders import Order, Parcel, order_by_number, parcel_by_tracking
from storage.models.profiles import CustomerProfile
from storage.models.upsert import insert_new, insert_or_ignore

_PROGRESS = ("unknown", "paid", "shipped", "cancelled", "refunded")
"""Which status wins when two are told for the same moment: the later one here."""
_STATUSES = {"order.created": "unknown"}
"""Not paid yet: nothing that a customer would be told."""
_SHOWN_ITEMS = 5


def apply_order(session: Session, event: OrderEvent) -> Order:
    """Store what `event` says about an order, its customer and its parcel.

    The newest `occurred_at` decides the status; details that are told late fill gaps, and
    nothing is ever emptied. Emits `OrderChanged`. Returns the order.
    """
    data = event.data
    order = stored_order(session, data.order_id)
    status = _STATUSES.get(event.type) or event.type.removeprefix("order.")
    is_news = _stands(event.occurred_at, status) >= _stands(order.status_at, order.status)
    if is_news:
        order.status, order.status_at = status, event.occurred_at
    placed = data.placed_at or (event.occurred_at if status == "paid" else None)
    if placed is not None and (order.placed_at is None or placed < order.placed_at):
        order.placed_at = placed
    if data.customer is not None:
        _assign(session, order, data.customer, is_news=is_news)
    _fill(order, _details(data), overwrite=is_news)
    session.add(order)
    session.flush()
    if data.tracking_number is not None:
        _attach(session, order, data.tracking_number, data.carrier or "")
    assert order.id is not None
    emit(session, OrderChanged(order.id, event.type))
    return order


def stored_order(session: Session, number: str) -> Order:
    """The order called `number`, its row held until the commit; a stub when it is new."""
    insert_new(session, Order, number=number)
    order = order_by_number(session, number, lock=True)
    assert order is not None
    return order


def apply_customer(session: Session, event: CustomerEvent) -> Customer:
    """Store what `event` says about a customer; news older than the last only fills gaps."""
    person = event.data.customer
    customer = _known(session, person.id)
    assert customer.id is not None
    insert_or_ignore(session, CustomerProfile(customer_id=customer.id, told_at=event.occurred_at))
    profile = session.get(CustomerProfile, customer.id, with_for_update=True)
    assert profile is not None
    is_news = event.occurred_at >= profile.told_at
    _fill(customer, _contact(person), overwrite=is_news)
    _fill(profile, {"birthday": person.birthday, "tags": person.tags}, overwrite=is_news)
    profile.told_at = max(profile.told_at, event.occurred_at)
    session.add(customer)
    session.add(profile)
    session.flush()
    return customer


def order_facts(order: Any, language: str, voice: Voice) -> dict[str, str]:
    """The order, or its row, as answers show it: texts in `language`, empty where nothing is known.

    Keys: number, status_text, items_text, amount, placed_on (a day in the shop's time zone).
    """
    shop = voice.words.shop
    amount, currency, placed = order.amount, order.currency or shop.currency, order.placed_at
    return {
        "number": order.number,
        "status_text": _status_text(order.status, language, voice),
        "items_text": _items_text(order.items or [], language),
        "amount": "" if amount is None else money(amount, currency, language),
        "placed_on": "" if placed is None else day_text(placed, shop.zone, language),
    }


def _status_text(status: str, language: str, voice: Voice) -> str:
    return "" if status == "unknown" else voice.say(f"orders.status_{status}", language)


def _stands(at: datetime | None, status: str) -> tuple[float, int]:
    return (at.timestamp() if at else 0.0, _PROGRESS.index(status))


def _fill(row: Any, values: Mapping[str, Any], *, overwrite: bool) -> None:
    """Set what `values` knows; without `overwrite` only where `row` knows nothing yet."""
    for name, value in values.items():
        if value not in (None, "", [], {}) and (overwrite or not getattr(row, name)):
            setattr(row, name, value)


def _details(data: OrderData) -> dict[str, Any]:
    return {
        "phone": data.customer.phone if data.customer else None,
        "amount": data.amount,
        "currency": data.currency,
        "items": [item.model_dump(mode="json", exclude_none=True) for item in data.items or ()],
        "address": data.address.model_dump(exclude_none=True) if data.address else None,
    }


def _contact(person: Person) -> dict[str, Any]:
    language = (person.language or "").replace("_", "-").split("-")[0].lower()
    return {
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "language": language,
    }


def _assign(session: Session, order: Order, person: Person, *, is_news: bool) -> None:
    """Give the order its customer. A guest's order waits until a chat proves to be theirs."""
    if person.id is None:
        return
    guest = session.get(Customer, order.customer_id) if order.customer_id else None
    if guest is not None and guest.shop_ref is None and by_shop_ref(session, person.id) is None:
        guest.shop_ref = person.id  # the shop now names whom we met as a guest
        session.add(guest)
        session.flush()
    customer = _known(session, person.id)
    _fill(customer, _contact(person), overwrite=False)
    session.add(customer)
    if order.customer_id is None or is_news:
        order.customer_id = customer.id


def _known(session: Session, shop_ref: str) -> Customer:
    """The customer whom the shop calls `shop_ref`, made when new."""
    insert_or_ignore(session, Customer(shop_ref=shop_ref))
    customer = by_shop_ref(session, shop_ref)
    assert customer is not None
    return customer


def _attach(session: Session, order: Order, tracking_number: str, carrier: str) -> None:
    """Make the order's parcel, or join one that was already heard of.

    A parcel that moved before its number was known goes by its order's number until now.
    """
    parcel = parcel_by_tracking(session, tracking_number)
    if parcel is None:
        nameless = parcel_by_tracking(session, order.number)
        if nameless is not None and nameless.order_id == order.id:
            nameless.tracking_number = tracking_number
            session.flush()
        else:
            insert_new(session, Parcel, tracking_number=tracking_number)
        parcel = parcel_by_tracking(session, tracking_number)
    assert parcel is not None
    parcel.order_id = parcel.order_id or order.id
    parcel.carrier = carrier or parcel.carrier
    session.add(parcel)
    session.flush()


def _items_text(items: list[dict[str, Any]], language: str) -> str:
    """羊毛围巾 ×2、手套 / Wool scarf ×2, Gloves; at most five, then how many more."""
    shown = [_item_text(item) for item in items[:_SHOWN_ITEMS]]
    text = ("、" if language == "zh" else ", ").join(one for one in shown if one)
    more = len(items) - _SHOWN_ITEMS
    if more <= 0 or not text:
        return text
    return f"{text} 等 {len(items)} 种商品" if language == "zh" else f"{text} and {more} more"


def _item_text(item: dict[str, Any]) -> str:
    name, quantity = item.get("name") or item.get("sku") or "", item.get("quantity", 1)
    return f"{name} ×{quantity}" if name and quantity != 1 else str(name)
