"""Hears whether a message wants no more offers, or no news of orders, or wants them again, in
whatever words."""

import re
from functools import lru_cache
from typing import Literal

from rapidfuzz.distance import OSA

from bot.words.heard import Heard, alternatives

Wish = Literal["stop", "maybe", "start", "no news", "news", ""]
_LONGEST = 60
"""A longer message says more than that, in characters."""
_NEAR, _NEAR_LATIN, _NEAR_END = 12, 30, 6
"""How far what is to stop may stand from the word of stopping, in characters."""
_MARKS = re.compile(r"[!?。,.、;:~…“”\"()\[\]【】《》<>*#+\-_/\\]+")
_TYPO_FROM, _TYPOS_FROM = 7, 11
"""From how many Latin letters on one, and two, may be mistyped."""


def wish(heard: Heard, normalised: str, *, stopped: bool = False) -> Wish:
    """What a normalised message wants: `stop`, `start`, or `maybe` stop, which has to be asked; `no
    news` of orders either, or `news` again.

    `stopped`: they have said stop before, so that "resume" is clear. What could as well be about an
    order or a parcel is no stop: a wrong one would be worse than one that is said again.
    """
    plain = " ".join(_MARKS.sub(" ", normalised.replace("’", "'")).split())
    if not plain or len(plain) > _LONGEST:
        return ""
    bare = heard.without("stop_polite", plain)
    said = {_squeezed(plain), _squeezed(bare)}
    starts = {*heard.words("start_whole"), *(heard.words("start_again") if stopped else ())}
    if not said.isdisjoint(starts):
        return "start"
    if _is_one_of(heard, "stop_whole", said):
        return "stop"
    if _is_one_of(heard, "stop_maybe", said):
        return "maybe"
    if news := _of_news(heard, plain):
        return news
    if heard.holds("stop_not", plain):
        return ""
    is_stop = heard.holds("stop_always", plain) or any(
        one.search(plain) for one in _pairs(heard, "stop_verbs", "stop_things")
    )
    return "stop" if is_stop else ""


def _squeezed(text: str) -> str:
    """`text` without the spaces between Chinese characters, which some type and most do not."""
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)


def _is_one_of(heard: Heard, name: str, said: set[str]) -> bool:
    words = heard.words(name)
    return any(one in words or _is_mistyped(one, words) for one in said)


def _is_mistyped(said: str, words: tuple[str, ...]) -> bool:
    if not said.isascii() or len(said) < _TYPO_FROM:
        return False
    most = 2 if len(said) >= _TYPOS_FROM else 1
    return any(OSA.distance(said, one, score_cutoff=most) <= most for one in words if one.isascii())


def _of_news(heard: Heard, plain: str) -> Wish:
    if heard.holds("news_not", plain) or not heard.holds("news_things", plain):
        return ""
    if any(one.search(plain) for one in _pairs(heard, "stop_verbs", "news_things")):
        return "no news"
    is_again = any(one.search(plain) for one in _pairs(heard, "news_again", "news_things"))
    return "news" if is_again else ""


@lru_cache(maxsize=8)
def _pairs(heard: Heard, before: str, about: str) -> tuple[re.Pattern[str], ...]:
    """A word of stopping, or another `before`, and what it is about, near each other; what it is
    about may stand before a word of stopping, too."""
    verbs, ends = heard.words(before), alternatives(heard.words("stop_ends"))
    things = alternatives(heard.words(about))
    han = alternatives(one for one in verbs if not one.isascii())
    latin = alternatives(one for one in verbs if one.isascii())
    return (
        re.compile(rf"(?:{han}).{{0,{_NEAR}}}(?:{things})"),
        re.compile(rf"(?:{latin}).{{0,{_NEAR_LATIN}}}(?:{things})"),
        re.compile(rf"(?:{things}).{{0,{_NEAR_END}}}(?:{ends})[了吧啊呀吗行 ]*$"),
    )
