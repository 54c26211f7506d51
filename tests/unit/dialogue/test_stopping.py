"""Whether "stop" is heard in people's own words, and nothing else is taken for it."""

import time
from pathlib import Path

import pytest

from bot.answering.load import load
from bot.config import ROOT
from bot.core.text import normalise
from bot.dialogue.stopping import wish
from bot.words.heard import Heard, HeardInvalid

HEARD = Heard.load(ROOT / "templates")
LINES = (ROOT / "tests/data/stop_phrases.tsv").read_text(encoding="utf-8").splitlines()
PHRASES = [line.split("\t") for line in LINES]


def test_stop_and_its_near_misses() -> None:
    wrong = [
        (meant, heard, text)
        for meant, text in PHRASES
        if (heard := wish(HEARD, normalise(text))) != meant.replace("none", "")
    ]
    assert wrong == []
    meant = [one for one, _ in PHRASES]
    assert meant.count("stop") > 90
    assert meant.count("none") > 90


def test_no_question_of_the_faq_is_taken_for_a_stop() -> None:
    others = [
        question
        for entry in load(ROOT / "faq")
        if entry.id != "stop_messages"
        for question in entry.questions
    ]
    assert len(others) > 5000
    assert [one for one in others if wish(HEARD, normalise(one))] == []


def test_resume_means_something_to_who_said_stop() -> None:
    assert wish(HEARD, "resume") == wish(HEARD, "恢复") == ""
    assert wish(HEARD, "resume", stopped=True) == wish(HEARD, "恢复", stopped=True) == "start"


@pytest.mark.parametrize("evil", ["别" * 100_000, "stop " * 20_000, "退" * 59, "别再推" * 19])
def test_evil_texts_take_no_time(evil: str) -> None:
    wish(HEARD, "退订")
    began = time.process_time()
    wish(HEARD, normalise(evil))
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("text", ["- a", "stop_whole: td", "stop_whole: ['']", "a: ["])
def test_a_broken_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "heard.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(HeardInvalid):
        Heard.load(tmp_path)
