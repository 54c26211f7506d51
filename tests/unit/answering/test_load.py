"""FAQ files load whole or say what is wrong, where."""

from pathlib import Path

import pytest

from bot.answering.load import FaqInvalid, FaqProblem, load
from tests.unit.answering.conftest import EN, write_faq


def problems(folder: Path, zh: str, en: str = "[]\n", check: object = None) -> list[FaqProblem]:
    with pytest.raises(FaqInvalid) as caught:
        load(write_faq(folder, zh, en), check)  # type: ignore[arg-type]
    return list(caught.value.problems)


def entry(name: str = "a", questions: str = "[怎么退]", more: str = "") -> str:
    return f"- id: {name}\n  title: 标题\n  questions: {questions}\n  answer: 好的\n{more}"


def test_entries_come_with_all_their_parts(tmp_path: Path) -> None:
    entries = load(write_faq(tmp_path))
    assert [(one.language, one.id) for one in entries] == [
        ("zh", "return_how"),
        ("zh", "shipping_time"),
        ("zh", "opening_hours"),
        ("en", "return_how"),
        ("en", "shipping_time"),
        ("en", "gift_card"),
    ]
    first, english = entries[0], entries[3]
    assert (first.title, first.questions[1], first.person, first.related, first.needs) == (
        "怎么退货",
        "我要退货",
        "offer",
        ("shipping_time",),
        None,
    )
    assert (english.needs, english.answer) == ("order", "Ask within {{ shop.return_days }} days.")
    assert (english.source.file, english.source.line) == ("en/shop.yaml", 1)


def test_numbers_and_yes_count_as_they_are_written(tmp_path: Path) -> None:
    entries = load(write_faq(tmp_path, entry(questions="[12315, yes, 010]"), "[]\n"))
    assert entries[0].questions == ("12315", "yes", "010")


@pytest.mark.parametrize(
    ("zh", "line", "name", "said"),
    [
        (entry(more="  colour: red\n"), 5, "a", 'unknown key "colour"'),
        ("- id: a\n  title: 标题\n  questions: [怎么退]\n", 1, "a", '"answer" is missing'),
        ("- title: t\n  questions: [怎么退]\n  answer: x\n", 1, None, '"id" is missing'),
        (entry(questions="怎么退"), 3, "a", '"questions" must be a list'),
        (entry(questions="[]"), 3, "a", "at least one phrasing"),
        (entry(questions="[~]"), 3, "a", '"questions" is empty'),
        (entry(questions="['']"), 3, "a", '"questions" is empty'),
        (entry(questions="[{x: y}]"), 3, "a", '"questions" must be text'),
        (entry(questions=f"[{'长' * 301}]"), 3, "a", "too long (301"),
        (entry(name="Bad-Id"), 1, "Bad-Id", "an id has lower-case letters"),
        (entry(more="  person: maybe\n"), 5, "a", '"person" must be offer or bring'),
        (entry(more="  related: [nothing]\n"), 1, "a", 'there is no entry "nothing"'),
        (entry(more="  title: 又一个\n"), 5, "a", '"title" is given twice'),
        (entry() + entry(questions="[别的]"), 5, "a", "already used at zh/shop.yaml:1"),
        (entry() + entry("b", "[怎麼退]"), 5, "b", "also belongs to a (zh/shop.yaml:1)"),
        ("a: b\n", 1, None, "must be a list of entries"),
        ("- just text\n", 1, None, "an entry must consist of"),
        ("- id: a\n  title: [unclosed\n", 3, None, "YAML syntax error"),
    ],
)
def test_each_mistake_is_named_with_its_place(
    tmp_path: Path, zh: str, line: int, name: str | None, said: str
) -> None:
    found = problems(tmp_path, zh)
    assert [(one.file, one.line, one.entry) for one in found] == [("zh/shop.yaml", line, name)]
    assert said in found[0].message_en
    assert found[0].message_zh


def test_all_mistakes_are_told_at_once_in_both_languages(tmp_path: Path) -> None:
    found = problems(tmp_path, entry(more="  colour: red\n"), "- id: b\n")
    assert [(one.file, one.entry) for one in found] == [
        ("zh/shop.yaml", "a"),
        ("en/shop.yaml", "b"),
        ("en/shop.yaml", "b"),
        ("en/shop.yaml", "b"),
    ]
    with pytest.raises(FaqInvalid) as caught:
        load(tmp_path)
    assert "zh/shop.yaml:5 [a]" in caught.value.en
    assert "不认识的键“colour”" in caught.value.zh


def test_a_bad_template_is_named_by_the_check(tmp_path: Path) -> None:
    found = problems(tmp_path, entry(), check=lambda text: f"bad {text}")
    assert [(one.line, one.message_en) for one in found] == [(4, "the answer's template: bad 好的")]


def test_a_relation_may_point_to_an_entry_of_the_other_language(tmp_path: Path) -> None:
    entries = load(write_faq(tmp_path, entry(more="  related: [gift_card]\n"), EN))
    assert entries[0].related == ("gift_card",)


def test_text_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    write_faq(tmp_path, entry(), EN)
    (tmp_path / "zh" / "shop.yaml").write_bytes(b"- id: a\n  title: \xff\n")
    with pytest.raises(FaqInvalid) as caught:
        load(tmp_path)
    assert [(one.line, one.message_en) for one in caught.value.problems] == [(2, "not UTF-8 text")]


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(FaqInvalid, match="no entries found"):
        load(tmp_path)
