"""A fitted FAQ understands, keeps its model on disk, and trusts no file blindly."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.answering import fitting
from bot.answering.index import Index
from bot.answering.load import Entry, load
from bot.answering.understanding import Correction
from tests.unit.answering.conftest import write_faq


def best(index: Index, text: str) -> str | None:
    found = index.understand([text])[0].best
    return found.entry_id if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我想退货", "return_how"),
        ("怎麼退貨呢", "return_how"),
        ("how can i return it", "return_how"),
        ("when does my parcel arrive", "shipping_time"),
        ("what time do you open", "opening_hours"),
        ("有礼品卡卖吗", "gift_card"),
    ],
)
def test_questions_find_their_entry_whatever_its_language(
    index: Index, text: str, expected: str
) -> None:
    assert best(index, text) == expected


def test_an_understanding_tells_how_it_came_about(index: Index) -> None:
    one = index.understand(["  怎麼退貨，快地几天到？"])[0]
    assert (one.text, one.language, one.traditional) == ("  怎麼退貨，快地几天到？", "zh", True)
    assert one.normalised == "怎么退货,快地几天到?"
    assert one.corrections == (Correction("快地", "快递"),)
    assert one.corrected == "怎么退货,快递几天到?"
    assert one.index_version == index.version
    assert dict(one.signals)["score"] == pytest.approx(one.candidates[0].score, abs=1e-6)


def test_candidates_are_different_entries_best_first(index: Index) -> None:
    one = index.understand(["can i return my order"])[0]
    assert (one.candidates[0].entry_id, one.candidates[0].phrasing) == (
        "return_how",
        "can i return my order",
    )
    assert sorted(c.entry_id for c in one.candidates) == sorted(index.ids)
    scores = [c.score for c in one.candidates]
    assert scores == sorted(scores, reverse=True)
    assert one.choices == one.candidates[:3]


@pytest.mark.parametrize("text", ["", "   ", "？？！", "12345", "😀👍", "\u200b", "<>&"])
def test_without_letters_there_is_nothing_to_answer(index: Index, text: str) -> None:
    one = index.understand([text])[0]
    assert (one.candidates, one.decision, one.confidence, one.language) == ((), "human", 0.0, None)


def test_a_batch_gives_each_text_its_own_answer_in_order(index: Index) -> None:
    texts = ["怎么退货", "", "how long does delivery take", "!!", "你们几点营业"]
    together = index.understand(texts)
    alone = [index.understand([text])[0] for text in texts]
    assert [one.text for one in together] == texts
    assert [one.best and one.best.entry_id for one in together] == [
        "return_how",
        None,
        "shipping_time",
        None,
        "opening_hours",
    ]
    np.testing.assert_allclose(
        [one.confidence for one in together], [one.confidence for one in alone], atol=1e-4
    )


def test_long_and_odd_texts_are_taken(index: Index) -> None:
    odd = ["退" * 20_000, "a" * 20_000, "\x00\ud800退货", "𠀀𠀁", "ﷺ" * 300]
    assert [one.text for one in index.understand(odd)] == odd


def test_an_entry_of_the_other_language_serves_where_one_is_missing(index: Index) -> None:
    english, fallback = index.entry("return_how", "en"), index.entry("gift_card", "zh")
    assert english is not None
    assert fallback is not None
    assert (english.language, fallback.language) == ("en", "en")
    assert index.entry("nothing", "zh") is None


def test_building_twice_gives_the_same(tmp_path: Path, index: Index) -> None:
    again = Index.build(load(write_faq(tmp_path)))
    assert again.version == index.version
    assert again.understand(["想退个货"]) == index.understand(["想退个货"])


def test_the_version_names_the_content(index: Index) -> None:
    other = [replace(index.entries[0], answer="别的"), *index.entries[1:]]
    assert Index.build(other).version != index.version


def test_one_entry_is_enough() -> None:
    alone = Index.build([Entry("only", "zh", "标题", ("怎么退货",), "好")])
    found, odd = alone.understand(["怎么退货", "who won the world cup"])
    assert (found.decision, odd.decision) == ("answer", "human")


def test_no_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        Index.build([])


def test_many_phrasings_are_stood_for_by_a_sample(
    monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    monkeypatch.setattr(fitting.rank, "MAX_LANDMARKS", 15)
    sampled = Index.build(index.entries)
    assert {len(model.rows) for model in sampled.models.values()} == {15}
    assert best(sampled, "我要退货") == "return_how"
    assert best(sampled, "周末开门吗") == "opening_hours"


def test_a_phrasing_word_for_word_finds_its_entry_even_when_the_sample_lacks_it(
    monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    monkeypatch.setattr(fitting.rank, "MAX_LANDMARKS", 5)
    sampled = Index.build(index.entries)
    pairs = [
        (text, entry.id) for entry in index.entries for text in (*entry.questions, entry.title)
    ]
    assert [best(sampled, f" {text}") for text, _ in pairs] == [entry for _, entry in pairs]


class TestCache:
    @pytest.fixture
    def folder(self, tmp_path: Path, index: Index) -> Path:
        Index.build(index.entries, tmp_path / "cache")
        return tmp_path / "cache"

    def test_the_kept_model_answers_as_the_fitted_one(
        self, folder: Path, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fitting, "fit", None)  # fitting again would fail
        kept = Index.build(index.entries, folder)
        assert kept.understand(["想退货", "hello"]) == index.understand(["想退货", "hello"])

    def test_new_answers_need_no_new_fit_and_new_phrasings_do(
        self, folder: Path, index: Index
    ) -> None:
        first, *rest = index.entries
        Index.build([replace(first, answer="新的回答"), *rest], folder)
        assert len(list(folder.iterdir())) == 2
        Index.build([replace(first, questions=(*first.questions, "退掉它")), *rest], folder)
        assert len(list(folder.iterdir())) == 4

    def test_a_phrasing_concerns_the_other_language_only_while_that_has_few(
        self, tmp_path: Path
    ) -> None:
        zh = Entry(
            "hours", "zh", "营业", ("几点开门", "几点关门", "营业吗", "开门吗", "几点营业"), "九点"
        )
        en = Entry("hours", "en", "Hours", ("a b", "when open", "open now", "hours", "closed"), "9")
        for counted, english in ((2, en), (3, en), (5, replace(en, questions=en.questions[:4]))):
            more = replace(zh, questions=(*zh.questions, f"开不开{'呀' * counted}"))
            Index.build([more, english], tmp_path)
            assert len(list(tmp_path.iterdir())) == counted

    @pytest.mark.parametrize("damage", ["empty", "cut", "noise", "pickle", "parts"])
    def test_a_damaged_file_is_fitted_again(
        self, folder: Path, index: Index, damage: str, tmp_path: Path
    ) -> None:
        path = min(folder.glob("*.npz"))
        whole = path.read_bytes()
        if damage == "parts":
            np.savez(path, labels=np.zeros(3))
        else:
            path.write_bytes(
                {
                    "empty": b"",
                    "cut": whole[: len(whole) // 2],
                    "noise": b"\x00" * 999,
                    "pickle": pickle.dumps(_Trap(tmp_path / "sprung")),
                }[damage]
            )
        assert best(Index.build(index.entries, folder), "怎么退货") == "return_how"
        assert not (tmp_path / "sprung").exists()
        assert len(path.read_bytes()) == len(whole)

    def test_a_folder_that_cannot_be_written_costs_only_the_cache(
        self, tmp_path: Path, index: Index
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        assert best(Index.build(index.entries, tmp_path / "file"), "怎么退货") == "return_how"

    def test_old_models_are_cleared_away(self, folder: Path, index: Index) -> None:
        first, *rest = index.entries
        for number in range(6):
            Index.build([replace(first, questions=("退货", f"退货{number}")), *rest], folder)
        assert len(list(folder.iterdir())) == 8


class _Trap:
    """A pickle that leaves a mark when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)
