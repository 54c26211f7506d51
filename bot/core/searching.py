"""What is searched for in texts: how they are cut into words, what a query asks, where it is met.

Chinese, Japanese and Korean are written without spaces: a run of their characters is cut into
overlapping pairs, so that any two characters are found. Its last character is a word too; so each
character begins exactly one word, and a single one is found as a beginning.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from bot.core.messages import MAX_TEXT
from bot.core.text import normalise, to_simplified

MAX_QUERY = 100
"""Longest query that is read, in characters."""
MOST_PHRASES = 8
LONGEST_WORD = 40
"""What is longer, such as the middle of an address, is found by its beginning."""
_PAIRED = (
    r"\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3100-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_LETTERS = re.compile(r"[^\W_]+")
_PAIRED_RUN = re.compile(rf"([{_PAIRED}]+)")
_PAIR_LETTER = re.compile(rf"[{_PAIRED}]")
_NO_LETTER_BEFORE = rf"(?<![^\W_{_PAIRED}])"
_NO_LETTER_AFTER = rf"(?![^\W_{_PAIRED}])"
_CHUNK = re.compile(r'["\u201c\u201d\u300c\u300d]([^"\u201c\u201d\u300c\u300d]*)|(\S+)')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Runs of characters that follow directly on one another, with no word in between."""

    runs: tuple[str, ...]
    is_quoted: bool = False

    @property
    def words(self) -> list[str]:
        """The words that a text with the phrase has, in this order."""
        *before, last = self.runs
        cut = _cut(last)
        # A pair may follow on the last character, which then is no word of its own.
        end = cut[:-1] or cut if _is_paired(last) else cut
        return [word for run in before for word in _cut(run)] + end

    @property
    def is_open(self) -> bool:
        """Whether the last word may go on."""
        last = self.runs[-1]
        if _is_paired(last):
            return len(last) == 1
        return not self.is_quoted and len(last) > 1

    def pattern(self) -> str:
        """A regular expression for the phrase in a folded text."""
        first = self.runs[0]
        found = ("" if _is_paired(first) else _NO_LETTER_BEFORE) + re.escape(first)
        for before, run in pairwise(self.runs):
            gap = r"[\W_]*" if _is_paired(before) or _is_paired(run) else r"[\W_]+"
            found += gap + re.escape(run)
        last = self.runs[-1]
        may_go_on = _is_paired(last) or self.is_open or len(last) == LONGEST_WORD
        return found if may_go_on else found + _NO_LETTER_AFTER


@dataclass(frozen=True)
class Query:
    """All `phrases` must be in one text. `plain` is what was asked for, folded."""

    phrases: tuple[Phrase, ...]
    plain: str

    def __bool__(self) -> bool:
        return bool(self.phrases)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(phrase.pattern()) for phrase in self.phrases]

    def meets(self, text: str) -> bool:
        """Whether all that is asked for stands in `text`."""
        folded = normalise(text, MAX_TEXT)
        return all(pattern.search(folded) for pattern in self._patterns)

    def marked(self, text: str) -> list[tuple[str, bool]]:
        """`text` in pieces, and of each whether it is what was asked for."""
        folded, places = _folded(text)
        spans = sorted(
            (places[found.start()], places[found.end() - 1] + 1)
            for pattern in self._patterns
            for found in pattern.finditer(folded)
        )
        return list(_pieces(text, spans))


def words_of(text: str) -> list[str]:
    """The words of a text in their order."""
    return [word for run in _runs(normalise(text, MAX_TEXT)) for word in _cut(run)]


def read_query(asked: str) -> Query:
    """What a query asks for: words in any order, and phrases in quotes.

    Outside of quotes a Latin word or a number is met by whatever begins with it.
    """
    plain = normalise(asked, MAX_QUERY)
    phrases = []
    for quoted, bare in _CHUNK.findall(plain):
        if runs := list(_runs(quoted or bare)):
            phrases.append(Phrase(tuple(run[:LONGEST_WORD] for run in runs), bool(quoted)))
    return Query(tuple(dict.fromkeys(phrases))[:MOST_PHRASES], plain)


def _runs(folded: str) -> Iterator[str]:
    """The longest parts that are letters of one kind: of those written in pairs, or of others."""
    for letters in _LETTERS.findall(folded):
        if letters.isascii():
            yield letters
        else:
            yield from filter(None, _PAIRED_RUN.split(letters))


def _is_paired(run: str) -> bool:
    return _PAIR_LETTER.match(run) is not None


def _cut(run: str) -> list[str]:
    if _is_paired(run):
        return [run[place : place + 2] for place in range(len(run))]
    return [run[:LONGEST_WORD]]


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` as `normalise` makes it, but character by character, and where each came from."""
    simple = to_simplified(text)
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(simple if len(simple) == len(text) else text):
        made = unicodedata.normalize("NFKC", letter).lower()
        letters.append(made)
        places.extend([place] * len(made))
    return "".join(letters), places


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    at = 0
    for start, end in spans:
        if start > at:
            yield text[at:start], False
        if end > at:
            yield text[max(at, start) : end], True
            at = end
    if at < len(text):
        yield text[at:], False
