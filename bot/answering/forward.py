"""The encoder's arithmetic arranged for single questions: the library's vectors, sooner.

What a token contributes before it meets its neighbours never changes, so it is kept per token.
The rest is multiplied slot by slot: with few rows such pieces are small enough for the matrix
library to leave the weights where they lie, and copying them would cost more than the products.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ORDERS = ((2, 0), (3, 1), (5, 2))
"""(tokens, of these before the present one) for the three convolutions over neighbours."""
EMBEDDING, CHANNELS, EDGE = 512, 256, 2
"""Numbers per token, per convolution, and empty places around a sentence."""
_PROJECTED = EMBEDDING + CHANNELS * len(ORDERS)
_ROW = _PROJECTED + CHANNELS * sum(width for width, _ in ORDERS)
_TOKENS = 2048
"""Tokens kept (15 kB each); a shop's questions use fewer."""
_BUDGET = 400
"""Tokens computed together at most; a longer text is left to the library."""
_LONG_WORD = 24
"""Characters of a word whose pieces are not kept."""


class Forward:
    """Computes sentence vectors from the weights of `backend`, the library's numpy backend.

    `tokenizer` is the SentencePiece processor of the encoder's vocabulary.
    """

    def __init__(self, backend: Any, tokenizer: Any) -> None:
        self.weights, self.tokenizer = backend, tokenizer
        self._row_of: dict[int, int] = {}
        # Memory is only taken for rows once they are written. Row 0 is the empty place.
        self._rows: Floats = np.empty((_TOKENS + 1, _ROW), np.float32)
        self._rows[0] = 0
        self._pieces = lru_cache(maxsize=8192)(self._split)

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row of 512 numbers per text, of length 1."""
        found: list[Floats] = []
        group: list[list[int]] = []
        for text in texts:
            tokens = self._tokens(text)
            if group and sum(map(len, group)) + len(tokens) > _BUDGET:
                found.append(self._encode(group))
                group = []
            if len(tokens) > _BUDGET:
                found.append(self.weights.encode([text]))
            else:
                group.append(tokens)
        if group:
            found.append(self._encode(group))
        return np.vstack(found)

    def _encode(self, sentences: list[list[int]]) -> Floats:
        self._learn({token for tokens in sentences for token in tokens})
        lengths = np.array([len(tokens) for tokens in sentences])
        starts = np.cumsum(lengths + EDGE) - lengths - EDGE
        rows = np.zeros(int((lengths + EDGE).sum()) + EDGE, np.intp)
        for start, tokens in zip(starts + EDGE, sentences, strict=True):
            rows[start : start + len(tokens)] = [self._row_of[token] for token in tokens]
        sums = self._sums(self._features(rows), starts, lengths)
        return self._head(sums, lengths.astype(np.float32)[:, None])

    def _tokens(self, text: str) -> list[int]:
        own = self.tokenizer
        pieces = [
            piece
            for word in text.split()
            for piece in (self._pieces(word) if len(word) <= _LONG_WORD else self._split(word))
        ]
        return [own.bos_id(), *(pieces or [own.unk_id()]), own.eos_id()]

    def _split(self, word: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(word))

    def _learn(self, tokens: set[int]) -> None:
        """Makes sure that the rows of `tokens` are kept; forgets all others when room runs out."""
        new = tokens - self._row_of.keys()
        if len(new) + len(self._row_of) > _TOKENS:
            self._row_of.clear()
            new = tokens
        if new:
            first = len(self._row_of) + 1
            self._rows[first : first + len(new)] = self._fresh(np.array(list(new)))
            self._row_of.update(zip(new, range(first, first + len(new)), strict=True))

    def _fresh(self, tokens: NDArray[np.intp]) -> Floats:
        """Per token: embedding, its projections, and its share in each convolution's slots."""
        own = self.weights
        chunk = tokens % len(own.scale)
        embedding = own.table[tokens] * own.scale[chunk, None] + own.lo[chunk, None]
        projected = embedding @ own.proj_W + own.proj_b
        centred = projected - projected.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + own.eps)
        projected = centred / spread * own.ln_g_all + own.ln_b_all
        shares = [
            projected[:, _channels(order)] @ own.w1[order][_channels(slot)]
            for order, (width, _) in enumerate(ORDERS)
            for slot in range(width)
        ]
        return np.hstack([embedding, projected, *shares]).astype(np.float32)

    def _features(self, rows: NDArray[np.intp]) -> Floats:
        """The features of the tokens in `rows`, without the empty places at both ends."""
        known = self._rows[rows]
        count = len(rows) - 2 * EDGE
        inner = slice(EDGE, EDGE + count)
        filled = (rows[inner] > 0)[:, None]
        features = known[inner, :_PROJECTED].copy()
        share = _PROJECTED
        for order, (width, before) in enumerate(ORDERS):
            hidden = np.zeros((len(rows), CHANNELS), np.float32)
            core = hidden[inner]
            core += self.weights.b1[order]
            for slot in range(width):
                near = EDGE + slot - before
                core += known[near : near + count, share : share + CHANNELS]
                share += CHANNELS
            np.maximum(core, 0, out=core)
            own = slice(EMBEDDING + order * CHANNELS, EMBEDDING + (order + 1) * CHANNELS)
            core += features[:, own]
            core *= filled
            features[:, own] = core + self._second(hidden, order, EDGE - before, count)
        return features

    def _second(self, hidden: Floats, order: int, shift: int, count: int) -> Floats:
        """The second convolution over `hidden`, whose first slot looks at row `shift`."""
        result = np.tile(self.weights.b2[order], (count, 1))
        for slot in range(ORDERS[order][0]):
            near = slice(shift + slot, shift + slot + count)
            result += hidden[near] @ self.weights.w2[order][_channels(slot)]
        return np.asarray(np.maximum(result, 0), np.float32)

    def _sums(self, features: Floats, starts: Any, lengths: Any) -> Floats:
        """Each sentence's sum of its tokens' features, each token brought to mean 0, spread 1."""
        own = self.weights
        features -= features.mean(axis=1, keepdims=True)
        spread = np.einsum("ij,ij->i", features, features) / features.shape[1]
        scale = np.reciprocal(np.sqrt(spread + own.eps))
        sums = np.vstack(
            [
                scale[start : start + length] @ features[start : start + length]
                for start, length in zip(starts, lengths, strict=True)
            ]
        )
        normal = sums * own.ln_g + lengths[:, None] * own.ln_b
        return np.asarray(normal, np.float32)

    def _head(self, sums: Floats, lengths: Floats) -> Floats:
        own = self.weights
        mean = (sums @ own.cnn_W + lengths * own.cnn_b) / np.sqrt(lengths)
        first = np.maximum(mean @ own.d0, 0)
        second = np.maximum(mean @ own.p1 + first @ own.d1, 0)
        third = np.maximum(second @ own.d2, 0)
        result = np.tanh(second @ own.p3 + third @ own.d3)
        length = np.sqrt(np.maximum(np.square(result).sum(axis=1, keepdims=True), own.eps))
        return np.asarray(result / length, np.float32)


def _channels(number: int) -> slice:
    return slice(number * CHANNELS, (number + 1) * CHANNELS)
