"""Finds the products that a customer's words or a link mean, in a few milliseconds of 10,000.

The names are kept in memory: words and pairs of Chinese characters lead to the products that have
them, and only those are compared. Before each search what was named since the last one is read.
"""

import heapq
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

from rapidfuzz import fuzz, process
from sqlmodel import Session

from bot.core.clock import now
from bot.shop.products import aliases, folded
from storage.models.products import named_since

_OVERLAP = timedelta(minutes=1)
"""How long a transaction may have lasted that named a product."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPARED, _WORTH = 300, 0.7
"""How many of the likeliest products are compared, and which part of the best one's words they have
at least."""
_PARTS = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SHORTEST = {True: 2, False: 3}
"""How many characters a name has at least, in Chinese and otherwise, to be meant by it."""
_LONGEST = 60
"""Longer words, in characters, say more than a product's name."""
_CLEAR = 5
"""From how many digits on an article number of digits alone is none of the many other numbers."""
_LITTLE = re.compile(
    r"the|and|for|with|of|in|on|to|a|an|my|your|new|set|is|it|you|me|i|this|that|gift|card"
)
"""Words that name nothing, though they may stand in a name."""
_POINTING = re.compile(r"the|my|this|that|your|a|an|these|those|our|his|her|some|any")
_POINTING_HAN = re.compile(r"(?:[这那][条件个款双只种把瓶盒支张套顶]?|我买?的)$")
_LIKE_FROM = 4
"""From how many characters on a name may be misspelt."""
_ALIKE, _LEAST_SHARE, _TIE = 75.0, 0.5, 0.97
_WORD_ALIKE = 78.0
_LINK = re.compile(r"https?://[^\s\u3000-\u9fff<>\"'，。！？]+", re.IGNORECASE)
_SHOPIFY = re.compile(r"/products/([^/]+)")


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that may be meant. `is_sure` when most of its name stands there as it is."""

    product_id: int
    name: str
    score: float
    is_sure: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    names: tuple[str, ...]
    url: str


class Catalogue:
    """The names and addresses of all products. One for the process; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = _EPOCH
        self._entries: dict[int, _Entry] = {}
        self._having: dict[str, set[int]] = defaultdict(set)
        self._at: dict[str, set[int]] = defaultdict(set)

    def load(self, session: Session) -> None:
        """Read all names, so that the first customer who asks need not wait for that."""
        with self._lock:
            self._refresh(session)

    def by_words(self, session: Session, words: str) -> list[Hit]:
        """The products that folded `words` mean, the likeliest first; as good ones have the same
        score. `words` are free of what is asked about the product."""
        if len(words) > _LONGEST:
            return []
        with self._lock:
            self._refresh(session)
            return self._search(words.strip())

    def without_names(self, text: str) -> str:
        """`text` with "it" or 这个 for what products are called; misspelt names stay.

        Reads no table and waits for nobody who does, so an event loop may ask it: a new product
        counts from the next search on.
        """
        plain = text.lower()
        if len(plain) != len(text):
            return text  # it has letters whose small form is longer
        for start, end in reversed(list(self._named(plain))):
            it = "这个" if _HAN.match(plain, start) else "it"
            text = f"{text[:start]}{it}{text[end:]}"
        return text

    def by_link(self, session: Session, text: str) -> list[int]:
        """The products, or variants of one, whose page a link in `text` leads to."""
        links = _LINK.findall(text)
        if not links:
            return []
        with self._lock:
            self._refresh(session)
            return next(filter(None, map(self._linked, links)), [])

    def _refresh(self, session: Session) -> None:
        began = now()
        since = min(self._read_at, began) - _OVERLAP if self._read_at > _EPOCH else _EPOCH
        for number, sku, name, url, attributes, _ in named_since(session, since):
            number_too = () if sku.isdecimal() and len(sku) < _CLEAR else (folded(sku),)
            names = dict.fromkeys(filter(None, (name, *aliases(attributes or {}), *number_too)))
            self._put(number, _Entry(tuple(names), url))
        self._read_at = began

    def _put(self, number: int, entry: _Entry) -> None:
        before = self._entries.get(number)
        if before == entry:
            return
        if before is not None:
            for key in _keys(before.names):
                self._having[key].discard(number)
            self._at[_page(before.url)[0]].discard(number)
        self._entries[number] = entry
        for key in _keys(entry.names):
            self._having[key].add(number)
        if entry.url:
            self._at[_page(entry.url)[0]].add(number)

    def _search(self, words: str) -> list[Hit]:
        weights: dict[int, float] = defaultdict(float)
        for having in self._telling(words):
            for number in having:
                weights[number] += 1 / len(having)
        least = max(weights.values(), default=0.0) * _WORTH
        likely = heapq.nlargest(
            _COMPARED, (one for one in weights if weights[one] >= least), key=weights.__getitem__
        )
        hits = [
            hit for number in likely if (hit := _compared(number, self._entries[number], words))
        ]
        return sorted(hits, key=lambda one: (-one.score, len(one.name), one.product_id))

    def _telling(self, words: str) -> list[set[int]]:
        """For each of the words the products that have it; words that many have only where there
        are no others."""
        found = [self._having[key] for key in self._known(words) if self._having.get(key)]
        rare = [having for having in found if len(having) <= _COMPARED]
        return rare or found

    def _named(self, plain: str) -> Iterator[tuple[int, int]]:
        """Where names of products, or parts of such, begin and end in lower-case text."""
        tokens = list(_PARTS.finditer(plain))
        at = 0
        while at < len(tokens):
            end = at
            while end < len(tokens) and self._is_named(tokens[end][0]):
                end += 1
            if end > at:
                yield _with_pointer(plain, tokens[max(0, at - 2) : at + 1]), tokens[end - 1].end()
            elif _HAN.match(tokens[at][0]):
                yield from self._named_in_han(tokens[at])
            at = max(end, at + 1)

    def _is_named(self, word: str) -> bool:
        """Whether a Latin word, or its plural or singular, is part of a product's name."""
        if _HAN.match(word) or _LITTLE.fullmatch(word) or len(word) < _SHORTEST[False]:
            return False
        return any(self._having.get(one) for one in (word, f"{word}s", word.removesuffix("s")))

    def _named_in_han(self, run: re.Match[str]) -> Iterator[tuple[int, int]]:
        """The parts of a run of Chinese characters of which each pair is in some name."""
        text, begin = run[0], None
        for at in range(len(text)):
            is_named = bool(self._having.get(text[at : at + 2])) and at + 1 < len(text)
            if is_named and begin is None:
                begin = at
            elif not is_named and begin is not None:
                before = _POINTING_HAN.search(text[:begin])
                yield run.start() + (before.start() if before else begin), run.start() + at + 1
                begin = None

    def _known(self, words: str) -> Iterator[str]:
        """What `words` consist of; a misspelt Latin word is taken for the nearest known one."""
        for key in _keys([words]):
            if key in self._having or _HAN.match(key) or len(key) < _LIKE_FROM:
                yield key
                continue
            near = process.extractOne(
                key, list(self._having), scorer=fuzz.ratio, score_cutoff=_WORD_ALIKE
            )
            if near:
                yield near[0]

    def _linked(self, link: str) -> list[int]:
        """Those whose page it is; parameters that their own address lacks are for tracking."""
        place, asked = _page(link)
        found = self._at.get(place, set())
        if not found and (handle := _SHOPIFY.search(place)):  # within a collection
            found = self._at.get(f"{place.partition('/')[0]}/products/{handle[1]}", set())
        own = {number: _page(self._entries[number].url)[1] for number in found}
        fitting = {number: own[number] for number in found if own[number] <= asked}
        most = max((len(one) for one in fitting.values()), default=0)
        return sorted(number for number, one in fitting.items() if len(one) == most)


def _with_pointer(plain: str, words: Sequence[re.Match[str]]) -> int:
    """Where a name begins that is the last of `words`: with "the", "my" or the like before it,
    whether one more word stands between them or not."""
    *before, name = words
    start = name.start()
    for one in reversed(before):
        if plain[one.end() : start].strip() or _HAN.match(one[0]):
            break
        start = one.start()
        if _POINTING.fullmatch(one[0]):
            return start
    return name.start()


def links_in(text: str) -> bool:
    """Whether there is a link in `text`."""
    return bool(_LINK.search(text))


def without_links(text: str) -> str:
    """`text` with its links left out."""
    return _LINK.sub(" ", text)


def _keys(names: Iterable[str]) -> set[str]:
    """Latin words, and pairs of neighbouring Chinese characters."""
    return {
        key
        for name in names
        for part in _PARTS.findall(name)
        for key in (
            [part[at : at + 2] for at in range(len(part) - 1)] if _HAN.match(part) else [part]
        )
    }


def _page(url: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A web address as host and path, and its parameters."""
    try:
        parts = urlsplit(url.casefold())
    except ValueError:  # such as half an IPv6 address
        return "", frozenset()
    host = parts.netloc.removeprefix("www.").removeprefix("m.")
    return host + unquote(parts.path).rstrip("/"), frozenset(parse_qsl(parts.query))


def _compared(number: int, entry: _Entry, words: str) -> Hit | None:
    hits = [hit for name in entry.names if (hit := _hit(number, name, words, entry.names[0]))]
    return max(hits, key=lambda one: one.score, default=None)


def _hit(number: int, name: str, words: str, shown: str) -> Hit | None:
    """How well `words` mean a product called `name`; None when they do not.

    The score grows with how much of the words is explained, so that "wool scarf" means the wool
    scarf rather than any scarf.
    """
    said, called = _bare(words), _bare(name)
    shorter = min(len(said), len(called))
    if shorter < _SHORTEST[bool(_HAN.search(said))] or not called:
        return None
    if said == called:
        return Hit(number, shown, 200.0, is_sure=True)
    alike = fuzz.partial_ratio(said, called) if _HAN.search(said) else _words_alike(words, name)
    least = _ALIKE if shorter >= _LIKE_FROM else 100.0
    share = min(1.0, len(called) / len(said))
    if alike < least or share < _LEAST_SHARE:
        return None
    is_most = len(said) > _SHORTEST[True] and len(said) >= len(called) * _LEAST_SHARE
    return Hit(number, shown, alike * share, is_sure=alike >= 100 and share >= 0.8 and is_most)


def _words_alike(words: str, name: str) -> float:
    """How much of the words of the shorter of the two stands in the longer, misspelt or not."""
    said, called = _PARTS.findall(words), _PARTS.findall(name)
    few, many = (said, called) if len(said) <= len(called) else (called, said)
    best = [max((_word_alike(one, other) for other in many), default=0.0) for one in few]
    weights = [len(one) for one in few]
    if not best or min(best) < _WORD_ALIKE:
        return 0.0
    return sum(b * w for b, w in zip(best, weights, strict=True)) / sum(weights)


def _word_alike(one: str, other: str) -> float:
    if min(len(one), len(other)) < _LIKE_FROM:
        return 100.0 if one == other or {one + "s", other + "s"} & {one, other} else 0.0
    if one == other or one + "s" == other or other + "s" == one:
        return 100.0
    return fuzz.ratio(one, other)


def _bare(text: str) -> str:
    return "".join(_PARTS.findall(text))


def as_good(hits: list[Hit]) -> list[Hit]:
    """Those of `hits` that are as likely as the first."""
    return [one for one in hits if one.score >= hits[0].score * _TIE] if hits else []
