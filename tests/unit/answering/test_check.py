"""`faq check` names what is wrong or weak, where, and nothing else."""

from pathlib import Path

import pytest

from bot.answering.check import (
    Finding,
    answer_links,
    check,
    confusion_findings,
    link_findings,
    uses_order,
)
from bot.answering.confusion import confusions
from bot.answering.encoder import shared_encoder
from bot.answering.links import is_broken, links, unreachable
from bot.answering.load import load
from bot.config import validate
from bot.words.sandbox import ANSWER, Words
from tests.unit.answering.conftest import write_faq

WORDS = Words(validate({"shop": {"name": "x", "website": "htp:/x"}}).shop)


def render(template: str, language: str) -> str:
    return WORDS.render(template, language, **ANSWER)


def found(folder: Path) -> list[str]:
    _, findings = check(folder, ("zh", "en"), WORDS.check, render)
    return [finding.text("en") for finding in findings]


def one(
    answer: str, more: str = "", title: str = "Title", questions: str = "[a, b, c, d, e]"
) -> str:
    return f"- id: x\n  title: {title}\n  questions: {questions}\n  answer: {answer}\n{more}"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (one("x", questions="[a, b]"), "warning: en/shop.yaml:1 [x]: only 2 phrasing(s)"),
        (one("x", title="字" * 21), "warning: en/shop.yaml:1 [x]: the title is 42 columns wide"),
        (one("'{{ order.number }}'"), "error: en/shop.yaml:1 [x]: the answer shows an order"),
        (one("see https://shop.example:x/"), "error: en/shop.yaml:1 [x]: this is no working link"),
        (one("'{{ shop.website }}'"), "error: en/shop.yaml:1 [x]: this is no working link: htp:/x"),
        (one("'{{ shop.nothing }}'"), "error: en/shop.yaml:4 [x]: the answer's template"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line(entry: str, said: str, tmp_path: Path) -> None:
    lines = found(write_faq(tmp_path, entry, entry))
    assert [line.replace("zh/", "en/")[: len(said)] for line in lines] == [said, said]


def test_an_entry_in_one_language_is_told(tmp_path: Path) -> None:
    folder = write_faq(tmp_path, one("x"), "[]\n")
    assert found(folder) == ["warning: zh/shop.yaml:1 [x]: is missing in English"]
    _, findings = check(folder, ("zh",), WORDS.check, render)
    assert findings == []


def test_sound_entries_are_looked_at_beside_broken_ones(tmp_path: Path) -> None:
    lines = found(write_faq(tmp_path, "- id: broken\n", one("x", questions="[a]")))
    assert [line.split(": ", 2)[1] for line in lines] == [
        *["zh/shop.yaml:1 [broken]"] * 3, "en/shop.yaml:1 [x]", "en/shop.yaml:1 [x]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "uses"),
    [
        ("{{ order.number }}", True),
        ("{% if parcel %}x{% endif %}", True),
        ("your order", False),
        ("{{ shop.website | default('order here') }}", False),
    ],
)
def test_what_shows_an_order(template: str, uses: bool) -> None:
    assert uses_order(template) is uses


def test_links_are_found_in_running_text() -> None:
    text = (
        "看 https://a.example/x?y=1，或 http://b.example。（www.c.example） mailto: no, 12:30 no."
    )
    assert links(text) == ("https://a.example/x?y=1", "http://b.example", "www.c.example")


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("https://shop.example/a?b=c#d", False),
        ("http://商店.example:8080", False),
        ("http://127.0.0.1/x", False),
        ("https:/shop.example", True),
        ("htp://shop.example", True),
        ("https://shop", True),
        ("https://shop..example", True),
        ("https://shop.example:port", True),
        ("www.shop.example", True),
        ("https://", True),
    ],
)
def test_links_that_cannot_work(link: str, broken: bool) -> None:
    assert is_broken(link) is broken


async def test_links_are_tried_where_wanted(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        nobody = "http://127.0.0.1:9/"
        answer = f"{base}/there {base}/gone {nobody}"
        entries = load(write_faq(tmp_path, one(answer), "[]\n"))
        owners = answer_links(entries, render)
        faults = await unreachable(owners)
        server.shutdown()
    assert faults == {f"{base}/gone": "404", nobody: "ConnectError"}
    lines = [finding.text("en") for finding in link_findings(owners, faults)]
    assert lines == [
        f"error: zh/shop.yaml:1 [x]: the link does not open: {base}/gone (404)",
        f"warning: zh/shop.yaml:1 [x]: the link does not open: {nobody} (ConnectError)",
    ]


def test_entries_that_are_taken_for_each_other_are_told_with_samples(tmp_path: Path) -> None:
    mixed = """\
- id: first
  title: a
  questions: [how do i return a coat, return a coat please, i want to return my shirt]
  answer: x
- id: second
  title: b
  questions: [how do i return a shirt, return a shirt please, i want to return my coat]
  answer: x
- id: other
  title: c
  questions: [when do you open, what are your opening hours, are you open on sunday]
  answer: x
"""
    entries = load(write_faq(tmp_path, "[]\n", mixed))
    (pair,) = confusions(entries, shared_encoder())
    assert (pair.first, pair.second) == ("first", "second")
    assert pair.share >= 0.5
    assert set(pair.first_lost) <= set(entries[0].questions)
    assert set(pair.second_lost) <= set(entries[1].questions)
    (finding,) = confusion_findings(entries, [pair])
    assert finding.text("en").startswith(
        f"warning: en/shop.yaml:1 [first]: is confused with second ({pair.share:.0%} of their"
    )
    assert finding.as_dict("zh")["other"] == "second"
    assert isinstance(finding, Finding)
    assert confusions(entries[2:], shared_encoder()) == []
