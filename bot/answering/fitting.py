"""Fits a model to labelled phrasings: ranking weights, prototypes and the gates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answering import rank
from bot.answering.align import Alignment
from bot.answering.features import Lexicon, Postings, units
from bot.answering.gate import Gate
from bot.answering.rank import Array, Labels, Scored
from bot.answering.trial import Asked, Trial

_AT_ONCE = 1000
"""Phrasings compared with the landmarks at one time, to bound memory."""

Encode = Callable[[Sequence[str]], Array]


@dataclass(frozen=True)
class Judge:
    """Ranking weights (landmarks × entries), and the gate for what they say."""

    weights: Array
    gate: Gate


@dataclass(frozen=True)
class Model:
    """Everything that answering needs, as plain arrays.

    The rows of `vectors` and what `wording` lists by term are the landmarks; `labels` gives
    their entries and `rows` their places among all phrasings. `foreign` judges questions in a
    language that has no phrasings, by their meaning alone.
    """

    lexicon: Lexicon
    alignment: Alignment
    vectors: Array
    wording: Postings
    labels: Labels
    rows: Labels
    prototypes: Array
    own: Judge
    foreign: Judge

    def score(self, texts: Sequence[str], vectors: Array, foreign: NDArray[np.bool_]) -> Scored:
        """Scores masked, corrected `texts` with their sentence `vectors`."""
        vectors = self.alignment.apply(texts, vectors)
        meaning: Array = vectors @ self.vectors.T
        wording = np.vstack([self.wording.cosines(*self.lexicon.row(text)) for text in texts])
        coverage = np.array([self.lexicon.coverage(text) for text in texts], np.float32)
        wording[foreign], coverage[foreign] = 0.0, 0.0
        proto: Array = vectors @ self.prototypes.T
        scores = np.empty_like(proto)
        for judge, chosen in ((self.own, ~foreign), (self.foreign, foreign)):
            if chosen.any():
                scores[chosen] = rank.score(
                    meaning[chosen], wording[chosen], proto[chosen], judge.weights
                )
        return Scored(scores, meaning, wording, proto, coverage, self.labels)

    def probability(
        self, numbers: NDArray[np.float64], foreign: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """P(right), 0–1, from each question's signals."""
        own, other = (one.gate.probability(numbers) for one in (self.own, self.foreign))
        return np.where(foreign, other, own)


def fit(
    texts: Sequence[str],
    labels: Labels,
    entries: int,
    off_topic: Sequence[str],
    encode: Encode,
    foreign: bool = True,
) -> Model:
    """A model of `texts` (masked, normalised) with entry numbers `labels`; deterministic.

    Without `foreign`, no question can be in a language that the phrasings lack.
    """
    off_vectors = encode(off_topic)
    alignment = Alignment.fit(off_topic, off_vectors)
    lexicon = Lexicon.fit(texts)
    rows = rank.landmarks(labels)
    told = _Told(
        alignment.apply(texts, encode(texts)),
        lexicon.matrix(texts),
        [units(texts[row]) for row in rows],
        labels,
        rows,
        entries,
    )
    columns = told.wording[rows].T.tocsr()
    off = Asked(
        alignment.apply(off_topic, off_vectors),
        rank.dense_cosines(lexicon.matrix(off_topic), columns),
        np.array([lexicon.coverage(text) for text in off_topic], np.float32),
    )
    own = told.judge(off)
    return Model(
        lexicon,
        alignment,
        told.vectors[rows],
        Postings.of(columns),
        labels[rows],
        rows,
        rank.prototypes(told.vectors, labels, entries),
        own,
        told.mute().judge(off.mute()) if foreign else own,
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

    def mute(self) -> "_Told":
        """As a question sees them that shares no word with any: in a language the FAQ lacks."""
        return replace(self, wording=self.wording * 0, words=[set() for _ in self.words])

    def judge(self, off_topic: Asked) -> Judge:
        """Fits weights and gate."""
        near, columns = self.vectors[self.rows], self.wording[self.rows].T.tocsr()
        wording = rank.dense_cosines(self.wording[self.rows], columns)
        gram = rank.kernel(near @ near.T, wording)
        trial = Trial(
            rank.inverse(gram), near, wording, self.labels[self.rows], self.entries, self.words
        )
        gate = trial.gate(off_topic)
        if len(self.rows) == len(self.labels):
            return Judge(trial.weights, gate)
        del trial
        return Judge(rank.fit_sampled(self._parts(near, columns), gram, self.entries), gate)

    def _parts(self, near: Array, columns: Any) -> Iterator[tuple[Array, Labels]]:
        for start in range(0, len(self.labels), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            wording = rank.dense_cosines(self.wording[part], columns)
            yield rank.kernel(self.vectors[part] @ near.T, wording), self.labels[part]
