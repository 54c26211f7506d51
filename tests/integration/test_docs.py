"""What the documentation says exists: commands, make targets, links, pictures and settings."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
import yaml

from bot.answering.load import load as load_faq
from bot.cli import app
from bot.config import ROOT, load, validate
from bot.words.sandbox import Words

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
COMMAND = re.compile(r"(?:^|(?<=[`\s/]))xiaoer +([a-z][^`\n|]*)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every code block in `language`, with the page that it stands on."""
    for page in PAGES:
        for name, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if name == language:
                yield page.name, text


def shell() -> str:
    """All that is shown as something to type: shell blocks and inline code, in one text."""
    inline = [
        code
        for page in PAGES
        for code in re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text(encoding="utf-8")))
    ]
    units = [line for _, text in blocks("ini") for line in text.splitlines() if "Exec" in line]
    return "\n".join([*(text for _, text in blocks("sh")), *inline, *units])


def test_the_pages_are_found() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} < names
    assert {"architecture.md", "faq.md", "http.md", "operate.md"} < names


def test_every_make_target_exists() -> None:
    named = set(re.findall(r"(?:^|&& |`)make ([a-z]+)", shell(), re.M))
    named |= {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))
    }
    assert {"install", "demo", "test", "check"} <= named
    for target in sorted(named):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_every_command_exists_with_its_options() -> None:
    commands = sorted(set(COMMAND.findall(shell())))
    assert len(commands) > 8
    for command in commands:
        words = shlex.split(command, comments=True)
        known: Any = typer.main.get_command(app)
        while words and hasattr(known, "commands"):
            names = words.pop(0).split("|")  # as in `agent add|list`
            assert set(names) <= known.commands.keys(), command
            known = known.commands[names[0]]
        options = {name for parameter in known.params for name in parameter.opts}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= options, command


def test_the_unit_that_is_shown_is_the_one_that_ships() -> None:
    shown = [text for page, text in blocks("ini") if page == "operate.md"]
    assert shown == [(ROOT / "deploy" / "xiaoer.service").read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / unquote(path) if path else page
        assert found.exists(), target
        if anchor:
            assert f'<a id="{anchor}">' in found.read_text(encoding="utf-8"), target


def test_file_names_in_running_text_exist() -> None:
    """`bot/…` and the like, as far as they are whole names."""
    folders = ("bot/", "storage/", "tests/", "templates/", "faq/", "docs/")
    for page in PAGES:
        for code in re.findall(r"`([\w./-]+)`", page.read_text(encoding="utf-8")):
            if code.startswith(folders):
                assert (ROOT / code).exists(), f"{page.name}: {code}"


@pytest.mark.parametrize(("page", "text"), list(blocks("toml")))
def test_configuration_snippets_load(page: str, text: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    assert load(config).shop.name, page


@pytest.mark.parametrize(("page", "text"), list(blocks("yaml")))
def test_faq_snippets_load(page: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "en"
    folder.mkdir()
    entry = yaml.safe_load(text)[0]
    others = [{**entry, "id": other, "related": []} for other in entry["related"]]
    for number, other in enumerate(others):
        other["questions"] = [f"another question {number}"]
    (folder / "others.yaml").write_text(yaml.safe_dump(others), encoding="utf-8")
    (folder / "snippet.yaml").write_text(text, encoding="utf-8")
    words = Words(validate({"shop": {"name": page}}).shop)
    found = {one.id: one for one in load_faq(tmp_path, words.check)}
    assert words.render(found[entry["id"]].answer, "en")


def test_python_snippets_compile() -> None:
    snippets = list(blocks("python"))
    assert snippets
    for page, text in snippets:
        compile(text, page, "exec")


def test_template_examples_can_be_used() -> None:
    shop = validate({"shop": {"name": "x", "extra": {"parking": "here"}}}).shop
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    table = text[text.index("## What a template can do") : text.index("## When something is wrong")]
    examples = [one.replace("\\|", "|") for one in re.findall(r"`(\{\{.*?\}\})`", table)]
    assert len(examples) >= 5
    for example in examples:
        assert Words(shop).check(example) is None, example


def test_the_documented_metrics_are_counted() -> None:
    from prometheus_client import generate_latest

    from bot.core import metrics

    assert metrics.TURNS is not None
    exposed = generate_latest().decode()
    documented = {
        name for page in PAGES for name in re.findall(r"xiaoer_[a-z_]+", page.read_text("utf-8"))
    }
    assert documented
    for name in documented:
        assert f"# HELP {name} " in exposed, name
