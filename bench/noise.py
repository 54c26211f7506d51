"""Makes clean questions look typed in a hurry: slips of the finger, wrong homophones."""

from collections import defaultdict
from functools import cache

import numpy as np

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def typos(text: str, every: int, generator: np.random.Generator) -> str:
    """`text` with one slip in `every` Latin letters: swapped, missing, doubled or a neighbour's."""
    letters = [place for place, one in enumerate(text) if one.isascii() and one.isalpha()]
    # The remainder counts as a chance, so that short texts get their share.
    count = int(len(letters) / every + generator.random())
    characters = list(text)
    for place in sorted(generator.permutation(letters)[:count], reverse=True):
        characters[place : place + 2] = _slip(characters[place : place + 2], generator)
    return "".join(characters)


def homophones(text: str, share: float, generator: np.random.Generator) -> str:
    """`text` with this share (0–1) of its Han characters replaced by others of the same sound."""
    return "".join(
        _same_sound(one, generator) if generator.random() < share else one for one in text
    )


def _slip(pair: list[str], generator: np.random.Generator) -> list[str]:
    kind = generator.integers(4)
    first, rest = pair[0], pair[1:]
    if kind == 0:
        return [*rest, first]
    if kind == 1:
        return rest
    if kind == 2:
        return [first, first, *rest]
    return [_neighbour(first, generator), *rest]


def _neighbour(letter: str, generator: np.random.Generator) -> str:
    row = next((row for row in _ROWS if letter.lower() in row), _ROWS[0])
    place = row.find(letter.lower()) + (1 if generator.random() < 0.5 else -1)
    return row[place % len(row)]


def _same_sound(character: str, generator: np.random.Generator) -> str:
    others = [one for one in _by_sound().get(_sound(character), []) if one != character]
    return str(generator.choice(others)) if others else character


@cache
def _sound(character: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(character)[0]) if "\u4e00" <= character <= "\u9fff" else ""


@cache
def _by_sound() -> dict[str, list[str]]:
    """The 3,755 common characters (first level of GB 2312) by pinyin without tone."""
    sounds: dict[str, list[str]] = defaultdict(list)
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFA if high == 0xD7 else 0xFF):
            character = bytes([high, low]).decode("gb2312")
            sounds[_sound(character)].append(character)
    return sounds
