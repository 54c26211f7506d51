"""Short texts by key and language, read from YAML files that business people edit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.core.errors import XiaoerError
from bot.core.yaml_loader import LOADER
from bot.words.heard import NOTHING, Heard
from bot.words.sandbox import Words


class PhrasesInvalid(XiaoerError):
    """A file of texts cannot be used; the message names the file and the text."""


class Voice:
    """Says things in the customer's language: `say("handoff.queued", "zh", position=2)`."""

    def __init__(
        self, words: Words, phrases: Mapping[str, Mapping[str, str]], heard: Heard = NOTHING
    ) -> None:
        self.words = words
        self.heard = heard
        self._phrases = phrases

    @classmethod
    def load(cls, words: Words, folder: Path) -> "Voice":
        """Read `<folder>/<room>/<language>.yaml`, where texts are `key: template`.

        The key becomes `room.key`. Every room has every key in all of the shop's languages.
        `<folder>/heard.yaml` has the words by which customers are understood.
        Raises `PhrasesInvalid` or `HeardInvalid`.
        """
        languages = words.shop.languages
        phrases: dict[str, dict[str, str]] = {language: {} for language in languages}
        for room in sorted({path.parent.name for path in folder.glob("*/*.yaml")}):
            for language in languages:
                for key, text in _read(folder / room / f"{language}.yaml", words).items():
                    phrases[language][f"{room}.{key}"] = text
        for language in languages:
            _refuse_missing(phrases, language, folder)
        return cls(words, phrases, Heard.load(folder))

    @property
    def default_language(self) -> str:
        """The language for customers who have not shown theirs."""
        return self.words.shop.default_language

    def names(self, room: str) -> list[str]:
        """What the texts of a room are called, as its file has them."""
        texts = self._phrases[self.default_language]
        return [key.removeprefix(f"{room}.") for key in texts if key.startswith(f"{room}.")]

    def source(self, key: str, language: str) -> str | None:
        """The text `key` as it was read from its file; None where there is none."""
        return self._phrases.get(language, {}).get(key)

    def say(self, key: str, language: str, **values: Any) -> str:
        """The text `key`, rendered for a reader of `language`."""
        known = language if language in self._phrases else self.default_language
        return self.words.render(self._phrases[known][key], known, **values)


def _read(path: Path, words: Words) -> dict[str, str]:
    try:
        texts = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 (a safe one)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PhrasesInvalid(f"无法读取 {path}：{error}", f"Cannot read {path}: {error}") from error
    if not isinstance(texts, dict):
        raise PhrasesInvalid(
            f"{path} 应为“键: 文本”的列表。", f"{path} should be a list of `key: text`."
        )
    for key, text in texts.items():
        wrong = words.check(text, facts=None) if isinstance(text, str) else "not a text"
        if wrong:
            raise PhrasesInvalid(
                f"{path} 中的 {key} 不能使用：{wrong}", f"{path}: {key} cannot be used: {wrong}"
            )
    return texts


def _refuse_missing(phrases: dict[str, dict[str, str]], language: str, folder: Path) -> None:
    everything = set().union(*(texts.keys() for texts in phrases.values()))
    missing = sorted(everything - phrases[language].keys())
    if missing:
        raise PhrasesInvalid(
            f"{folder} 缺少 {language} 文本：{', '.join(missing)}",
            f"{folder} lacks texts in {language}: {', '.join(missing)}",
        )
