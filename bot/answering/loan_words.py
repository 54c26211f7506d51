"""Reads the English words that Chinese sentences borrow: "我的order到哪了"."""

import re

from bot.core.text import language

_MEANT = {
    "order": "订单",
    "refund": "退款",
    "return": "退货",
    "parcel": "包裹",
    "package": "包裹",
    "shipping": "快递",
    "delivery": "快递",
    "coupon": "优惠券",
    "cancel": "取消",
    "invoice": "发票",
    "address": "地址",
}
_BORROWED = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(_MEANT)})(?![a-z0-9'-]) ?(?=(?P<next>[a-z]+)?)", re.IGNORECASE
)


def in_chinese(text: str) -> str:
    """`text` with what it borrows in Chinese; the same where it is not mostly Chinese, or
    quotes more than single words."""
    if language(text) != "zh":
        return text
    return _BORROWED.sub(_chinese, text)


def _chinese(found: re.Match[str]) -> str:
    return found.group() if found["next"] else _MEANT[found.group().strip().lower()]
