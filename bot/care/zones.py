"""In which time zone a customer lives, as far as it is known."""

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_BY_COUNTRY: Mapping[str, str] = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "CH": "Europe/Zurich", "CN": "Asia/Shanghai",
    "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
    "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens",
    "HK": "Asia/Hong_Kong", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IN": "Asia/Kolkata",
    "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "MO": "Asia/Macau",
    "MY": "Asia/Kuala_Lumpur", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "PH": "Asia/Manila", "PL": "Europe/Warsaw", "SE": "Europe/Stockholm", "SG": "Asia/Singapore",
    "TH": "Asia/Bangkok", "TR": "Europe/Istanbul", "TW": "Asia/Taipei", "VN": "Asia/Ho_Chi_Minh",
}  # fmt: skip
"""Countries with one time zone in which nearly everybody lives, by their ISO codes."""
_NAMES: Mapping[str, str] = {
    "中国": "CN", "中國": "CN", "china": "CN", "香港": "HK", "hong kong": "HK", "台湾": "TW",
    "台灣": "TW", "taiwan": "TW", "澳门": "MO", "日本": "JP", "japan": "JP", "新加坡": "SG",
    "singapore": "SG", "germany": "DE", "deutschland": "DE", "france": "FR",
    "united kingdom": "GB", "uk": "GB", "italy": "IT", "netherlands": "NL", "韩国": "KR",
}  # fmt: skip


def country_code(country: str) -> str:
    """The ISO code of a country as addresses name it; what is not known comes back as it is."""
    plain = country.strip()
    return _NAMES.get(plain.lower()) or plain.upper()


def zone_of(timezone: str, country: str, shop: ZoneInfo) -> ZoneInfo:
    """The customer's own zone, else that of the country of their address, else the shop's."""
    name = timezone or _BY_COUNTRY.get(country_code(country), "")
    return _zone(name) or shop


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
