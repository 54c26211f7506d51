"""Brings sentences of two languages closer: what merely tells the language is taken away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.answering.rank import Array
from bot.core.text import language


@dataclass(frozen=True)
class Alignment:
    """`half`: half the way from the middle of English sentences to the middle of Chinese ones."""

    half: Array

    @classmethod
    def fit(cls, texts: Sequence[str], vectors: Array) -> "Alignment":
        """Learns from texts that speak of much the same things in both languages."""
        signs = _signs(texts)
        middles = [vectors[signs == sign].mean(axis=0) for sign in (1, -1)]
        return cls(np.asarray((middles[0] - middles[1]) / 2, np.float32))

    def apply(self, texts: Sequence[str], vectors: Array) -> Array:
        """The `vectors` of `texts` moved to the middle between the languages, of length 1."""
        moved = vectors - _signs(texts)[:, None] * self.half
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        return np.asarray(moved / np.maximum(lengths, 1e-9), np.float32)


def _signs(texts: Sequence[str]) -> Array:
    """1 for Chinese, -1 for English, 0 for texts without letters."""
    sign = {"zh": 1.0, "en": -1.0, None: 0.0}
    return np.array([sign[language(text)] for text in texts], np.float32)
