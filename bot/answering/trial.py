"""Plays questions against the FAQ before customers do, to fit the gate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answering import rank
from bot.answering.features import share
from bot.answering.gate import Gate, fit_gate, signals
from bot.answering.rank import Array, Labels, Scored

FOLDS = 10
OUTSIDE_WEIGHT = 1.2
"""Weight of left-out entries and off-topic lines, together, against all in-scope phrasings.

Chosen on training data alone. Of each of five sets of phrasings (a shop's messages, 27 support
topics with 20 phrasings, 77 banking topics with 10, and the shipped FAQ in Chinese and in English
with 14 in each entry) each fifth of the entries in turn was taken away with a fifth of the other
phrasings and half of the off-topic lines; the model, gate included, was fitted on what was left
and asked what had been taken away. Among weights of 0.4 to 2 this one answered most right (55%)
with wrong answers to at most 3% (2.5%), answers about taken entries of the shipped FAQ to at most
15% (13%), and to at most 8% of what is off topic (2%), with some room for other shops.
"""


@dataclass(frozen=True)
class Asked:
    """Questions: vectors, cosines of wording to the landmarks, and share of known words."""

    vectors: Array
    wording: Array
    coverage: Array

    def mute(self) -> "Asked":
        """The same without a shared word."""
        return Asked(self.vectors, self.wording * 0, self.coverage * 0)


class Trial:
    """Plays questions that the FAQ has, has not, or that are off topic.

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
        self.numbers: list[NDArray[np.float64]] = []
        self.right: list[NDArray[np.bool_]] = []
        self.outside: list[NDArray[np.bool_]] = []

    def gate(self, off_topic: Asked) -> Gate:
        """The gate that tells best which of the questions played got the right entry."""
        generator = np.random.default_rng(0)
        by_phrasing = _folds(self.labels, generator)
        by_entry = generator.permutation(self.entries)[self.labels] % FOLDS
        for fold in range(FOLDS):
            self._leave_out(np.flatnonzero(by_phrasing == fold), entries_too=False)
            self._leave_out(np.flatnonzero(by_entry == fold), entries_too=True)
        everything = np.arange(len(self.labels))
        nowhere = np.full(len(off_topic.vectors), -1)
        self._play(everything, off_topic, self.weights, nowhere)
        right, outside = np.concatenate(self.right), np.concatenate(self.outside)
        weight = np.where(outside, OUTSIDE_WEIGHT * (~outside).sum() / max(1, outside.sum()), 1.0)
        return fit_gate(np.vstack(self.numbers), right, weight)

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
        asked = Asked(self.vectors[held], self.wording[np.ix_(held, kept)], coverage)
        truth = np.full(len(held), -1) if entries_too else self.labels[held]
        self._play(kept, asked, weights.astype(np.float32), truth)

    def _play(self, kept: Labels, asked: Asked, weights: Array, truth: Labels) -> None:
        meaning: Array = asked.vectors @ self.vectors[kept].T
        centres = rank.prototypes(self.vectors[kept], self.labels[kept], self.entries)
        proto = asked.vectors @ centres.T
        scores = rank.score(meaning, asked.wording, proto, weights)
        scored = Scored(scores, meaning, asked.wording, proto, asked.coverage, self.labels[kept])
        self.numbers.append(signals(scored))
        self.right.append(scores.argmax(axis=1) == truth)
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
