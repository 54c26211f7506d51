"""Words and parts of words of a text, weighted: what it says literally, beside what it means."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
LATIN_WORD = re.compile(r"[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
_LONG_NUMBER = re.compile(r"(?<!\d)(?!(?:12315|12345|12321|12378|12300)(?!\d))\d{4,}")
"""But for China's hotlines for consumers and citizens, which do say what somebody is about."""
_WORD, _PAIR = "w:", "b:"


def mask_numbers(text: str) -> str:
    """`text` with long numbers made alike: which order it is says nothing about the question."""
    return _LONG_NUMBER.sub("0000", text)


def terms(text: str) -> Iterator[str]:
    """Latin words, pairs of words and 3–4 letters within a word; Han characters and bigrams."""
    words = LATIN_WORD.findall(text)
    for word in words:
        yield _WORD + word
        padded = f" {word} "
        for size in (3, 4):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]
    for left, right in pairwise(words):
        yield f"{_PAIR}{left} {right}"
    for run in HAN_RUN.findall(text):
        yield from run
        for start in range(len(run) - 1):
            yield run[start : start + 2]


def units(text: str) -> set[str]:
    """The terms that a reader would call words: Latin words and Han bigrams."""
    found = {_WORD + word for word in LATIN_WORD.findall(text)}
    for run in HAN_RUN.findall(text):
        found.update(run[start : start + 2] for start in range(max(1, len(run) - 1)))
    return found


@dataclass(frozen=True)
class Lexicon:
    """The known terms and their weights (inverse document frequency); `unseen`: of any other."""

    column: dict[str, int]
    weight: NDArray[np.float32]
    unseen: float

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Lexicon":
        """Learns the terms of `texts`; weight = ln((1 + n) / (1 + texts with the term)) + 1."""
        counts = Counter(term for text in texts for term in set(terms(text)))
        names = sorted(counts)
        frequency = np.array([counts[name] for name in names], dtype=np.float64)
        weight = np.log((1 + len(texts)) / (1 + frequency)) + 1
        unseen = float(np.log(1 + len(texts)) + 1)
        return cls({name: i for i, name in enumerate(names)}, weight.astype(np.float32), unseen)

    def matrix(self, texts: Sequence[str]) -> Any:
        """Sparse rows (scipy CSR), one per text; see `row`."""
        from scipy import sparse

        columns: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float32]] = []
        for text in texts:
            row, value = self.row(text)
            columns.append(row)
            values.append(value)
        starts = np.cumsum([0, *map(len, columns)])
        return sparse.csr_matrix(
            (_joined(values, np.float32), _joined(columns, np.int32), starts),
            shape=(len(texts), len(self.column)),
        )

    def row(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The text's known terms: their columns and (1 + ln count) · weight.

        Divided by the length over all terms, known or not: a text that shares one word of many
        with the phrasings is not like them.
        """
        counts = Counter(terms(text))
        known = {self.column[term]: n for term, n in counts.items() if term in self.column}
        row = np.fromiter(known.keys(), np.int32, len(known))
        value = np.fromiter(known.values(), np.float32, len(known))
        value = (1 + np.log(value)) * self.weight[row]
        strange = sum((1 + log(n)) ** 2 for term, n in counts.items() if term not in self.column)
        length = sqrt(float(value @ value) + strange * self.unseen**2)
        return row, value / max(length, 1e-9)

    def coverage(self, text: str) -> float:
        """The share (0–1) of the text's words that some phrasing contains; 0 without words."""
        return share(units(text), self.column)


@dataclass(frozen=True)
class Postings:
    """For each term, which phrasings have it and with what weight (three arrays as in CSR)."""

    starts: NDArray[np.int32]
    places: NDArray[np.int32]
    weights: NDArray[np.float32]
    count: int

    @classmethod
    def of(cls, columns: Any) -> "Postings":
        """From a sparse matrix (scipy CSR), terms × phrasings."""
        return cls(columns.indptr, columns.indices, columns.data, columns.shape[1])

    def cosines(self, row: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of a text (its `Lexicon.row`) to every phrasing."""
        starts = self.starts[row]
        lengths = self.starts[row + 1] - starts
        ends = np.cumsum(lengths)
        if not len(row) or not ends[-1]:
            return np.zeros(self.count, np.float32)
        taken = np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)
        weighted = self.weights[taken] * np.repeat(value, lengths)
        sums = np.bincount(self.places[taken], weights=weighted, minlength=self.count)
        return sums.astype(np.float32)


def share(wanted: set[str], known: Container[str]) -> float:
    """The share (0–1) of `wanted` found in `known`; 0 when nothing is wanted."""
    return sum(unit in known for unit in wanted) / len(wanted) if wanted else 0.0


def _joined(parts: list[Any], kind: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
