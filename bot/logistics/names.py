"""Who a carrier is, by the many names that shops write."""

import re

_NAMES = {
    "sf": "顺丰|sf|sfexpress|shunfeng",
    "yto": "圆通|yto|ytoexpress|yuantong",
    "zto": "中通|zto|ztoexpress|zhongtong",
    "sto": "申通|sto|stoexpress|shentong",
    "yunda": "韵达|yunda|yundaexpress|yd",
    "jtexpress": "极兔|百世|jt|jtexpress|best|bestexpress",
    "jd": "京东|jd|jdexpress|jdlogistics|jingdong",
    "ems": "ems|chinaems",
    "chinapost": "邮政|chinapost|youzheng",
    "deppon": "德邦|deppon|debang",
    "cainiao": "菜鸟|丹鸟|cainiao",
    "zjs": "宅急送|zjs",
    "dhl": "dhl|dhlexpress|敦豪",
    "ups": "ups|联合包裹",
    "fedex": "fedex|federalexpress|联邦",
    "usps": "usps|unitedstatespostalservice",
    "royalmail": "royalmail",
    "japanpost": "japanpost|日本邮便",
}
"""Each carrier's key, with its Chinese stems and its whole Latin names."""
_BY_LATIN = {
    name: key for key, names in _NAMES.items() for name in names.split("|") if name.isascii()
}
_HAN = [
    (name, key) for key, names in _NAMES.items() for name in names.split("|") if not name.isascii()
]
_NUMBERS = {
    "sf": r"SF\d{12,13}",
    "yto": r"YT\d{13,}",
    "jd": r"JD[A-Z]?[0-9A-Z]{10,}",
    "jtexpress": r"JT\d{13}",
    "ups": r"1Z[0-9A-Z]{16}",
    "ems": r"E[A-Z]\d{9}CN",
}
"""Tracking numbers that say by themselves whose they are."""


def carrier_key(name: str, tracking_number: str = "") -> str:
    """The carrier's key by the shop's name for it, or by the number; empty where neither tells.

    顺丰速运, SF Express and sf are `sf`. A name that is not known is its own key, in small letters,
    without blanks: parcels of one carrier belong together even so.
    """
    plain = re.sub(r"[^\w一-鿿]|_", "", name.casefold())
    if key := _BY_LATIN.get(plain):
        return key
    for stem, key in _HAN:
        if stem in plain:
            return key
    return plain or _by_number(tracking_number.upper())


def _by_number(number: str) -> str:
    return next((key for key, form in _NUMBERS.items() if re.fullmatch(form, number)), "")
