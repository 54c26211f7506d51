"""The probability that the winning entry is right, from how it won."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answering.rank import Scored

STRENGTH = 0.3
"""Inverse of the regularisation (C) of the gate's logistic regression; see `trial`."""

NAMES = (
    "score",
    "margin",
    "share",
    "nearest",
    "nearest_of_winner",
    "prototype",
    "prototype_margin",
    "wording",
    "wording_of_winner",
    "coverage",
    "agreement",
)


def signals(scored: Scored) -> NDArray[np.float64]:
    """One row of numbers (see NAMES) per question that tell a right winner from a wrong one."""
    rows = np.arange(len(scored.scores))
    winner = scored.scores.argmax(axis=1)
    best, second = _top_two(scored.scores)
    own = scored.labels[None, :] == winner[:, None]
    proto = scored.proto[rows, winner]
    others = scored.proto.copy()
    others[rows, winner] = -1.0
    shares = np.exp(6.0 * (scored.scores - best[:, None]))
    nearest = scored.meaning.argmax(axis=1)
    return np.column_stack(
        [
            best,
            best - second,
            1.0 / shares.sum(axis=1),
            scored.meaning.max(axis=1),
            np.where(own, scored.meaning, -1.0).max(axis=1),
            proto,
            proto - others.max(axis=1),
            scored.wording.max(axis=1),
            np.where(own, scored.wording, 0.0).max(axis=1),
            scored.coverage,
            scored.labels[nearest] == winner,
        ]
    ).astype(np.float64)


def _top_two(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if scores.shape[1] == 1:
        return scores[:, 0], np.zeros(len(scores), np.float32)
    top = np.partition(scores, -2, axis=1)
    return top[:, -1], top[:, -2]


@dataclass(frozen=True)
class Gate:
    """Logistic regression over the signals: P(right) = 1 / (1 + exp(−(w·z + b)))."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: float

    def probability(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(right), 0–1, for each row of signals."""
        logit = (numbers - self.mean) / self.scale @ self.weight + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))


def fit_gate(
    numbers: NDArray[np.float64], right: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Gate:
    """Fits the gate on rows of signals, whether the winner was right, and each row's weight.

    With only one outcome to learn from (a FAQ of one entry), the gate trusts likeness alone.
    """
    mean, scale = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-6)
    if right.all() or not right.any():
        towards = np.zeros(numbers.shape[1])
        towards[NAMES.index("nearest_of_winner")] = 12.0
        return Gate(np.full_like(mean, 0.7), np.ones_like(scale), towards, 0.0)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    model.fit((numbers - mean) / scale, right, sample_weight=weight)
    return Gate(mean, scale, model.coef_[0], float(model.intercept_[0]))
