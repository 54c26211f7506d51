"""What a shop's system may tell us, checked field by field before anything takes effect."""

import json
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from bot.core.clock import now

_CLOCK_SKEW = timedelta(days=1)
"""How far ahead of ours a shop's clock may be."""
MAX_ATTRIBUTES = 20_000
"""Longest attributes of a product, in characters of JSON."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def phone_digits(text: str) -> str:
    """The digits of a phone number, full-width ones and separators included."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) for c in plain if c.isdigit())


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _plausible(at: datetime) -> datetime:
    """Refuse what is far in the future: nothing later could ever be newer than it."""
    if not datetime(2000, 1, 1, tzinfo=UTC) <= at <= now() + _CLOCK_SKEW:
        raise ValueError("must lie between the year 2000 and tomorrow")
    return at.astimezone(UTC)


def _cents(amount: Decimal) -> Decimal:
    """Two decimals: sums of binary fractions arrive as 0.30000000000000004."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _text(longest: int, shortest: int = 0) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest)


def _timezone(name: str) -> str:
    if name and name not in available_timezones():
        raise ValueError("must be an IANA name such as Asia/Shanghai")
    return name


def _web_address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return text


def _small(attributes: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL keeps no NUL, and what answers are made of is no archive."""
    text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
    if len(text) > MAX_ATTRIBUTES or "\\u0000" in text:
        raise ValueError(f"must be at most {MAX_ATTRIBUTES} characters of JSON without NUL")
    return attributes


_Safe = AfterValidator(_printable)
Name = Annotated[str, _text(64, 1), _Safe]
"""A number or id: 1 to 64 characters."""
Short = Annotated[str, _text(200), _Safe]
"""A line of text: up to 200 characters."""
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
Money = Annotated[Decimal, Field(ge=0, lt=10**12), AfterValidator(_cents)]
ParcelStatus = Literal[
    "collected", "in_transit", "arrived_city", "out_for_delivery", "delivered", "exception",
    "returning",
]  # fmt: skip
OrderType = Literal[
    "order.created", "order.paid", "order.shipped", "order.cancelled", "order.refunded"
]


class _Told(BaseModel):
    """Types are taken as they are; fields that we do not know are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)


class Person(_Told):
    """The customer. `id` is the shop's own; without it the order belongs to a guest."""

    id: Name | None = None
    name: Short | None = None
    phone: Annotated[str, _text(40), _Safe, AfterValidator(phone_digits)] | None = None
    email: Short | None = None
    language: Annotated[str, _text(35), _Safe] | None = Field(
        default=None, description="A language tag such as `zh`, `zh-CN` or `en`."
    )


class ConsentData(_Told):
    """What the customer agreed to, or withdrew, somewhere else: in the shop, at the counter.

    `at` is when they said so. It has to be told, for what they said to us later still holds.
    """

    purpose: Annotated[str, Field(pattern="^[a-z_]{1,32}$")] = "marketing"
    channel: Annotated[str, Field(pattern="^[a-z_]{0,32}$", description="Empty: all.")] = ""
    given: bool
    wording: Annotated[str, _text(500), _Safe] = ""
    at: Moment


class Profile(Person):
    """The customer with all that the shop knows."""

    id: Name
    birthday: date | None = None
    tags: Annotated[list[Name], Field(max_length=100)] | None = None
    timezone: Annotated[str, _text(64), AfterValidator(_timezone)] | None = Field(
        default=None, description="An IANA name such as `Asia/Shanghai`."
    )
    consents: Annotated[list[ConsentData], Field(max_length=20)] | None = None


class Item(_Told):
    """One line of an order; `price` is for one piece."""

    sku: Short | None = None
    name: Short | None = None
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    price: Money | None = None


class Place(_Told):
    """Where the order goes, no finer than the city."""

    city: Short | None = None
    region: Short | None = None
    country: Short | None = None


class OrderData(_Told):
    """An order. Everything but its id may be told later."""

    order_id: Name
    customer: Person | None = None
    items: Annotated[list[Item], Field(max_length=500)] | None = None
    amount: Money | None = None
    currency: Currency | None = None
    carrier: Short | None = None
    tracking_number: Name | None = None
    address: Place | None = None
    placed_at: Moment | None = Field(
        default=None, description="When it was ordered; else the time of `order.paid`."
    )


class ProductData(_Told):
    """A product, or one variant of it. Everything but its article number may be told later."""

    sku: Name
    name: Short | None = None
    url: Annotated[str, _text(1000), _Safe, AfterValidator(_web_address)] | None = None
    price: Money | None = None
    currency: Currency | None = None
    stock: Annotated[int, Field(ge=-(10**9), le=10**9)] | None = Field(
        default=None, description="Pieces at hand."
    )
    attributes: Annotated[dict[str, Any], AfterValidator(_small)] | None = Field(
        default=None,
        description="Further facts by name, such as a size chart, ingredients or care.",
    )


class ParcelData(_Told):
    """One step of a parcel's way, found by its tracking number, its order, or both.

    `at` is when it happened, the event's `occurred_at` when missing.
    """

    order_id: Name | None = None
    tracking_number: Name | None = None
    carrier: Short | None = None
    status: ParcelStatus
    text: Annotated[str, _text(500), _Safe] | None = None
    place: Short | None = None
    at: Moment | None = None

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if self.order_id is None and self.tracking_number is None:
            raise ValueError("order_id or tracking_number is needed")
        return self


class CustomerData(_Told):
    """News about a customer."""

    customer: Profile


class _Envelope(BaseModel):
    """What every event has. `id` is the sender's own: sending it again changes nothing."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: Annotated[str, _text(200, 1), _Safe]
    occurred_at: Moment


class OrderEvent(_Envelope):
    """An order was placed, paid, shipped, cancelled or refunded."""

    type: OrderType
    data: OrderData


class ParcelEvent(_Envelope):
    """A parcel moved."""

    type: Literal["parcel.update"]
    data: ParcelData


class CustomerEvent(_Envelope):
    """A customer's data changed."""

    type: Literal["customer.updated"]
    data: CustomerData


class ProductEvent(_Envelope):
    """A product is new or changed."""

    type: Literal["product.updated"]
    data: ProductData


ShopEvent = OrderEvent | ParcelEvent | CustomerEvent | ProductEvent
EVENTS: TypeAdapter[ShopEvent] = TypeAdapter(Annotated[ShopEvent, Field(discriminator="type")])
"""Reads any event: `EVENTS.validate_json(body)` raises pydantic's `ValidationError`."""
