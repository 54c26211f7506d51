"""The arithmetic of ranking and deciding, on numbers small enough to check by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering import rank
from bot.answering.align import Alignment
from bot.answering.decide import decide
from bot.answering.features import Lexicon, Postings, mask_numbers, terms, units
from bot.answering.gate import NAMES, fit_gate, signals
from bot.answering.rank import RIDGE, Scored


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (1.0, "answer"),
        (0.5, "answer"),
        (0.49, "ask"),
        (0.2, "ask"),
        (0.19, "human"),
        (0.0, "human"),
    ],
)
def test_decide(confidence: float, expected: str) -> None:
    assert decide(confidence) == expected


def test_terms_of_both_scripts() -> None:
    assert list(terms("a 退货")) == ["w:a", " a ", "退", "货", "退货"]
    assert units("my 退货款") == {"w:my", "退货", "货款"}
    assert mask_numbers("order 123456 of 2") == "order 0000 of 2"


def test_words_that_no_phrasing_has_make_a_text_less_alike() -> None:
    lexicon = Lexicon.fit(["return", "refund"])
    lengths = [np.linalg.norm(lexicon.row(text)[1]) for text in ("return", "return it xyz", "xyz")]
    assert lengths[0] == pytest.approx(1)
    assert 0.1 < lengths[1] < 0.95
    assert lengths[2] == 0


def test_alignment_takes_away_what_tells_the_language() -> None:
    generator = np.random.default_rng(1)
    topics, gap = generator.normal(size=(4, 9)), 3 * generator.normal(size=9)
    texts = ["甲", "乙", "丙", "丁", "a", "b", "c", "d"]
    vectors = np.vstack([topics + gap, topics - gap]).astype(np.float32)
    moved = Alignment.fit(texts, vectors).apply(texts, vectors)
    np.testing.assert_allclose(moved[:4], moved[4:], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    unmoved = Alignment.fit(texts, vectors).apply(["12"], topics[:1])
    np.testing.assert_allclose(unmoved[0], topics[0] / np.linalg.norm(topics[0]), atol=1e-5)


@given(
    st.lists(st.text("退货运费 abc", max_size=12), min_size=1, max_size=8),
    st.text("退货ab ", max_size=12),
)
def test_postings_give_the_cosines_of_the_matrix(texts: list[str], question: str) -> None:
    lexicon = Lexicon.fit(texts)
    columns = lexicon.matrix(texts).T.tocsr()
    expected = (lexicon.matrix([question]) @ columns).toarray()[0]
    got = Postings.of(columns).cosines(*lexicon.row(question))
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_weights_solve_the_ridge_system() -> None:
    generator = np.random.default_rng(1)
    points = generator.normal(size=(6, 4)).astype(np.float32)
    gram = points @ points.T
    labels = np.array([0, 1, 2, 0, 1, 2])
    weights = rank.inverse(gram) @ rank.one_hot(labels, 3)
    np.testing.assert_allclose((gram + RIDGE * np.eye(6)) @ weights, np.eye(3)[labels], atol=1e-4)


def test_a_sample_of_all_gives_nearly_the_weights_of_all() -> None:
    generator = np.random.default_rng(1)
    points = generator.normal(size=(8, 20)).astype(np.float32) / 4
    gram = points @ points.T
    labels = np.arange(8) % 2
    whole = gram @ (rank.inverse(gram) @ rank.one_hot(labels, 2))
    np.testing.assert_allclose(gram @ rank.fit_sampled([(gram, labels)], gram, 2), whole, atol=1e-2)


def test_landmarks_take_every_entry_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "MAX_LANDMARKS", 6)
    labels = np.array([0] * 50 + [1] * 2 + [2] * 3)
    chosen = labels[rank.landmarks(labels)]
    assert np.bincount(chosen).tolist() == [2, 2, 2]
    assert rank.landmarks(labels).tolist() == rank.landmarks(labels).tolist()
    assert rank.landmarks(labels[:5]).tolist() == [0, 1, 2, 3, 4]


def test_signals_describe_the_winner() -> None:
    scored = Scored(
        scores=np.array([[0.2, 0.7]], np.float32),
        meaning=np.array([[0.9, 0.5, 0.6]], np.float32),
        wording=np.array([[0.1, 0.3, 0.2]], np.float32),
        proto=np.array([[0.4, 0.65]], np.float32),
        coverage=np.array([0.5], np.float32),
        labels=np.array([0, 1, 1]),
    )
    row = dict(zip(NAMES, signals(scored)[0], strict=True))
    share = row.pop("share")
    assert share == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-4)
    assert row == pytest.approx(
        {
            "score": 0.7,
            "margin": 0.5,
            "nearest": 0.9,
            "nearest_of_winner": 0.6,
            "prototype": 0.65,
            "prototype_margin": 0.25,
            "wording": 0.3,
            "wording_of_winner": 0.3,
            "coverage": 0.5,
            "agreement": 0.0,
        }
    )


def test_the_gate_learns_which_side_is_right() -> None:
    numbers = np.repeat(np.linspace(0, 1, 200)[:, None], len(NAMES), axis=1)
    gate = fit_gate(numbers, numbers[:, 0] > 0.5, np.ones(200))
    low, high = gate.probability(numbers[[0, 199]])
    assert low < 0.1 < 0.9 < high


def test_without_wrong_examples_the_gate_trusts_likeness() -> None:
    gate = fit_gate(np.ones((3, len(NAMES))), np.ones(3, bool), np.ones(3))
    row = np.zeros((2, len(NAMES)))
    row[:, NAMES.index("nearest_of_winner")] = [0.3, 0.95]
    low, high = gate.probability(row)
    assert decide(float(low)) == "human"
    assert decide(float(high)) == "answer"
