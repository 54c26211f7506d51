"""Reads what is asked about a product, and by which words the product is named."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.words.heard import Heard, alternatives

PRICE, STOCK, LINK, WATCH, HEALTH = "price", "stock", "link", "watch", "health"
"""What is no attribute in a product's data."""
WHAT = "what"
SUBSTANCE = ("ingredients", "material")
"""What a product consists of: what is known of health questions."""
_MARKS = re.compile(r"[!?。,，、;:~…“”\"()\[\]【】《》「」<>*#]+")

_AROUND = re.compile(
    r"^(?:(?:那么?|还有|就|我?要|是|我[问说]的?是)|(?:and|what about|how about|i mean|the|for|n) )+"
    r"|(?:的?(?:呢|那个|这个|那款|这款)?[啊呀吧]?| (?:one|ones|please|pls|too))$"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`about` are the attributes asked for, `words` what is left to name the product by.

    `points` when a thing at hand is meant: "this", "the one I bought". Words such as "red" alone
    say too little to name a product. `longer` are the words with those about health, which may be a
    part of the name.
    """

    about: tuple[str, ...]
    words: str
    longer: str
    points: bool
    says_little: bool = False


def read(heard: Heard, normalised: str) -> Asked | None:
    """What a normalised message asks about a product; None when it asks nothing of the kind."""
    plain = " ".join(_MARKS.sub(" ", normalised.replace("’", "'")).split())
    asking, meant = _asking(heard)
    about = list(dict.fromkeys(one for word in asking.findall(plain) for one in meant[word]))
    if not about or is_other(heard, plain):
        return None
    rest = asking.sub(" ", plain)
    words = _named(heard, rest)
    longer = _named(heard, asking.sub(lambda m: m[0] if HEALTH in meant[m[0]] else " ", plain))
    says_little = bool(words) and not heard.without("product_weak", words)
    points = heard.holds("product_this", rest)
    return Asked(_plain_wish(about), words, longer, points, says_little)


def is_other(heard: Heard, text: str) -> bool:
    """Whether something else than a product is spoken of; "what is in my order" at hand is one."""
    return heard.holds("product_not", heard.without("product_this", text))


def bare_name(normalised: str) -> tuple[str, bool]:
    """A message that may be nothing but a product's name, without "and", "呢" and the like, and
    whether there were such words, by which people go on asking."""
    plain = " ".join(_MARKS.sub(" ", normalised).split())
    bare = _AROUND.sub("", plain)
    return bare, bare != plain


def _named(heard: Heard, text: str) -> str:
    return heard.without("product_filler", heard.without("product_this", text))


@lru_cache(maxsize=8)
def _asking(heard: Heard) -> tuple[re.Pattern[str], Mapping[str, list[str]]]:
    """All words that ask, the longest first, and what each asks for."""
    meant = defaultdict(list)
    for one in heard.names("ask_"):
        for word in heard.words(f"ask_{one}"):
            meant[word].append(one)
    return re.compile(alternatives(sorted(meant, key=len, reverse=True))), meant


def _plain_wish(about: list[str]) -> tuple[str, ...]:
    """What the words say besides: "made of" is no question what it is, nor "tell me when it is
    back" one whether it is there."""
    if WATCH in about:
        return (WATCH,)
    others = [one for one in about if one != WHAT]
    return tuple(others or about)


def without_names_own(
    heard: Heard, about: tuple[str, ...], said: str, name: str
) -> tuple[str, ...]:
    """`about` without what was merely `said` as a part of the product's `name`, unless that is all
    there is: the price of a pillow for babies is no question about babies."""

    def is_names_own(attribute: str) -> bool:
        words = heard.pattern(f"ask_{attribute}").findall(said)
        return bool(words) and all(word in name for word in words)

    return tuple(one for one in about if not is_names_own(one)) or about
