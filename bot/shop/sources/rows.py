"""Makes an order or a product of plain texts, whether a table or somebody's JSON held them."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bot.core.errors import XiaoerError
from bot.shop.events import OrderEvent, ProductEvent

Row = Mapping[str, str]
"""Texts by field: see `columns`. What is not known is missing or empty."""

_Event = TypeVar("_Event", OrderEvent, ProductEvent)
FLOOR = datetime(2000, 1, 1, tzinfo=UTC)
"""When an order is said to have changed that has no time: it fills gaps and goes forward only."""
STATUSES: dict[str, str] = {
    word: status
    for status, words in {
        "created": "created pending unpaid open onhold draft 待付款 未付款 等待买家付款 待支付",
        "paid": "paid processing authorized unfulfilled partiallypaid "
        "partiallyrefunded 已付款 已支付 待发货 等待卖家发货 "
        "买家已付款等待卖家发货 处理中",
        "shipped": "shipped fulfilled dispatched sent delivered completed complete done partial "
        "已发货 待收货 运输中 已签收 已完成 交易成功 部分发货 卖家已发货等待买家确认 已收货",
        "cancelled": "cancelled canceled voided closed failed 已取消 已关闭 交易关闭 取消",
        "refunded": "refunded returned 已退款 退款成功 退款完成 已退货",
    }.items()
    for word in words.split()
}
"""What systems call the statuses, as `_bare` words."""
_OWN_TIME = {"paid": "paid_at", "shipped": "shipped_at", "cancelled": "cancelled_at",
             "refunded": "refunded_at"}  # fmt: skip
_DATE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,]\d+)?秒?)?分?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"1\d{9}(\d{3})?")
_ITEM = re.compile(r"(.*?)\s*(?:[x×*]\s*(\d{1,6})|\((\d{1,6})\))?", re.DOTALL | re.IGNORECASE)
_PLAIN_ATTRIBUTES = ("size_chart", "ingredients", "material", "care", "description")
_REASONS = {
    "string_too_long": ("太长", "is too long"),
    "string_too_short": ("不能为空", "must not be empty"),
    "string_pattern_mismatch": ("格式不对", "has the wrong form"),
    "too_long": ("太多", "are too many"),
    "greater_than_equal": ("太小", "is too small"),
    "less_than": ("太大", "is too large"),
    "less_than_equal": ("太大", "is too large"),
}


class RowRefused(XiaoerError):
    """A line that cannot be taken, and why."""


def order_event(rows: Sequence[Row], zone: ZoneInfo, statuses: Mapping[str, str]) -> OrderEvent:
    """The order that `rows` tell: the first says what it is, each may add one of its items.

    Times without a zone are in `zone`; `statuses` are a shop's own words besides `STATUSES`.
    Raises `RowRefused`.
    """
    row = _merged(rows)
    status = _status(row, statuses)
    data = {
        "order_id": row.get("order_id", ""),
        "customer": _customer(row),
        "items": [item for one in rows for item in _items(one)] or None,
        "amount": _number(row, "amount"),
        "currency": row.get("currency", "").upper() or None,
        "placed_at": _moment(row, "placed_at", zone) or _moment(row, "paid_at", zone),
        "address": {name: row.get(name) or None for name in ("city", "region", "country")},
        "carrier": row.get("carrier") or None,
        "tracking_number": row.get("tracking_number") or None,
    }
    at = _changed_at(row, status, zone)
    return _checked(OrderEvent, f"order.{status}", at, data)


def product_event(row: Row, zone: ZoneInfo, told_at: datetime) -> ProductEvent:
    """The product that `row` tells, as of `told_at` where it says no time. Raises `RowRefused`."""
    stock = _number(row, "stock")
    data = {
        "sku": row.get("sku", ""),
        "name": row.get("name") or None,
        "url": row.get("url") or None,
        "price": _number(row, "price"),
        "currency": row.get("currency", "").upper() or None,
        "stock": None if stock is None else int(stock),
        "attributes": _attributes(row) or None,
    }
    at = _moment(row, "updated_at", zone) or told_at
    return _checked(ProductEvent, "product.updated", at, data)


def clean(text: str) -> str:
    """A cell without what spreadsheets put around numbers: ="123", '123, a tab before it."""
    text = text.strip().removeprefix("\ufeff")
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text[1:] if re.fullmatch(r"'[\d+#-].*", text) else text


def refuse(field: str, zh: str, en: str) -> NoReturn:
    """Raise the refusal of a line for one of its fields."""
    raise RowRefused(f"{field}：{zh}", f"{field} {en}")


def _merged(rows: Sequence[Row]) -> Row:
    """The first that each field is said to be."""
    found: dict[str, str] = {}
    for row in rows:
        found |= {name: text for name, text in row.items() if text and not found.get(name)}
    return found


def _status(row: Row, statuses: Mapping[str, str]) -> str:
    """What the order is said to be, or what its times show where they know more."""
    said = row.get("status", "")
    status = statuses.get(said) or STATUSES.get(_bare(said)) if said else "created"
    if status is None:
        refuse("status", f"不认识的状态 {said[:40]!r}", f"{said[:40]!r} is unknown")
    if status not in ("created", "paid"):
        return status
    shown = (one for one in ("refunded", "cancelled", "shipped") if row.get(_OWN_TIME[one]))
    if not said and (row.get("tracking_number") or row.get("paid_at")):
        status = "shipped" if row.get("tracking_number") else "paid"
    return next(shown, status)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _changed_at(row: Row, status: str, zone: ZoneInfo) -> datetime:
    """When the order became what it is, or the last moment known before that."""
    if status == "created":
        return _moment(row, "placed_at", zone) or FLOOR
    for field in (_OWN_TIME[status], "updated_at", "paid_at", "placed_at"):
        if (at := _moment(row, field, zone)) is not None:
            return at
    return FLOOR


def _moment(row: Row, field: str, zone: ZoneInfo) -> datetime | None:
    text = row.get(field, "")
    if not text:
        return None
    try:
        return moment_of(text, zone)
    except (ValueError, OverflowError):
        refuse(field, f"{text[:40]!r} 不是日期时间", f"{text[:40]!r} is no date and time")


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """An aware moment: the year first, or seconds or milliseconds since 1970. `ValueError`."""
    if epoch := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text) / (1000 if epoch[1] else 1), UTC)
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    *numbers, offset = found.groups()
    naive = datetime(*(int(one or 0) for one in numbers))  # type: ignore[arg-type]
    if not offset:
        return naive.replace(tzinfo=zone).astimezone(UTC)
    if offset.upper() in ("Z", "UTC"):
        return naive.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{naive.isoformat()}{offset[:3]}:{offset[-2:]}").astimezone(UTC)


def _number(row: Row, field: str) -> Decimal | None:
    text = row.get(field, "")
    if not text:
        return None
    try:
        number = number_of(text)
    except InvalidOperation:
        refuse(field, f"{text[:40]!r} 不是数字", f"{text[:40]!r} is no number")
    if not abs(number) < 10**12:
        refuse(field, f"{text[:40]!r} 太大", f"{text[:40]!r} is too large")
    return number


def number_of(text: str) -> Decimal:
    """1299, ¥1,299.00, 1.299,00 € or 12,5 as a number. Raises `InvalidOperation`."""
    bare = re.sub(r"[^\d.,+-]|(?<=\d)\s", "", unicodedata.normalize("NFKC", text))
    if re.search(r"[A-Za-z]{4}|[\u4e00-\u9fff]{2}", text):
        raise InvalidOperation(text)
    if bare.rfind(",") > bare.rfind(".") and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", bare):
        bare = bare.replace(".", "").replace(",", ".")
    return Decimal(bare.replace(",", ""))


def _customer(row: Row) -> dict[str, Any] | None:
    fields = {"id": "customer_id", "name": "customer_name", "phone": "phone", "email": "email",
              "language": "language"}  # fmt: skip
    found = {name: row[field] for name, field in fields.items() if row.get(field)}
    return found or None


def _items(row: Row) -> list[dict[str, Any]]:
    """The items of a line: one in columns of its own, or several in one cell."""
    if row.get("item_name") or row.get("item_sku"):
        item = {"name": row.get("item_name") or None, "sku": row.get("item_sku") or None}
        quantity = _number(row, "item_quantity")
        return [{**item, "quantity": 1 if quantity is None else int(quantity),
                 "price": _number(row, "item_price")}]  # fmt: skip
    texts = re.split(r"[;；|\n]", row.get("items", ""))
    return [_item(text.strip()) for text in texts if text.strip()]


def _item(text: str) -> dict[str, Any]:
    found = _ITEM.fullmatch(text)
    assert found is not None  # every text has a first part
    quantity = int(found[2] or found[3] or 1)
    return {"name": found[1] or text, "quantity": quantity}


def _attributes(row: Row) -> dict[str, Any]:
    """The facts in columns of their own, and those in a cell of JSON."""
    known = {name: row[name] for name in _PLAIN_ATTRIBUTES if row.get(name)}
    more = {name[1:]: text for name, text in row.items() if name.startswith("+") and text}
    text = row.get("attributes", "")
    if not text.startswith("{"):
        return more | known | ({"attributes": text} if text else {})
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        refuse("attributes", "不是有效的 JSON", "is not valid JSON")
    return more | known | dict(said)


def _checked(model: type[_Event], kind: str, at: datetime, data: Any) -> _Event:
    body = {"id": "row", "type": kind, "occurred_at": at, "data": data}
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part != "data")
        zh, en = _REASONS.get(first["type"], (first["msg"], first["msg"]))
        refuse(field, zh, en)
