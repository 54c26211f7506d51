"""Whether a customer, and an order, are whom a journey is for."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.journeys import When
from bot.care.zones import country_code, zone_of
from storage.models import care_facts


@dataclass(frozen=True, slots=True)
class Subject:
    """What conditions ask about a customer. `orders` are those that still stand."""

    id: int
    zone: ZoneInfo
    language: str = ""
    tags: frozenset[str] = frozenset()
    orders: int = 0
    country: str = ""


def subjects(session: Session, ids: Collection[int], shop: ZoneInfo) -> dict[int, Subject]:
    """The customers as conditions ask about them, by id; `shop` is the shop's time zone."""
    customers = care_facts.customers(session, ids)
    profiles, buying = care_facts.profiles(session, ids), care_facts.buying(session, ids)
    found = {}
    for number, row in customers.items():
        bought = buying.get(number, care_facts.Buying())
        country = str((bought.address or {}).get("country", ""))
        profile = profiles.get(number)
        found[number] = Subject(
            number,
            zone_of(row.timezone, country, shop),
            row.language,
            frozenset(profile.tags or ()) if profile else frozenset(),
            bought.orders,
            country_code(country),
        )
    return found


def fits(when: When, customer: Subject, order: Any = None) -> bool:
    """Whether all conditions hold; what is asked of an order holds of none."""
    return _order_fits(when, order) and _customer_fits(when, customer)


def _order_fits(when: When, order: Any) -> bool:
    if order is None:
        return when.min_amount is None and when.max_amount is None and not when.items
    amount = order.amount
    if when.min_amount is not None and (amount is None or amount < Decimal(str(when.min_amount))):
        return False
    if when.max_amount is not None and (amount is None or amount > Decimal(str(when.max_amount))):
        return False
    return not when.items or any(_is_among(item, when.items) for item in order.items or ())


def _is_among(item: dict[str, Any], names: Collection[str]) -> bool:
    """By article number, or by a word of what it is called."""
    sku, name = str(item.get("sku") or ""), str(item.get("name") or "").lower()
    return any(one == sku or one.lower() in name for one in names)


def _customer_fits(when: When, customer: Subject) -> bool:
    if when.first_order is not None and (customer.orders <= 1) != when.first_order:
        return False
    if when.orders_at_least is not None and customer.orders < when.orders_at_least:
        return False
    if when.orders_at_most is not None and customer.orders > when.orders_at_most:
        return False
    if when.tags and not customer.tags & set(when.tags):
        return False
    if customer.tags & set(when.without_tags):
        return False
    if when.languages and customer.language not in when.languages:
        return False
    return not when.countries or customer.country in {country_code(c) for c in when.countries}
