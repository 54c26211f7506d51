"""Reads what the journeys of care say, for those who look after the words."""

from collections.abc import Callable, Iterator
from pathlib import Path

from bot.care import files
from bot.care.journeys import Journey
from bot.words.sandbox import Words

Text = tuple[str, tuple[str, ...], dict[str, tuple[str, str, str]]]
"""A text's key, what else is to know of it, and by language how it reads, its source and place."""


def texts(
    templates: Path, words: Words, preview: Callable[[str, str], str]
) -> tuple[list[Text], list[files.Problem]]:
    """Every text of the journeys in `templates`, and what is wrong with their files."""
    journeys, problems = files.check(templates, words)
    found = [text for one in journeys.values() for text in _of(one, templates, preview)]
    return found, problems


def _of(journey: Journey, templates: Path, preview: Callable[[str, str], str]) -> Iterator[Text]:
    file = f"{files.FOLDER}/{journey.name}.toml"
    lines = files.lines_of((templates / file).read_text(encoding="utf-8"))
    by_key: dict[str, dict[str, tuple[str, str, str]]] = {}
    for where, text in files.texts_of(journey):
        language = next(str(one) for one in where if one in ("zh", "en"))
        others = [str(one) for one in where if one not in ("texts", "channel_texts", language)]
        place = f"{templates.name}/{file}:{files.line_at(lines, where)}"
        key = ".".join([journey.name, *others])
        by_key.setdefault(key, {})[language] = (preview(text, language), text, place)
    marks = (journey.trigger, journey.purpose, "" if journey.enabled else "off unless enabled")
    for key, versions in by_key.items():
        yield key, tuple(one for one in marks if one), versions
