"""The words by which customers are understood, read from a file that business people edit."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml

from bot.config import ROOT
from bot.core.errors import XiaoerError
from bot.core.text import normalise

NAME = "heard.yaml"
_LATIN = re.compile(r"[a-z0-9]")
_NOTHING = re.compile(r"(?!)")


class HeardInvalid(XiaoerError):
    """The file of words cannot be used; the message names it."""


class Heard:
    """Lists of words by name; every word is normalised, the longest come first."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._lists = {
            name: tuple(
                sorted({normalise(word) for word in words}, key=lambda one: (-len(one), one))
            )
            for name, words in lists.items()
        }
        self.pattern = cache(self._pattern)

    @classmethod
    def load(cls, folder: Path) -> "Heard":
        """Read the file in `folder`, the shipped one where a shop's own texts have none.

        Raises `HeardInvalid`.
        """
        path = folder / NAME
        if not path.exists():
            path = ROOT / "templates" / NAME
        try:
            # The base loader leaves "no" and "off" the words that they are.
            lists = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise HeardInvalid(
                f"无法读取 {path}：{error}", f"Cannot read {path}: {error}"
            ) from error
        if not isinstance(lists, dict) or not all(_is_list(words) for words in lists.values()):
            raise HeardInvalid(
                f"{path} 应为“名称: [词, 词]”的列表。", f"{path} should be `name: [word, word]`."
            )
        return cls(lists)

    def words(self, name: str) -> tuple[str, ...]:
        """The words of a list, none where it was left out."""
        return self._lists.get(name, ())

    def names(self, prefix: str) -> list[str]:
        """The lists whose names begin with `prefix`, without it."""
        return [one.removeprefix(prefix) for one in self._lists if one.startswith(prefix)]

    def holds(self, name: str, text: str) -> bool:
        """Whether a word of the list stands in the normalised `text`."""
        return bool(self.pattern(name).search(text))

    def without(self, name: str, text: str) -> str:
        """`text` with the words of the list left out."""
        return " ".join(self.pattern(name).sub(" ", text).split())

    def _pattern(self, name: str) -> re.Pattern[str]:
        """Any word of the list, Latin ones only as whole words; linear, for nothing repeats."""
        return re.compile(alternatives(self.words(name)))


NOTHING = Heard({})
"""No lists at all, for texts without customers."""


def alternatives(words: Iterable[str]) -> str:
    """An expression for any of `words`, the first that fits; nothing where there are none."""
    return "|".join(_exactly(word) for word in words) or _NOTHING.pattern


def _exactly(word: str) -> str:
    before = r"(?<![a-z0-9])" if _LATIN.match(word[0]) else ""
    after = r"(?![a-z0-9])" if _LATIN.match(word[-1]) else ""
    return before + re.escape(word) + after


def _is_list(words: object) -> bool:
    return isinstance(words, list) and all(
        isinstance(one, str) and bool(normalise(one)) for one in words
    )
