"""Entries get into files, and what people wrote around them stays."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering import edit
from bot.answering.load import Entry, Source, load

HANDWRITTEN = """\
# Our own words.
- id: hours   # ask Mei
  title: Hours
  questions: [when are you open]
  answer: Nine to nine.

# Below: for members only.
- id: points
  title: Points
  questions:
    - what are points
  answer: |
    One per yuan.

    Ask us.
"""
NEW = Entry(
    "hours",
    "en",
    "Opening hours",
    ("when do you open", "yes"),
    "At ten: sharp",
    source=Source("en/shop.yaml", 0),
)


def test_an_entry_is_replaced_in_place() -> None:
    text = edit.put(HANDWRITTEN, [NEW])
    assert text.startswith("# Our own words.\n- id: hours\n  title: Opening hours\n")
    assert text.endswith(HANDWRITTEN[HANDWRITTEN.index("\n# Below") :])


def test_a_new_entry_comes_last_and_the_rest_stays() -> None:
    text = edit.put(HANDWRITTEN, [replace(NEW, id="new", answer="a\n\nb", related=("hours",))])
    assert text == HANDWRITTEN + (
        "\n- id: new\n  title: Opening hours\n  questions:\n    - when do you open\n"
        "    - 'yes'\n  answer: |\n    a\n\n    b\n  related: [hours]\n"
    )


def test_an_entry_is_taken_out_and_the_rest_stays() -> None:
    assert edit.without(edit.without(HANDWRITTEN, "hours"), "points") == (
        "# Our own words.\n\n# Below: for members only.\n"
    )


@pytest.mark.parametrize("text", ["", "[]\n", "# nothing yet\n"])
def test_empty_files_take_entries(text: str, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "shop.yaml").write_text(edit.put(text, [NEW]), encoding="utf-8")
    assert [(one.id, one.questions) for one in load(tmp_path)] == [("hours", NEW.questions)]


def test_lists_in_brackets_and_indented_lists_take_entries() -> None:
    flow = "[{id: a, title: yes, questions: [q], answer: 010}]"
    assert edit.put(flow, [NEW]).startswith(
        "- id: a\n  title: 'yes'\n  questions:\n    - q\n  answer: '010'\n"
    )
    indented = "  - id: a\n    title: t\n    questions: [q]\n    answer: x\n"
    assert edit.put(indented, [NEW]).startswith(indented + "\n  - id: hours\n    title: Opening")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
    .map(str.strip)
    .filter(bool)
)
def test_every_text_is_read_as_it_was_written(text: str) -> None:
    entry = replace(NEW, title=text, questions=(text,), answer=text)
    node = edit.yaml.load(edit.as_yaml(entry), Loader=edit.LOADER)[0]
    assert (node["title"], node["questions"], node["answer"].strip()) == (text, [text], text)


def test_an_entry_that_changes_its_topic_moves(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "shop.yaml").write_text(HANDWRITTEN, encoding="utf-8")
    there = load(tmp_path)
    changes = edit.plan(tmp_path, [replace(NEW, source=Source("en/times.yaml", 0))], there)
    assert set(changes) == {"en/shop.yaml", "en/times.yaml"}
    edit.commit(tmp_path, changes)
    assert [(one.id, one.source.file) for one in load(tmp_path)] == [
        ("points", "en/shop.yaml"),
        ("hours", "en/times.yaml"),
    ]
    assert sorted(path.name for path in (tmp_path / "en").iterdir()) == ["shop.yaml", "times.yaml"]


def test_trying_out_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "shop.yaml").write_text(HANDWRITTEN, encoding="utf-8")
    changes = edit.plan(tmp_path, [replace(NEW, related=("nowhere",))], load(tmp_path))
    entries, problems = edit.try_out(tmp_path, changes, lambda _: None)
    assert [one.message_en for one in problems] == ['related: there is no entry "nowhere"']
    assert [one.id for one in entries] == ["hours", "points"]
    assert (tmp_path / "en" / "shop.yaml").read_text(encoding="utf-8") == HANDWRITTEN
