"""Scores every entry for a question: kernel ridge regression over meaning and wording."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.intp]

SHARPNESS = 2.0
"""γ of exp(γ·(cosine − 1)): near phrasings count far more than distant ones."""
WORDING = 0.4
"""Share of the literal similarity in the kernel, against 1 for meaning."""
RIDGE = 0.05
"""λ: how much the fit may bend towards a single phrasing."""
BIAS = 0.05
PROTOTYPE = 0.5
"""What likeness to the middle of an entry's phrasings adds to the entry's score.

The kernel's numbers were chosen by five-fold cross-validation over five sets of phrasings.
"""
MAX_LANDMARKS = 4000
"""Phrasings that questions are compared with; beyond, a sample stands for all (Nyström)."""


def kernel(meaning: Array, wording: Array) -> Array:
    """Similarity from cosines of meaning and of wording, both (questions × phrasings).

    k = exp(γ(meaning − 1)) + w·wording + bias: a sum of positive definite kernels, hence one.
    """
    result: Array = np.exp(SHARPNESS * (meaning - 1), dtype=np.float32)
    result += WORDING * wording
    result += BIAS
    return result


def landmarks(labels: Labels, seed: int = 0) -> Labels:
    """The rows to compare with: all, or a sample that gives every entry its turn."""
    if len(labels) <= MAX_LANDMARKS:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.zeros(len(labels), np.intp)
    seen: dict[int, int] = {}
    for row in order:
        label = int(labels[row])
        turn[row] = seen[label] = seen.get(label, -1) + 1
    chosen = order[np.argsort(turn[order], kind="stable")[:MAX_LANDMARKS]]
    return np.sort(chosen)


def inverse(gram: Array) -> NDArray[np.float64]:
    """(K + λI)⁻¹: times the targets Y it gives the weights of kernel ridge regression."""
    from scipy.linalg import inv

    system = gram.astype(np.float64)
    system[np.diag_indices_from(system)] += RIDGE
    return np.asarray(inv(system, overwrite_a=True, assume_a="pos"))


def fit_sampled(parts: Iterable[tuple[Array, Labels]], gram: Array, entries: int) -> Array:
    """Weights from a sample: α = (CᵀC + λG)⁻¹ CᵀY (subset of regressors).

    `parts`: C, all phrasings × landmarks, with their labels, some rows at a time; `gram` G:
    landmarks × landmarks.
    """
    from scipy.linalg import solve

    system = RIDGE * gram.astype(np.float64)
    target = np.zeros((len(gram), entries))
    count = 0
    for cross, labels in parts:
        wide = cross.astype(np.float64)  # in single precision the system may seem singular
        system += wide.T @ wide
        target += wide.T @ one_hot(labels, entries)
        count += len(labels)
    system[np.diag_indices_from(system)] += 1e-4 * count / len(gram)
    found = solve(system, target, assume_a="pos", overwrite_a=True, overwrite_b=True)
    return np.asarray(found, np.float32)


def one_hot(labels: Labels, entries: int) -> Array:
    """A row per label with 1 in its entry's column."""
    return np.eye(entries, dtype=np.float32)[labels]


def prototypes(vectors: Array, labels: Labels, entries: int) -> Array:
    """The mean direction of each entry's phrasings; zeros for an entry without any."""
    sums = one_hot(labels, entries).T @ vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-9), np.float32)


@dataclass(frozen=True)
class Scored:
    """What is known about some questions: all arrays have a row per question.

    `scores` (× entries), cosines of `meaning` and `wording` (× landmarks), `proto` (× entries),
    `coverage` (share of known words).
    """

    scores: Array
    meaning: Array
    wording: Array
    proto: Array
    coverage: Array
    labels: Labels


def score(meaning: Array, wording: Array, proto: Array, weights: Array) -> Array:
    """Questions × entries, from cosines to the landmarks and to the prototypes."""
    return np.asarray(kernel(meaning, wording) @ weights + PROTOTYPE * proto, np.float32)


def dense_cosines(left: Any, columns: Any) -> Array:
    """Cosines between sparse rows and sparse columns, all of length 1, as a dense matrix."""
    return np.asarray((left @ columns).toarray(), np.float32)
