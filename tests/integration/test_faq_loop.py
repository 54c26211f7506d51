"""From a question that nobody could answer to one that the bot answers: the loop, end to end."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat import Chat
from tests.support.service import Service
from tests.unit.answering.conftest import write_faq

ZH, EN = "店里能带宠物狗进去吗？我叫李雷", "Can I bring my dog into the shop? My name is Ann"
ANSWER_ZH = "欢迎带宠物狗进店，记得牵好绳子。有事打 13800008888"
ANSWER_EN = "Dogs are welcome in the shop on a lead {{ shop.name }}."


@pytest.fixture
def shop(own_service: Service, tmp_path: Path) -> Service:
    """A service whose small FAQ tests may change."""
    own_service.faq = write_faq(tmp_path / "faq")
    return own_service


def done(result: subprocess.CompletedProcess[str], status: int = 0) -> Any:
    """The JSON that a command printed, None for nothing."""
    assert result.returncode == status, result.stderr
    return json.loads(result.stdout) if result.stdout else None


def ask_a_person(shop: Service, chat: Chat, words: list[str]) -> int:
    """The customer presses for a person, who answers. Returns the conversation's id."""
    seq = chat.choose("person")
    chat.answer_after(seq)
    (conversation,) = (
        one["id"]
        for one in shop.desk("GET", "/conversations?state=waiting").json()["conversations"]
    )
    for text in words:
        path = f"/conversations/{conversation}/messages"
        assert shop.desk("POST", path, json={"text": text}).status_code == 201
    return int(conversation)


def answers(shop: Service, text: str, wanted: str, seconds: float = 90) -> str:
    """What a new customer is told, once the service has taken up the changed FAQ."""
    deadline = time.monotonic() + seconds
    while True:
        with Chat(shop.socket_url) as chat:
            said = chat.ask(text)
        if said == wanted or time.monotonic() > deadline:
            return said
        time.sleep(1)


@pytest.mark.soak
def test_what_one_could_not_answer_is_answered_after_the_loop(shop: Service) -> None:
    drafting = ("faq", "gaps", "--draft", "1", "--into", str(shop.faq))
    with shop.running():
        with Chat(shop.socket_url) as chinese:
            chinese.ask(ZH)
            refused = shop.command(*drafting)
            assert refused.returncode == 1
            assert "No agent has answered this yet" in refused.stderr
            assert not (shop.faq / "zh" / "drafts.yaml").exists()
            conversation = ask_a_person(shop, chinese, ["您好", ANSWER_ZH])
        with Chat(shop.socket_url) as english:
            english.ask(EN)
            ask_a_person(shop, english, ["Hello", ANSWER_EN])

        (gap,) = done(shop.command("faq", "gaps", "--json"))
        assert (gap["id"], gap["size"], gap["before"]) == (1, 2, 0)
        assert gap["languages"] == {"zh": 1, "en": 1}
        assert gap["reasons"] == {"handoff": 2}
        assert gap["samples"] == {
            "zh": ["店里能带宠物狗进去吗？我叫***"],
            "en": ["Can I bring my dog into the shop? My name is ***"],
        }

        assert shop.command(*drafting).returncode == 0
        draft = (shop.faq / "zh" / "drafts.yaml").read_text(encoding="utf-8")
        assert "- id: bring_dog_into_shop\n" in draft
        assert "13800008888" not in draft
        assert "李雷" not in draft
        findings = done(shop.command("faq", "check", "--json"))
        assert {one["severity"] for one in findings} == {"warning"}

        told = "欢迎带宠物狗进店，记得牵好绳子。有事打 ***"
        assert answers(shop, ZH, told) == told
        assert answers(shop, EN, ANSWER_EN) == ANSWER_EN

        done(shop.command("faq", "mark", str(conversation)))
        replayed = done(shop.command("faq", "replay", "--faq", str(shop.faq), "--json"), status=1)
        assert replayed["regressions"] == [conversation]
        # Whoever asked while the service took up the changed files is among them too.
        assert len(replayed["changes"]) >= 2
        assert {(one["kind"], one["now"]) for one in replayed["changes"]} == {
            ("human_answer", "bring_dog_into_shop")
        }
