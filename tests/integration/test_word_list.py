"""All that the bot says is read from its files as they are, with what is wrong and where."""

import shutil
from pathlib import Path

import pytest

from bot import app
from bot.config import ROOT, validate
from bot.core.text import normalise
from bot.desk.word_list import CARE, DRAFT, FAQ, ROOMS, WordList, find, read_all
from bot.words.phrases import Voice

SHOP = {"name": "云锦", "return_days": 9, "agent_hours": {"zh": "每天", "en": "daily"}}


@pytest.fixture
def folders(tmp_path: Path, small_faq: Path) -> tuple[Path, Path, Voice]:
    """A shop's own copies of the FAQ and the texts, and the voice that read them."""
    faq, templates = tmp_path / "faq", tmp_path / "templates"
    shutil.copytree(small_faq, faq)
    shutil.copytree(ROOT / "templates", templates)
    content = {"faq": str(faq), "templates": str(templates)}
    return faq, templates, app.content(validate({"shop": SHOP, "content": content})).voice


def faults(words: WordList) -> list[str]:
    return [one.problem.text("en") for one in words.findings if one.severity == "error"]


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_everything_shipped_is_there_and_reads_well() -> None:
    words = read_all(ROOT / "faq", ROOT / "templates", app.content(validate({"shop": SHOP})).voice)
    assert faults(words) == []
    assert {one.kind for one in words.items} == {FAQ, CARE, *ROOMS}
    for one in words.items:
        spoken = {"zh"} if one.key.endswith(".imperial") else {"zh", "en"}
        assert set(one.versions) == spoken, one.key
        for version in one.versions.values():
            assert "{{" not in version.text, version.place
            assert "{%" not in version.text, version.place
            assert not version.is_news
    (queued,) = (one for one in words.items if one.key == "handoff_queued")
    shown = queued.versions["en"]
    assert "‹ahead› customers ahead of you" in shown.text
    path, _, line = shown.place.rpartition(":")
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert lines[int(line) - 1].startswith("handoff_queued:")


def test_words_are_found_as_they_are_filled_in(folders: tuple[Path, Path, Voice]) -> None:
    faq, templates, voice = folders
    entry = "- id: parking\n  title: Parking\n  questions: [where do i park]\n  answer: Free for {{ shop.return_days }} days.\n"
    (faq / "en" / "drafts.yaml").write_text(entry, encoding="utf-8")
    words = read_all(faq, templates, voice)
    (found,) = find(words, "", "", "PARK 9 days")
    assert (found.kind, found.title("zh")) == (DRAFT, "Parking")
    assert found.versions["en"].place == "faq/en/drafts.yaml:1"
    assert found.versions["en"].source == "Free for {{ shop.return_days }} days."
    assert find(words, FAQ, "", "park 9 days") == []
    assert any(one.problem.entry == "parking" for one in words.findings)  # few, and not in Chinese
    assert normalise(found.versions["en"].questions[0]) == "where do i park"


def test_each_fault_is_named_with_file_and_line(folders: tuple[Path, Path, Voice]) -> None:
    faq, templates, voice = folders
    path = templates / "care" / "order_paid.toml"
    rewrite(path, "订单 {{ order.number }}", "订单 {{ order.number | upper }}")
    rewrite(templates / "replies" / "zh.yaml", "miss:", "missed:")
    (templates / "orders" / "zh.yaml").write_text('a: "\n b', encoding="utf-8")
    (faq / "en" / "broken.yaml").write_text("- id: a\n  titel: b\n", encoding="utf-8")
    said = faults(read_all(faq, templates, voice))
    assert any(
        one.startswith("templates/care/order_paid.toml:9: the text: the filter 'upper'")
        for one in said
    )
    assert "templates/replies/zh.yaml:1 [miss]: this text is missing" in said
    assert "templates/replies/en.yaml:1 [missed]: this text is missing" in said
    assert any(one.startswith("templates/orders/zh.yaml:2: YAML error") for one in said)
    assert (
        'faq/en/broken.yaml:2 [a]: unknown key "titel" (known: id, title, questions, answer, needs, person, related)'
        in said
    )


def test_a_text_that_the_service_has_not_read_is_marked(folders: tuple[Path, Path, Voice]) -> None:
    faq, templates, voice = folders
    before = read_all(faq, templates, voice)
    assert read_all(faq, templates, voice) is before
    rewrite(templates / "replies" / "en.yaml", "I'd rather not guess", "I won't guess, promise")
    (found,) = find(read_all(faq, templates, voice), "replies", "", "won't guess, promise")
    assert {one: found.versions[one].is_news for one in found.versions} == {"zh": False, "en": True}
