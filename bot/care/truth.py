"""Whether what a care message would say is still true."""

from typing import TYPE_CHECKING, Any

from bot.care.journeys import Journey
from bot.core.messages import Purpose
from bot.logistics.status import Status
from storage.models.care import CareMessage

if TYPE_CHECKING:
    from bot.care.reading import Known

ENDED = ("cancelled", "refunded")
"""Orders of which nothing but this is news."""
_ON_ITS_WAY = {
    Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY, Status.DELIVERED, Status.EXCEPTION,
    Status.RETURNING,
}  # fmt: skip
"""Who is told of one of these knows that the order was shipped."""


def overtaken(care: CareMessage, journey: Journey, known: "Known") -> str:
    """What has made the message untrue since it was planned; empty when nothing has."""
    order = known.orders.get(care.order_id or 0)
    if order is not None and order.customer_id != care.customer_id:
        return "another's order"
    room, _, name = journey.trigger.partition(".")
    if room == "order":
        return _of_order(name, journey, order, known.parcels_of.get(care.order_id or 0, ()))
    if order is not None and order.status in ENDED:
        return f"order {order.status}"
    if room == "parcel":
        return _of_parcel(name, care, known.parcels.get(care.parcel_id or 0))
    return _of_customer(journey.trigger, care, known)


def _of_order(name: str, journey: Journey, order: Any, parcels: Any) -> str:
    if order is None:
        return "no order"
    if order.status == name:
        is_told = name == "shipped" and any(one.status in _ON_ITS_WAY for one in parcels)
        return "overtaken" if is_told and journey.is_immediate else ""
    is_over = order.status in ENDED or name in ENDED
    return f"order {order.status}" if is_over or journey.is_immediate else ""


def _of_parcel(name: str, care: CareMessage, parcel: Any) -> str:
    if parcel is None:
        return "no parcel"
    if name == "stuck":
        return "overtaken" if parcel.stuck_at is None else ""  # it has moved since
    return "" if parcel.status == name else "overtaken"


def _of_customer(trigger: str, care: CareMessage, known: "Known") -> str:
    bought = known.buying.get(care.customer_id)
    bought_at = bought.latest_at if bought else None
    order = known.orders.get(care.order_id or 0)
    if trigger == "replenishment" and order is not None and bought_at is not None:
        return "bought again" if bought_at > (order.placed_at or order.created_at) else ""
    if trigger == "silence":
        moments = [row.last_seen_at for row in known.chats.get(care.customer_id, ())]
        moments += [bought_at] if bought_at is not None else []
        return "not silent" if any(one > care.created_at for one in moments) else ""
    if trigger == "back_in_stock":
        if _has_said_stop(care, known):
            return "opted out"
        product = known.product_of(care)
        is_gone = product is None or (product.stock is not None and product.stock <= 0)
        return "sold out" if is_gone else ""
    return ""


def _has_said_stop(care: CareMessage, known: "Known") -> bool:
    """Whether the customer said stop, on all channels, after the message was planned."""
    return any(
        one.purpose == Purpose.MARKETING
        and not one.channel
        and one.state == "withdrawn"
        and one.at >= care.created_at
        for one in known.consents.get(care.customer_id, ())
    )
