"""What the texts of care messages have to keep to, those of journeys and of sendings alike."""

import re
from collections.abc import Collection

from bot.care.facts import EMPTY, FULL
from bot.core.errors import Misread
from bot.words.sandbox import Facts, Words

_SHOWN = re.compile("\ue000(.+?)\ue001")


class _Unknown(str):
    """A fact that a message never has: as empty as it will be, but seen where it is shown."""

    name: str

    def __new__(cls, name: str) -> "_Unknown":
        made = super().__new__(cls, "")
        made.name = name
        return made

    def __str__(self) -> str:
        return f"\ue000{self.name}\ue001"


def fault(words: Words, text: str, known: Collection[str], *, has_pool: bool) -> Misread | None:
    """Why a text cannot be said, or None when it can.

    It may show the facts in `known` and ask for the others. With a pool it shows the coupon's
    code, and without one it does not.
    """
    if not text.strip():
        return Misread("是空的", "it is empty")
    wrong = words.fault(text, FULL) or words.fault(text, EMPTY)
    return wrong or _of_coupon(text, has_pool=has_pool) or _of_unknown(words, text, known)


def _of_coupon(text: str, *, has_pool: bool) -> Misread | None:
    if has_pool == ("coupon.code" in text):
        return None
    if has_pool:
        return Misread(
            "选了券池（pool），文本里就要有 coupon.code",
            "there is a pool, so the text has to show coupon.code",
        )
    return Misread(
        "文本里有 coupon.code，却没有选券池（pool）",
        "the text shows coupon.code, but there is no pool",
    )


def _of_unknown(words: Words, text: str, known: Collection[str]) -> Misread | None:
    """Try it with much and with little known: what nobody knows must not be what is shown."""
    for facts in (FULL, EMPTY):
        for language in words.shop.languages:
            said = words.render(text, language, **_without(facts, known))
            if found := _SHOWN.search(said):
                there = ("shop", *known)
                return Misread(
                    f"这里没有 {found[1]}，写出来是空的；可用的有：{'、'.join(there)}",
                    f"{found[1]} is not known here and would be empty; "
                    f"there are {', '.join(there)}",
                )
    return None


def _without(facts: Facts, known: Collection[str]) -> Facts:
    """The facts, of which only those in `known`, and a coupon, can be had."""
    return {
        name: values
        if name in (*known, "coupon")
        else {key: _Unknown(f"{name}.{key}") for key in values}
        for name, values in facts.items()
    }
