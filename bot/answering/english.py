"""The English words that there are, so that none of them is taken for a slip of another."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FILE = "frequency_dictionary_en_82_765.txt"
"""SCOWL's words that Google's books have, the most frequent first; from symspellpy (MIT)."""
COMMON = 40_000
"""So many of them count: `chopsticks` is among them. Rarer ones are as often slips (96 names of
goods were tried, and typed slips in two sets of phrasings)."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def is_english(word: str) -> bool:
    """Whether the dictionary has this word, in lower case."""
    return word in _words()


def is_near_english(word: str) -> bool:
    """Whether one slip makes it of a word of the dictionary: a letter too few, too many, another
    one, or two changed over."""
    return not _words().isdisjoint(_one_slip(word))


@cache
def _words() -> frozenset[str]:
    package = find_spec("symspellpy")
    assert package is not None
    assert package.origin is not None
    lines = (Path(package.origin).parent / _FILE).read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.partition(" ")[0] for line in lines[:COMMON])


def _one_slip(word: str) -> set[str]:
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    return {
        *(before + after[1:] for before, after in halves if after),
        *(before + after[1] + after[0] + after[2:] for before, after in halves if len(after) > 1),
        *(before + one + after[1:] for before, after in halves if after for one in _LETTERS),
        *(before + one + after for before, after in halves for one in _LETTERS),
    }
