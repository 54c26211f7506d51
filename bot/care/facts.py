"""What the texts of care messages may show: typed facts, each a text, empty where unknown."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.logistics.parcels import parcel_texts
from bot.shop.orders import order_facts
from bot.words.dates import day_text
from bot.words.phrases import Voice
from bot.words.sandbox import ANSWER, Facts, money

FULL: Facts = {
    **ANSWER,
    "customer": {"name": "林小满"},
    "product": {"name": "羊毛围巾", "url": "https://shop.example/scarf", "price": "¥159"},
    "coupon": {"code": "HB-2026-7K", "value": "20 元", "expires_on": "2026年12月31日"},
}
"""What there is in a care message's text besides `shop` and `language`, with examples."""
EMPTY: Facts = {name: dict.fromkeys(values, "") for name, values in FULL.items()}
"""The same where nothing is known: every text has to be fit to be said then, too."""


def facts_for(
    language: str,
    voice: Voice,
    *,
    name: str = "",
    order: Any = None,
    parcel: Any = None,
    latest: Any = None,
    product: Any = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Mapping[str, str]]:
    """The facts of one message in the customer's language, from plain rows.

    `latest` is the parcel's newest step; `extra` is what was kept with the message (its `facts`),
    such as a coupon, by the names in `FULL`.
    """
    found: dict[str, Mapping[str, str]] = dict(EMPTY)
    found["customer"] = {"name": name}
    if order is not None:
        found["order"] = order_facts(order, language, voice)
    if parcel is not None:
        nameless = order is not None and order.number == parcel.tracking_number
        found["parcel"] = parcel_texts(parcel, latest, language, voice, nameless=nameless)
    if product is not None:
        found["product"] = _product(product, language, voice)
    for key, values in (extra or {}).items():
        if key in EMPTY and isinstance(values, Mapping):
            found[key] = {**EMPTY[key], **found[key], **{k: str(v) for k, v in values.items()}}
    return found


def coupon_facts(coupon: Any, language: str, voice: Voice) -> dict[str, str]:
    """A coupon as texts show it: code, value, expires_on (the last day in the shop)."""
    last = coupon.expires_at - timedelta(seconds=1) if coupon.expires_at else None
    shown = day_text(last, voice.words.shop.zone, language) if last else ""
    return {"code": coupon.code, "value": coupon.value, "expires_on": shown}


def _product(product: Any, language: str, voice: Voice) -> dict[str, str]:
    currency = product.currency or voice.words.shop.currency
    price = "" if product.price is None else money(product.price, currency, language)
    return {"name": product.name, "url": product.url, "price": price}
