"""Drafts an entry from what customers asked and agents answered, in the FAQ's own form."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bot.answering.gaps import Group, centred
from bot.answering.load import (
    LANGUAGES,
    MAX_ANSWER,
    MAX_QUESTION,
    MAX_TITLE,
    Entry,
    Language,
    Source,
)
from bot.answering.masking import MASK, mask
from bot.core.errors import XiaoerError
from bot.core.text import language, normalise

if TYPE_CHECKING:
    from bot.answering.index import Index

FILE = "drafts.yaml"
MAX_PHRASINGS = 30
_BRACE = re.compile(r"\{(?=[{%#])")
_WORD = re.compile(r"[a-z0-9]+")
_SMALL_WORDS = frozenset(
    _WORD.findall(
        "a an and any are at be by can could do does for from get has have hello hi how i if "
        "in is it its me my of on or our please so some that the their there they this to us "
        "was we what when where which will with would you your"
    )
)
_ID_WORDS, _ID_SYLLABLES = 4, 6
_ID_LENGTH = 40


class NoDraft(XiaoerError):
    """There is not enough to make an entry of."""


def draft(
    group: Group, answers: Iterable[str], existing: Sequence[Entry], index: "Index"
) -> list[Entry]:
    """An entry for the group's questions, in each language in which agents answered.

    `answers` is what agents said to those who asked. Personal data is masked in all texts.
    Questions in a language without an answer are added where there is one. Raises NoDraft.
    """
    answer = _answers(group, answers, index)
    if not answer:
        raise NoDraft(
            "还没有客服回答过这个问题：先在工作台回答其中一位顾客，再生成草稿。",
            "No agent has answered this yet: answer one of the customers first, then draft.",
        )
    phrasings = _phrasings(group, existing)
    if not phrasings:
        raise NoDraft(
            "去掉个人信息和已有的问法后，没有剩下可用的问法。",
            "Without personal data and phrasings that other entries have, nothing is left.",
        )
    spoken: list[Language] = [one for one in LANGUAGES if one in answer]
    home = {one: one if one in answer else spoken[0] for one in LANGUAGES}
    entry_id = _new_id(phrasings, {entry.id for entry in existing})
    entries = []
    for one in spoken:
        own = [text for text in phrasings if home[_language(text)] == one]
        if own:
            first = next((text for text in own if _language(text) == one), own[0])
            entries.append(
                Entry(
                    entry_id,
                    one,
                    _title(first),
                    tuple(own[:MAX_PHRASINGS]),
                    answer[one],
                    source=Source(f"{one}/{FILE}", 0),
                )
            )
    return entries


def literal(text: str) -> str:
    """`text` as a template that shows exactly it: nothing that an agent typed is a tag."""
    return _BRACE.sub("{{ '{' }}", text)


def _answers(group: Group, answers: Iterable[str], index: "Index") -> dict[Language, str]:
    """In each language the answer that is most like the others and nearest to the question."""
    said: dict[Language, list[str]] = {"zh": [], "en": []}
    for text in _substantial(answers, index):
        said[_language(text)].append(text)
    questions = [text for one in group.asked if language(text := normalise(mask(one.text)))]
    asked = centred(questions, index).mean(axis=0)
    found = {}
    for spoken, texts in said.items():
        if texts:
            vectors = centred([normalise(text) for text in texts], index)
            scores = vectors @ vectors.mean(axis=0) + vectors @ asked
            found[spoken] = literal(texts[int(np.argmax(scores))])
    return found


def _substantial(answers: Iterable[str], index: "Index") -> list[str]:
    """The masked answers that say something: no greetings or thanks, nothing overlong."""
    texts = [text for one in answers if language(normalise(text := mask(one.strip())))]
    texts = [text for text in texts if len(literal(text)) <= MAX_ANSWER]
    smalltalk = {entry.id for entry in index.entries if entry.is_smalltalk}
    read = index.understand(texts)
    said = [
        text
        for text, found in zip(texts, read, strict=True)
        if not (found.decision == "answer" and found.best and found.best.entry_id in smalltalk)
    ]
    return said or texts


def _phrasings(group: Group, existing: Sequence[Entry]) -> list[str]:
    """The masked questions, each once, the most typical first, without what entries have."""
    taken = {normalise(question) for entry in existing for question in entry.questions}
    found: dict[str, str] = {}
    for one in group.asked:
        text = " ".join(mask(one.text).split())[:MAX_QUESTION].strip()
        plain = normalise(text)
        if plain not in taken and language(plain.replace(MASK, "")):
            found.setdefault(plain, text)
    return list(found.values())


def _new_id(phrasings: Sequence[str], taken: Collection[str]) -> str:
    """A snake_case id from the first English phrasing's words, or else from pinyin."""
    english = next((text for text in phrasings if _language(text) == "en"), None)
    words = list(_id_words(english)) if english else _syllables(phrasings[0])
    name = "_".join(words)[:_ID_LENGTH].strip("_")
    if not name or not name[0].isalpha():
        name = f"draft_{name}".strip("_")
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (name, *numbered) if one not in taken)


def _id_words(text: str) -> Iterator[str]:
    words = _WORD.findall(normalise(text))
    telling = [word for word in words if word not in _SMALL_WORDS] or words
    yield from telling[:_ID_WORDS]


def _syllables(text: str) -> list[str]:
    from pypinyin import lazy_pinyin

    spoken = lazy_pinyin(normalise(text), errors=lambda other: " ".join(_WORD.findall(other)))
    return [word for one in spoken for word in _WORD.findall(one)][:_ID_SYLLABLES]


def _title(text: str) -> str:
    if len(text) <= MAX_TITLE:
        return text
    return text[: MAX_TITLE - 1].rstrip() + "…"


def _language(text: str) -> Language:
    return "zh" if language(normalise(text)) == "zh" else "en"
