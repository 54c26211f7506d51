"""The fitted FAQ: understands questions; never changes once built."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.answering import cache as model_cache
from bot.answering.correct import Corrector, is_common_han
from bot.answering.decide import decide
from bot.answering.encoder import Encoder, shared_encoder
from bot.answering.features import mask_numbers
from bot.answering.gate import NAMES, signals
from bot.answering.load import LANGUAGES, Entry, Language
from bot.answering.off_topic import OFF_TOPIC
from bot.answering.understanding import Candidate, Correction, Understanding
from bot.core.text import is_traditional, language, normalise

if TYPE_CHECKING:
    from bot.answering.fitting import Model
    from bot.answering.rank import Scored

TOP = 5
"""How many candidates an understanding carries."""


@dataclass(frozen=True)
class Index:
    """Entries and the model fitted to their phrasings.

    Entries with the same id in Chinese and English are one. `version` names the whole content;
    `exact` has the entry of each phrasing, normalised.
    """

    entries: tuple[Entry, ...]
    version: str
    model: "Model"
    corrector: Corrector
    encoder: Encoder
    exact: dict[str, str]

    @classmethod
    def build(
        cls, entries: Sequence[Entry], cache: Path | None = None, encoder: Encoder | None = None
    ) -> "Index":
        """Fits `entries`, or takes the model from the folder `cache` when it was kept there."""
        if not any(entry.questions for entry in entries):
            raise ValueError("a FAQ index needs at least one entry with a phrasing")
        encoder = encoder or shared_encoder()
        texts = [normalise(question) for _, question in _phrasings(entries)]
        corrector = Corrector.build(
            texts, lambda word: is_common_han(word) or encoder.is_word(word)
        )
        return cls(
            tuple(entries),
            _version(entries),
            _model(entries, texts, cache, encoder),
            corrector,
            encoder,
            {
                text: entry_id
                for text, (entry_id, _) in zip(texts, _phrasings(entries), strict=True)
            },
        )

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The entries' ids, in the order of the model's columns."""
        return _ids(self.entries)

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages in which there is any entry."""
        return frozenset(entry.language for entry in self.entries)

    def entry(self, entry_id: str, wanted: str) -> Entry | None:
        """The entry in the wanted language, or else in the other; None for an unknown id."""
        return self._by_id.get((entry_id, wanted)) or next(
            (entry for (name, _), entry in self._by_id.items() if name == entry_id), None
        )

    def understand(self, texts: Sequence[str]) -> list[Understanding]:
        """What each text asks, in the order given; encoded together."""
        read = [_Read.of(text, self.corrector) for text in texts]
        asked = [one for one in read if one.language]
        found = iter(self._answers(asked) if asked else [])
        return [next(found) if one.language else self._nothing(one) for one in read]

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Entry]:
        return {(entry.id, entry.language): entry for entry in self.entries}

    @cached_property
    def _landmarks(self) -> tuple[str, ...]:
        """The phrasing behind each landmark of the model, as it was written."""
        phrasings = [question for _, question in _phrasings(self.entries)]
        return tuple(phrasings[row] for row in self.model.rows)

    def _answers(self, asked: list["_Read"]) -> list[Understanding]:
        masked = [mask_numbers(one.corrected) for one in asked]
        foreign = np.array([one.language not in self.languages for one in asked])
        scored = self.model.score(masked, self.encoder.encode(masked), foreign)
        self._prefer_exact(asked, scored)
        numbers = signals(scored)
        confidence = self.model.probability(numbers, foreign)
        return [
            Understanding(
                one.text,
                one.normalised,
                one.corrected,
                one.language,
                one.traditional,
                self._candidates(scored, row),
                decide(float(confidence[row])),
                float(confidence[row]),
                self.version,
                one.corrections,
                tuple(zip(NAMES, map(float, numbers[row]), strict=True)),
            )
            for row, one in enumerate(asked)
        ]

    def _prefer_exact(self, asked: list["_Read"], scored: "Scored") -> None:
        """A question asked word for word as a phrasing finds its entry, whatever the others say."""
        for row, one in enumerate(asked):
            entry_id = self.exact.get(one.normalised)
            if entry_id is not None:
                best = max(1.0, float(scored.scores[row].max()))
                scored.scores[row, self._place[entry_id]] = best + 1e-3

    @cached_property
    def _place(self) -> dict[str, int]:
        return {entry_id: place for place, entry_id in enumerate(self.ids)}

    def _candidates(self, scored: "Scored", row: int) -> tuple[Candidate, ...]:
        scores = scored.scores[row]
        return tuple(
            self._candidate(scored, row, int(place))
            for place in np.argsort(-scores, kind="stable")[:TOP]
        )

    def _candidate(self, scored: "Scored", row: int, place: int) -> Candidate:
        score = min(1.0, max(0.0, float(scored.scores[row, place])))
        own = np.flatnonzero(scored.labels == place)
        if not len(own):
            return Candidate(self.ids[place], score, "")
        nearest = int(own[scored.meaning[row, own].argmax()])
        return Candidate(self.ids[place], score, self._landmarks[nearest])

    def _nothing(self, one: "_Read") -> Understanding:
        return Understanding(
            one.text, one.normalised, one.corrected, None, False, (), "human", 0.0, self.version
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A text made ready for comparison."""

    text: str
    normalised: str
    corrected: str
    corrections: tuple[Correction, ...]
    language: Language | None
    traditional: bool

    @classmethod
    def of(cls, text: str, corrector: Corrector) -> "_Read":
        normalised = normalise(text)
        corrected, corrections = corrector.correct(normalised)
        spoken = language(normalised)
        return cls(
            text,
            normalised,
            corrected,
            corrections,
            spoken,
            spoken == "zh" and is_traditional(text),
        )


def _ids(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.id for entry in entries if entry.questions))


def _phrasings(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """(entry id, phrasing) in the order in which the model counts them."""
    return [(entry.id, question) for entry in entries for question in entry.questions]


def _version(entries: Sequence[Entry]) -> str:
    content = [
        [
            entry.id,
            entry.language,
            entry.title,
            entry.questions,
            entry.answer,
            entry.needs,
            entry.person,
            entry.related,
        ]
        for entry in entries
    ]
    text = json.dumps(content, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _model(
    entries: Sequence[Entry], texts: list[str], cache: Path | None, encoder: Encoder
) -> "Model":
    phrasings = _phrasings(entries)
    foreign = len({entry.language for entry in entries}) < len(LANGUAGES)
    name = model_cache.key([phrasings, OFF_TOPIC, foreign])
    kept = model_cache.read(cache, name) if cache else None
    if kept is not None:
        return kept
    from bot.answering.fitting import fit

    place = {entry_id: number for number, entry_id in enumerate(_ids(entries))}
    labels = np.array([place[entry_id] for entry_id, _ in phrasings], np.intp)
    model = fit(
        [mask_numbers(text) for text in texts],
        labels,
        len(place),
        [normalise(line) for line in OFF_TOPIC],
        encoder.encode,
        foreign,
    )
    if cache:
        model_cache.write(cache, name, model)
    return model
