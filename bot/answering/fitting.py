"""Fits a model to labelled phrasings: ranking weights, prototypes and the gates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answering import rank
from bot.answering.decide import Gate, fit_gate, signals
from bot.answering.features import Lexicon, Postings, share, units
from bot.answering.rank import Array, Scored

FOLDS = 10
OUTSIDE_WEIGHT = 1.5
"""Weight of left-out entries and off-topic lines, together, against all in-scope phrasings."""

Labels = NDArray[np.intp]


@dataclass(frozen=True)
class Model:
    """Everything that answering needs, as plain arrays.

    The rows of `vectors` and what `wording` lists by term are the landmarks; `labels` gives
    their entries and `rows` their places among all phrasings.
    """

    lexicon: Lexicon
    vectors: Array
    wording: Postings
    labels: Labels
    rows: Labels
    weights: Array
    prototypes: Array
    gate: Gate
    foreign_gate: Gate

    def score(self, texts: Sequence[str], vectors: Array) -> Scored:
        """Scores masked, corrected `texts` with their sentence `vectors`."""
        meaning: Array = vectors @ self.vectors.T
        wording = np.vstack([self.wording.cosines(*self.lexicon.row(text)) for text in texts])
        coverage = np.array([self.lexicon.coverage(text) for text in texts], np.float32)
        scores = rank.kernel(meaning, wording) @ self.weights
        return Scored(scores, meaning, wording, vectors @ self.prototypes.T, coverage, self.labels)


def fit(
    texts: Sequence[str],
    labels: Labels,
    entries: int,
    off_topic: Sequence[str],
    encode: Callable[[Sequence[str]], Array],
) -> Model:
    """A model of `texts` (masked, normalised) with entry numbers `labels`; deterministic."""
    vectors = encode(texts)
    lexicon = Lexicon.fit(texts)
    wording = lexicon.matrix(texts)
    rows = rank.landmarks(labels)
    near = vectors[rows]
    columns = wording[rows].T.tocsr()
    near_wording = rank.dense_cosines(wording[rows], columns)
    gram = rank.kernel(near @ near.T, near_wording)
    inverse = rank.inverse(gram)
    trial = _Trial(
        inverse, near, near_wording, labels[rows], entries, [units(texts[row]) for row in rows]
    )
    gate, foreign_gate = trial.gates(off_topic, encode(off_topic), lexicon, columns)
    if len(rows) == len(labels):
        weights = trial.weights
    else:
        cross = rank.kernel(vectors @ near.T, rank.dense_cosines(wording, columns))
        weights = rank.fit_sampled(cross, gram, labels, entries)
    return Model(
        lexicon,
        near,
        Postings.of(columns),
        labels[rows],
        rows,
        weights,
        rank.prototypes(vectors, labels, entries),
        gate,
        foreign_gate,
    )


class _Trial:
    """Plays questions that the FAQ has, has not, or that are off topic, to fit the gates.

    What a model fitted without some phrasings would say follows from the inverse of the whole
    system, with B = (K + λI)⁻¹ and S the phrasings left out: α₋ₛ = α − B·ₛ Bₛₛ⁻¹ αₛ.
    """

    def __init__(
        self,
        inverse: NDArray[np.float64],
        vectors: Array,
        wording: Array,
        labels: Labels,
        entries: int,
        words: list[set[str]],
    ) -> None:
        self.inverse, self.vectors, self.wording = inverse, vectors, wording
        self.labels, self.entries, self.words = labels, entries, words
        self.targets = rank.one_hot(labels, entries)
        self.weights: Array = (inverse @ self.targets).astype(np.float32)
        self.numbers: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self.right: list[NDArray[np.bool_]] = []
        self.outside: list[NDArray[np.bool_]] = []

    def gates(
        self, off_topic: Sequence[str], off_vectors: Array, lexicon: Lexicon, columns: Any
    ) -> tuple[Gate, Gate]:
        """The gate for questions in a language that the FAQ has, and for those in another."""
        generator = np.random.default_rng(0)
        by_phrasing = _folds(self.labels, generator)
        by_entry = generator.permutation(self.entries)[self.labels] % FOLDS
        for fold in range(FOLDS):
            self._leave_out(np.flatnonzero(by_phrasing == fold), entries_too=False)
            self._leave_out(np.flatnonzero(by_entry == fold), entries_too=True)
        everything = np.arange(len(self.labels))
        self._play(
            everything,
            off_vectors,
            rank.dense_cosines(lexicon.matrix(off_topic), columns),
            np.array([lexicon.coverage(text) for text in off_topic], np.float32),
            self.weights,
            np.full(len(off_topic), -1),
        )
        right, outside = np.concatenate(self.right), np.concatenate(self.outside)
        weight = np.where(outside, OUTSIDE_WEIGHT * (~outside).sum() / max(1, outside.sum()), 1.0)
        own, foreign = zip(*self.numbers, strict=True)
        return fit_gate(np.vstack(own), right, weight), fit_gate(np.vstack(foreign), right, weight)

    def _leave_out(self, held: Labels, entries_too: bool) -> None:
        """Asks the phrasings `held` of a model that was fitted without them."""
        kept = np.setdiff1d(np.arange(len(self.labels)), held)
        if not len(held) or not len(kept):
            return
        correction = np.linalg.solve(
            self.inverse[np.ix_(held, held)], self.inverse[held] @ self.targets
        )
        weights = self.weights[kept] - self.inverse[np.ix_(kept, held)] @ correction
        known = set().union(*(self.words[row] for row in kept))
        coverage = np.array([share(self.words[row], known) for row in held], np.float32)
        truth = np.full(len(held), -1) if entries_too else self.labels[held]
        self._play(
            kept,
            self.vectors[held],
            self.wording[np.ix_(held, kept)],
            coverage,
            weights.astype(np.float32),
            truth,
        )

    def _play(
        self,
        kept: Labels,
        vectors: Array,
        wording: Array,
        coverage: Array,
        weights: Array,
        truth: Labels,
    ) -> None:
        meaning: Array = vectors @ self.vectors[kept].T
        centres = rank.prototypes(self.vectors[kept], self.labels[kept], self.entries)
        scored = Scored(
            rank.kernel(meaning, wording) @ weights,
            meaning,
            wording,
            vectors @ centres.T,
            coverage,
            self.labels[kept],
        )
        self.numbers.append((signals(scored), signals(scored.without_wording(weights))))
        self.right.append(scored.scores.argmax(axis=1) == truth)
        self.outside.append(truth < 0)


def _folds(labels: Labels, generator: np.random.Generator) -> Labels:
    """A fold per phrasing, dealt out within each entry so that each fold takes its share."""
    folds = np.zeros(len(labels), np.intp)
    dealt = 0
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        folds[rows] = (np.arange(len(rows)) + dealt) % FOLDS
        dealt += len(rows)
    return folds
