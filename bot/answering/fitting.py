"""Fits a model to labelled phrasings: ranking weights, prototypes and the gate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.answering import rank
from bot.answering.align import Alignment
from bot.answering.features import Lexicon, Postings, units
from bot.answering.gate import Gate
from bot.answering.rank import Array, Labels, Scored
from bot.answering.trial import Asked, Trial

_AT_ONCE = 1000
"""Phrasings compared with the landmarks at one time, to bound memory."""


@dataclass(frozen=True)
class Model:
    """Everything that answers questions in one language, as plain arrays.

    The rows of `vectors` and what `wording` lists by term are the landmarks; `labels` gives
    their entries and `rows` their places among the phrasings. A model is `mute` when no phrasing
    is in the language of the questions: it judges by meaning alone.
    """

    lexicon: Lexicon
    alignment: Alignment
    vectors: Array
    wording: Postings
    labels: Labels
    rows: Labels
    prototypes: Array
    weights: Array
    gate: Gate
    mute: bool

    def score(self, texts: Sequence[str], vectors: Array) -> Scored:
        """Scores masked, corrected `texts` with their sentence `vectors`."""
        vectors = self.alignment.apply(texts, vectors)
        meaning: Array = vectors @ self.vectors.T
        if self.mute:
            wording = np.zeros_like(meaning)
            coverage = np.zeros(len(texts), np.float32)
        else:
            wording = np.vstack([self.wording.cosines(*self.lexicon.row(text)) for text in texts])
            coverage = np.array([self.lexicon.coverage(text) for text in texts], np.float32)
        proto: Array = vectors @ self.prototypes.T
        scores = rank.score(meaning, wording, proto, self.weights)
        return Scored(scores, meaning, wording, proto, coverage, self.labels)


@dataclass(frozen=True)
class Texts:
    """Masked, normalised texts and their sentence vectors."""

    texts: Sequence[str]
    vectors: Array


def fit(told: Texts, labels: Labels, entries: int, off_topic: Texts, *, mute: bool) -> Model:
    """A model of the phrasings `told` with entry numbers `labels`; deterministic."""
    alignment = Alignment.fit(off_topic.texts, off_topic.vectors)
    lexicon = Lexicon.fit(told.texts)
    rows = rank.landmarks(labels)
    vectors = alignment.apply(told.texts, told.vectors)
    wording = lexicon.matrix(told.texts)
    words = [units(told.texts[row]) for row in rows]
    off = Asked(
        alignment.apply(off_topic.texts, off_topic.vectors),
        rank.dense_cosines(lexicon.matrix(off_topic.texts), wording[rows].T.tocsr()),
        np.array([lexicon.coverage(text) for text in off_topic.texts], np.float32),
    )
    if mute:  # as questions see the phrasings that share no word with any
        wording, words, off = wording * 0, [set() for _ in words], off.mute()
    weights, gate = _Told(vectors, wording, words, labels, rows, entries).judged(off)
    return Model(
        lexicon,
        alignment,
        vectors[rows],
        Postings.of(wording[rows].T.tocsr()),
        labels[rows],
        rows,
        rank.prototypes(vectors, labels, entries),
        weights,
        gate,
        mute,
    )


@dataclass(frozen=True)
class _Told:
    """The phrasings: all of them, and `words` of the landmarks."""

    vectors: Array
    wording: Any
    words: list[set[str]]
    labels: Labels
    rows: Labels
    entries: int

    def judged(self, off_topic: Asked) -> tuple[Array, Gate]:
        """The ranking weights (landmarks × entries), and the gate for what they say."""
        near, columns = self.vectors[self.rows], self.wording[self.rows].T.tocsr()
        wording = rank.dense_cosines(self.wording[self.rows], columns)
        gram = rank.kernel(near @ near.T, wording)
        trial = Trial(
            rank.inverse(gram), near, wording, self.labels[self.rows], self.entries, self.words
        )
        gate = trial.gate(off_topic)
        if len(self.rows) == len(self.labels):
            return trial.weights, gate
        del trial
        return rank.fit_sampled(self._parts(near, columns), gram, self.entries), gate

    def _parts(self, near: Array, columns: Any) -> Iterator[tuple[Array, Labels]]:
        for start in range(0, len(self.labels), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            wording = rank.dense_cosines(self.wording[part], columns)
            yield rank.kernel(self.vectors[part] @ near.T, wording), self.labels[part]
