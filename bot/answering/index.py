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
from bot.answering.english import is_english
from bot.answering.features import mask_numbers
from bot.answering.gate import NAMES, signals
from bot.answering.load import LANGUAGES, Entry, Language
from bot.answering.off_topic import OFF_TOPIC
from bot.answering.understanding import Candidate, Correction, Understanding
from bot.core.text import is_traditional, language, normalise

if TYPE_CHECKING:
    from bot.answering.fitting import Model, Texts
    from bot.answering.rank import Scored

TOP = 5
"""How many candidates an understanding carries."""
ENOUGH = 5
"""Phrasings of an entry in a language from which on it needs none of the other language."""


@dataclass(frozen=True)
class Index:
    """Entries and the models fitted to their phrasings, one for each language of questions.

    Entries with the same id in Chinese and English are one. `version` names the whole content;
    `exact` has the entry of each phrasing and title, normalised (buttons say titles, and customers
    write what buttons say); `landmarks` has the phrasing behind each landmark of the models, as it
    was written.
    """

    entries: tuple[Entry, ...]
    version: str
    models: dict[Language, "Model"]
    landmarks: dict[Language, tuple[str, ...]]
    corrector: Corrector
    encoder: Encoder
    exact: dict[str, str]

    @classmethod
    def build(
        cls, entries: Sequence[Entry], cache: Path | None = None, encoder: Encoder | None = None
    ) -> "Index":
        """Fits `entries`, or takes the models from the folder `cache` when they were kept there."""
        if not any(entry.questions for entry in entries):
            raise ValueError("a FAQ index needs at least one entry with a phrasing")
        encoder = encoder or shared_encoder()
        told = {spoken: _Told.of(entries, spoken) for spoken in LANGUAGES}
        maker = _Maker(_ids(entries), encoder, cache)
        models = {spoken: maker.model(told[spoken]) for spoken in LANGUAGES}
        exact = {normalise(one.text): one.entry_id for one in _phrasings(entries)}
        return cls(
            tuple(entries),
            _version(entries),
            models,
            {
                spoken: tuple(told[spoken].phrasings[row].text for row in model.rows)
                for spoken, model in models.items()
            },
            Corrector.build(exact, lambda word: _is_word(word, encoder)),
            encoder,
            {normalise(entry.title): entry.id for entry in entries if entry.questions} | exact,
        )

    @staticmethod
    def is_kept(entries: Sequence[Entry], cache: Path) -> bool:
        """Whether the folder `cache` has all models of `entries`, so that `build` need not fit."""
        names = [_Told.of(entries, spoken).name for spoken in LANGUAGES]
        return all(model_cache.has(cache, name) for name in names)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The entries' ids, in the order of the models' columns."""
        return _ids(self.entries)

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

    def _answers(self, asked: list["_Read"]) -> list[Understanding]:
        masked = [mask_numbers(one.corrected) for one in asked]
        vectors = self.encoder.encode(masked)
        found: dict[int, Understanding] = {}
        for spoken in LANGUAGES:
            rows = [row for row, one in enumerate(asked) if one.language == spoken]
            if rows:
                scored = self.models[spoken].score([masked[row] for row in rows], vectors[rows])
                judged = self._judged(spoken, [asked[row] for row in rows], scored)
                found.update(zip(rows, judged, strict=True))
        return [found[row] for row in range(len(asked))]

    def _judged(
        self, spoken: Language, asked: list["_Read"], scored: "Scored"
    ) -> list[Understanding]:
        self._prefer_exact(asked, scored)
        numbers = signals(scored)
        confidence = self.models[spoken].gate.probability(numbers)
        return [
            Understanding(
                one.text,
                one.normalised,
                one.corrected,
                one.language,
                one.traditional,
                self._candidates(spoken, scored, row),
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

    def _candidates(self, spoken: Language, scored: "Scored", row: int) -> tuple[Candidate, ...]:
        scores = scored.scores[row]
        return tuple(
            self._candidate(spoken, scored, row, int(place))
            for place in np.argsort(-scores, kind="stable")[:TOP]
        )

    def _candidate(self, spoken: Language, scored: "Scored", row: int, place: int) -> Candidate:
        score = min(1.0, max(0.0, float(scored.scores[row, place])))
        own = np.flatnonzero(scored.labels == place)
        if not len(own):
            return Candidate(self.ids[place], score, "")
        nearest = int(own[scored.meaning[row, own].argmax()])
        return Candidate(self.ids[place], score, self.landmarks[spoken][nearest])

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


def _is_word(word: str, encoder: Encoder) -> bool:
    """Whether it is a word: of Chinese, of English, or so common that the encoder has it whole."""
    return is_common_han(word) or is_english(word) or encoder.is_word(word)


def _ids(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.id for entry in entries if entry.questions))


@dataclass(frozen=True, slots=True)
class _Phrasing:
    """One way to ask for an entry."""

    entry_id: str
    language: Language
    text: str


def _phrasings(entries: Sequence[Entry]) -> list[_Phrasing]:
    return [
        _Phrasing(entry.id, entry.language, question)
        for entry in entries
        for question in entry.questions
    ]


@dataclass(frozen=True, slots=True)
class _Told:
    """What questions in one language are compared with; `mute`: nothing of it is in theirs."""

    phrasings: list[_Phrasing]
    mute: bool

    @classmethod
    def of(cls, entries: Sequence[Entry], spoken: Language) -> "_Told":
        """The phrasings in `spoken`, and those in the other language of entries that have fewer
        than `ENOUGH` in it."""
        rich = {
            one.id for one in entries if one.language == spoken and len(one.questions) >= ENOUGH
        }
        told = [
            one for one in _phrasings(entries) if one.language == spoken or one.entry_id not in rich
        ]
        return cls(told, all(one.language != spoken for one in told))

    @property
    def name(self) -> str:
        """What a model of them is called in the cache."""
        pairs = [(one.entry_id, one.text) for one in self.phrasings]
        return model_cache.key([*pairs, OFF_TOPIC, self.mute])


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


class _Maker:
    """Makes the models of one FAQ, or finds them in the folder `cache`."""

    def __init__(self, ids: tuple[str, ...], encoder: Encoder, cache: Path | None) -> None:
        self._place = {entry_id: number for number, entry_id in enumerate(ids)}
        self._encoder, self._cache = encoder, cache

    def model(self, told: _Told) -> "Model":
        """The model of the phrasings `told`."""
        kept = model_cache.read(self._cache, told.name) if self._cache else None
        if kept is not None:
            return kept
        from bot.answering.fitting import fit

        labels = np.array([self._place[one.entry_id] for one in told.phrasings], np.intp)
        texts = self._encoded([one.text for one in told.phrasings])
        model = fit(texts, labels, len(self._place), self._off_topic, mute=told.mute)
        if self._cache:
            model_cache.write(self._cache, told.name, model)
        return model

    @cached_property
    def _off_topic(self) -> "Texts":
        return self._encoded(OFF_TOPIC)

    def _encoded(self, texts: Sequence[str]) -> "Texts":
        from bot.answering.fitting import Texts

        masked = [mask_numbers(normalise(text)) for text in texts]
        return Texts(masked, self._encoder.encode(masked))
