"""Reads misspelt words and wrong homophones as the FAQ's words they were meant to be."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log1p

from bot.answering.english import is_near_english
from bot.answering.features import HAN_RUN, LATIN_WORD
from bot.answering.understanding import Correction

SHORTEST = 3
"""Latin words with fewer letters have too many neighbours to be corrected."""
TWO_SLIPS, SURE = 5, 8
"""From this many letters on a word may have two slips: when a phrasing meant is seen more than
once, and from SURE letters on in any case."""
COMMON, BESIDE, FIRST = 0.1, 0.3, 0.3
"""What speaks for a word beside its distance, in slips: ln(1 + how often the phrasings have it),
each neighbour it has in some phrasing too, the same first letter. Chosen with typed slips in four
sets of phrasings (one in eight letters): they cost 6.5 points of those asked right, 10.4 before."""
_EDGE = ""
_NEIGHBOURS = 20
SOUNDING, PER = 3, 200
"""Pairs of characters must occur so often to be what another pair was meant to be: once, and once
more for each PER phrasings, up to SOUNDING. In a large FAQ a rare pair is often no word at all."""


@dataclass(frozen=True)
class Corrector:
    """Knows the FAQ's words: how often it has them, and beside which others.

    `is_word` tells which other words are real and left alone; of one that is a slip away from an
    English word, none that is further away was meant.
    """

    words: dict[str, int]
    beside: frozenset[tuple[str, str]]
    targets: tuple[str, ...]
    bigrams: frozenset[str]
    by_sound: dict[str, str]
    is_word: Callable[[str], bool]

    @classmethod
    def build(cls, texts: Iterable[str], is_word: Callable[[str], bool]) -> "Corrector":
        """Learns the words of the normalised phrasings `texts`."""
        texts = list(texts)
        often = min(SOUNDING, 1 + len(texts) // PER)
        words: Counter[str] = Counter()
        beside: set[tuple[str, str]] = set()
        bigrams: Counter[str] = Counter()
        for text in texts:
            found = LATIN_WORD.findall(text)
            words.update(found)
            beside.update(pairwise([_EDGE, *found, _EDGE]))
            for run in HAN_RUN.findall(text):
                bigrams.update(_pairs(run))
        by_sound: dict[str, str] = {}
        for bigram, count in bigrams.most_common():
            if count >= often:
                by_sound.setdefault(sound(bigram), bigram)
        long = sorted(word for word in words if len(word) >= SHORTEST and word.isalpha())
        return cls(
            dict(words), frozenset(beside), tuple(long), frozenset(bigrams), by_sound, is_word
        )

    def correct(self, text: str) -> tuple[str, tuple[Correction, ...]]:
        """The normalised `text` with its slips undone, and what was changed."""
        changes: list[Correction] = []

        words = [_EDGE, *LATIN_WORD.findall(text), _EDGE]
        meant = iter(
            self._noted(word, self._spelling(word, before, after), changes)
            for before, word, after in zip(words, words[1:-1], words[2:], strict=False)
        )
        text = LATIN_WORD.sub(lambda _: next(meant), text)
        text = HAN_RUN.sub(lambda match: self._homophones(match.group(), changes), text)
        return text, tuple(changes)

    def _spelling(self, word: str, before: str, after: str) -> str:
        """The FAQ word that `word`, typed between two others, was most likely meant to be."""
        if len(word) < SHORTEST or word in self.words or not word.isalpha() or self.is_word(word):
            return word
        limit = 2 if len(word) >= TWO_SLIPS and not is_near_english(word) else 1
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        near = process.extract(
            word, self.targets, scorer=OSA.distance, score_cutoff=limit, limit=_NEIGHBOURS
        )
        costs = {
            target: slips
            - COMMON * log1p(self.words[target])
            - BESIDE * (((before, target) in self.beside) + ((target, after) in self.beside))
            - FIRST * (target[0] == word[0])
            for target, slips, _ in near
            if slips < 2 or len(word) >= SURE or self.words[target] > 1
        }
        return min(costs, key=costs.__getitem__, default=word)

    def _homophones(self, run: str, changes: list[Correction]) -> str:
        """Rewrites pairs of characters that no phrasing has but that sound like one that does."""
        characters = list(run)
        place = 0
        while place < len(characters) - 1:
            pair = characters[place] + characters[place + 1]
            better = self._same_sound(pair)
            if better != pair and not self._within_words(characters, place):
                characters[place : place + 2] = self._noted(pair, better, changes)
                place += 1
            place += 1
        return "".join(characters)

    def _within_words(self, characters: list[str], place: int) -> bool:
        """Whether either character of the pair belongs to a common word beside it."""
        beside = (characters[max(0, place - 1) : place + 1], characters[place + 1 : place + 3])
        return any(len(pair) == 2 and self.is_word("".join(pair)) for pair in beside)

    def _same_sound(self, pair: str) -> str:
        if pair in self.bigrams:
            return pair
        likely = self.by_sound.get(sound(pair))
        return likely if likely and not self.is_word(pair) else pair

    @staticmethod
    def _noted(before: str, after: str, changes: list[Correction]) -> str:
        if before != after:
            changes.append(Correction(before, after))
        return after


def sound(han: str) -> str:
    """The pinyin of `han` without tones, character by character."""
    return " ".join(map(_syllable, han))


@lru_cache(maxsize=16384)
def _syllable(character: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(character)[0])


def is_common_han(pair: str) -> bool:
    """Whether a Chinese dictionary has `pair` as a word."""
    from pypinyin.constants import PHRASES_DICT

    return pair in PHRASES_DICT


def _pairs(run: str) -> Iterator[str]:
    return (run[start : start + 2] for start in range(len(run) - 1))
