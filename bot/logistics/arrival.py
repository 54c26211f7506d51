"""Finds in a parcel's steps when it has come to the customer's city, where no carrier says so."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from bot.logistics.status import Status

_HAN = r"一-鿿"
_PEOPLES = (
    "朝鲜族|土家族|苗族|彝族|藏族|羌族|傣族|景颇族|白族|哈尼族|壮族|傈僳族|布依族|侗族|回族|蒙古族"
    "|蒙古|哈萨克|柯尔克孜|维吾尔"
)
_PROVINCE = re.compile(rf"^[{_HAN}]{{2,8}}?(?:省|自治区|特别行政区)(?=.)")
_CITY = re.compile(
    rf"^([{_HAN}]{{2,8}}?)(?:(?:{_PEOPLES})*自治州|市|地区|盟)(?!场)"  # not a market
)
_REGION_TAIL = re.compile(r"(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)$")
_NOT_HERE = re.compile(
    r"(?:下一[站步]|发往|前往|送往|运往|寄往|转往|目的地|收[件货]地|目的城市)[^。;；]*"
    r"|\b(?:next (?:stop|facility|station)|destination|bound for|heading (?:to|for)|en route to"
    r"|on its way to|(?:in transit|shipped|sent|forwarded|transferred"
    r"|departed\b[^.;]*?|left\b[^.;]*?|dispatched\b[^.;]*?) (?:to|for|towards))\b[^.;]*",
    re.IGNORECASE,
)
"""Where a step speaks of a place that the parcel has yet to reach."""
_LEAVES = re.compile(
    r"发出|离开|已发往|发车|启运|出库|\b(?:depart\w*|left|leaving|dispatched|shipped)\b",
    re.IGNORECASE,
)
_STREET = "东西南北中一二三四五六七八九十"
_OTHER_TOWN = r"(?<!new )(?<!north )(?<!south )(?<!east )(?<!west )(?<!port )(?<!san )(?<!fort )"
"""York is not New York."""
_VAGUE = {"", "中国", "china", "cn", "prc", "us", "usa", "united states", "美国"}
_FACILITY = re.compile(r"(?:[部点站店场]|中心|公司)$")
"""A place that is known by its name alone: the text may say in which city."""
_OF_THE_CITY = {Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY}


class Seen(Protocol):
    """A step as it was told or stored."""

    @property
    def status(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def place(self) -> str: ...


def has_arrived(address: Mapping[str, Any], earlier: Sequence[Seen], step: Seen) -> bool:
    """Whether `step`, which the carrier calls in transit, is in the city of the order's address.

    `earlier` are the parcel's steps before it, in order. The first step in the city counts, if it
    is no departure and the parcel was elsewhere before: a parcel that was sent from the same city
    never "arrives". What follows in the city after that counts as well.
    """
    city = city_of(address)
    if step.status != Status.IN_TRANSIT or not city or not _is_in(city, address, step):
        return False
    been = [one for one in earlier if _is_in(city, address, one)]
    if been:
        return any(one.status in _OF_THE_CITY for one in been)
    return bool(earlier) and not _LEAVES.search(step.text)


def city_of(address: Mapping[str, Any]) -> str:
    """The city of an address, without what only says that it is one; small letters.

    杭州市, 浙江省杭州市余杭区 and 杭州 are 杭州. Of 浦东新区 in 上海市 it is 上海; a
    district whose city is not told stays what it is. Empty where there is none.
    """
    city, region = (_plain(address.get(name)) for name in ("city", "region"))
    if not re.search(f"[{_HAN}]", city):
        return re.sub(r"^city of | city$", "", city)
    found = _CITY.match(_PROVINCE.sub("", city))
    if found is None and city.endswith(("区", "县", "旗")):
        found = _CITY.match(_PROVINCE.sub("", region))
    return found[1] if found else city


def region_of(address: Mapping[str, Any]) -> str:
    """The province or state of an address, in small letters: 浙江 for 浙江省."""
    region = _plain(address.get("region"))
    found = _PROVINCE.match(region)
    return _REGION_TAIL.sub("", found[0] if found else region)


def country_of(address: Mapping[str, Any]) -> str:
    """The country of an address, in small letters."""
    return _plain(address.get("country"))


def _is_in(city: str, address: Mapping[str, Any], step: Seen) -> bool:
    place = _plain(step.place)
    region = region_of(address)
    is_vague = place in _VAGUE or (region != city and _REGION_TAIL.sub("", place) == region)
    text = _plain(_NOT_HERE.sub(" ", step.text))
    told = f"{place} {text}" if is_vague or _FACILITY.search(place) else place
    return any(_names(told, name, region) for name in _spellings(city))


def _names(told: str, name: str, region: str) -> bool:
    if re.search(f"[{_HAN}]", name):
        # neither the province of that name, nor a street that is called after the city
        return bool(
            re.search(rf"{re.escape(name)}(?!省|自治区|[{_STREET}]?(?:路|街|大道|大街))", told)
        )
    pattern = rf"{_OTHER_TOWN}(?<!\w){re.escape(name)}(?!\w)(?:,? *([a-z]{{2}})(?![a-z]))?"
    return any(_same_state(found[1], region) for found in re.finditer(pattern, told))


def _same_state(state: str | None, region: str) -> bool:
    """Portland, OR is not Portland, ME; where one of them is not told it is the same."""
    told = state is not None and state != "cn" and len(region) == 2 and region.isascii()
    return not told or state == region


@cache
def _spellings(city: str) -> tuple[str, ...]:
    """The city's name, and for a Chinese one how it is written in Latin letters."""
    if not re.fullmatch(f"[{_HAN}]{{2,}}", city):
        return (city,)
    from pypinyin import lazy_pinyin  # slow to load

    return (city, "".join(lazy_pinyin(city)))


def _plain(value: Any) -> str:
    text = unicodedata.normalize("NFKD", str(value or "")).casefold()
    letters: Iterable[str] = (one for one in text if not unicodedata.combining(one))
    return " ".join("".join(letters).split())
