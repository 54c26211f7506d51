"""Long messages are read in clauses, and the clearest counts."""

from collections.abc import Sequence

import pytest

from bot.answering import clauses
from bot.answering.load import Entry, Source
from bot.answering.understanding import Candidate, Understanding

STORY = "昨天收到的包裹，打开一看外面都湿透了，请问怎么退货"


def understanding(text: str, entry_id: str, confidence: float) -> Understanding:
    candidates = (Candidate(entry_id, confidence, ""), Candidate("other", 0.01, ""))
    return Understanding(
        text, text, text, "zh", False, candidates, clauses.decide(confidence), confidence, "v"
    )


class Reader:
    """Understands what the test says; everything else is a weak guess."""

    def __init__(self, **known: tuple[str, float]) -> None:
        self._known = known
        self.asked: list[str] = []

    def understand(self, texts: Sequence[str]) -> list[Understanding]:
        self.asked += texts
        return [understanding(text, *self._known.get(text, ("guess", 0.05))) for text in texts]

    def entry(self, entry_id: str, wanted: str) -> Entry:
        topic = "smalltalk" if entry_id == "greeting" else "returns"
        return Entry(entry_id, "zh", entry_id, (), "", source=Source(f"zh/{topic}.yaml", 1))


@pytest.mark.parametrize(
    "text",
    [
        "怎么退货",
        "how do i return this",
        "",
        "一二三四五六七八九十十一",
        "no clause in here at all ok",
    ],
)
def test_short_or_undivided_texts_stay_whole(text: str) -> None:
    assert clauses.clauses(text) == []


def test_the_last_clauses_of_a_story() -> None:
    assert clauses.clauses(STORY) == ["昨天收到的包裹", "打开一看外面都湿透了", "请问怎么退货"]
    assert len(clauses.clauses("一共买了三件，" * 20)) == clauses.MOST


def test_the_clearest_clause_answers_and_the_text_stays_whole() -> None:
    reader = Reader(请问怎么退货=("return_how", 0.9))
    [read] = clauses.understand(reader, [STORY])
    assert (read.text, read.decision) == (STORY, "answer")
    assert read.confidence == pytest.approx(0.9 * clauses.TRUST)
    assert [candidate.entry_id for candidate in read.candidates] == ["return_how", "guess"]


def test_a_clear_whole_is_not_taken_apart() -> None:
    reader = Reader(**{STORY: ("damaged_item", 0.9), "请问怎么退货": ("return_how", 0.95)})
    [read] = clauses.understand(reader, [STORY])
    assert read == understanding(STORY, "damaged_item", 0.9)


def test_a_greeting_in_a_story_answers_nothing() -> None:
    text = "你好老板娘，那个我上次买的，就是那个东西呀"
    reader = Reader(你好老板娘=("greeting", 0.99))
    [read] = clauses.understand(reader, [text])
    assert read.decision == "human"


def test_texts_are_read_in_one_batch_and_answered_in_order() -> None:
    reader = Reader(怎么退货=("return_how", 0.9), 请问怎么退货=("return_how", 0.8))
    reads = clauses.understand(reader, ["怎么退货", STORY, "嗯"])
    assert [read.text for read in reads] == ["怎么退货", STORY, "嗯"]
    assert len(reader.asked) == 6
