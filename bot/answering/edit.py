"""Puts entries into FAQ files: in place, with everything around them left as it was."""

import contextlib
import os
import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from bot.answering.load import LANGUAGES, CheckTemplate, Entry, FaqProblem, read
from bot.core.yaml_loader import LOADER

Changes = Mapping[str, str]
"""The new text of files, by their path relative to the FAQ folder."""


class _Flow(list[str]):
    """A list that is written on one line."""


class _Block(str):
    """A text that is written below `|`."""


_ODD_LINE_END = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes as people do: indented lists, long texts below `|`."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


_Dumper.add_representer(
    _Flow,
    lambda dumper, value: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", value, flow_style=True
    ),
)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Characters that YAML takes for line ends stay what they are only in double quotes."""
    style = "|" if isinstance(value, _Block) else None
    odd = _ODD_LINE_END.search(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), '"' if odd else style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Block, _represent_text)


def as_yaml(entry: Entry) -> str:
    """The entry as an item of a list, as `load` reads it."""
    fields: dict[str, Any] = {
        "id": entry.id,
        "title": entry.title,
        "questions": list(entry.questions),
        "answer": _Block(entry.answer + "\n") if "\n" in entry.answer else entry.answer,
    }
    fields |= {key: value for key in ("needs", "person") if (value := getattr(entry, key))}
    if entry.related:
        fields["related"] = _Flow(entry.related)
    return _dumped([fields])


def put(text: str, entries: Iterable[Entry]) -> str:
    """The file's `text` with `entries` in it: in place of their like, new ones at the end."""
    lines, spans, indent = _spans(_in_block_style(text))
    added = []
    replaced: dict[int, tuple[int, str]] = {}
    for entry in entries:
        new = textwrap.indent(as_yaml(entry), " " * indent)
        if entry.id in spans:
            start, end = spans[entry.id]
            replaced[start] = (end, new)
        else:
            added.append(new)
    for start, (end, new) in sorted(replaced.items(), reverse=True):
        lines[start:end] = [new]
    before = "".join(lines).rstrip("\n")
    return "\n\n".join(part for part in (before, "\n".join(added)) if part).rstrip("\n") + "\n"


def without(text: str, entry_id: str) -> str:
    """The file's `text` without the entry `entry_id`."""
    lines, spans, _ = _spans(_in_block_style(text))
    start, end = spans[entry_id]
    rest = "".join([*lines[:start], *lines[end:]]).strip("\n")
    return (rest or "[]") + "\n"


def plan(folder: Path, entries: Sequence[Entry], existing: Sequence[Entry]) -> dict[str, str]:
    """The new texts of the files in `folder` once `entries` are in the files of their topics.

    An entry that stands in another file (see `existing`) moves.
    """
    changes: dict[str, str] = {}

    def current(file: str) -> str:
        path = folder / file
        if file in changes:
            return changes[file]
        return path.read_text(encoding="utf-8-sig") if path.exists() else ""

    places = {(entry.language, entry.id): entry.source.file for entry in existing}
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        file = entry.source.file
        files.setdefault(file, []).append(entry)
        old = places.get((entry.language, entry.id), file)
        if old != file:
            changes[old] = without(current(old), entry.id)
    for file, found in files.items():
        changes[file] = put(current(file), found)
    return changes


def try_out(
    folder: Path, changes: Changes, check_template: CheckTemplate
) -> tuple[list[Entry], list[FaqProblem]]:
    """What `folder` would hold with `changes`, and what would be wrong then."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for language in LANGUAGES:
            (copy / language).mkdir()
            for path in (folder / language).glob("*.yaml"):
                shutil.copyfile(path, copy / language / path.name)
        for file, text in changes.items():
            (copy / file).write_text(text, encoding="utf-8")
        return read(copy, check_template)


def commit(folder: Path, changes: Changes) -> None:
    """Write the files: each appears whole or not at all."""
    ready: list[tuple[str, Path]] = []
    try:
        for file, text in changes.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
            ready.append((temporary, path))
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        for temporary, path in ready:
            os.replace(temporary, path)
    finally:
        for temporary, _ in ready:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _spans(text: str) -> tuple[list[str], dict[str, tuple[int, int]], int]:
    """The lines of a file, the lines of each entry (first, one past the last), and the indent.

    What stands between entries (comments, empty lines) belongs to none.
    """
    lines = text.splitlines(keepends=True)
    root = yaml.compose(text, Loader=LOADER)
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        return lines, {}, 0
    starts = [int(node.start_mark.line) for node in root.value]
    spans = {}
    for node, (start, end) in zip(root.value, pairwise([*starts, len(lines)]), strict=True):
        while end > start + 1 and _is_between(lines[end - 1]):
            end -= 1
        spans[_id(node)] = (start, end)
    return lines, spans, int(root.start_mark.column)


def _is_between(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _id(node: yaml.Node) -> str:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((str(value.value) for key, value in pairs if key.value == "id"), "")


def _in_block_style(text: str) -> str:
    """`text` as a block list; what is written in brackets is written anew, without comments."""
    root = yaml.compose(text, Loader=LOADER)
    if isinstance(root, yaml.SequenceNode) and root.flow_style:
        # Without types: what is written stays as it is written.
        items = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (makes only texts)
        return _dumped(items) if items else ""
    return text if root is not None else ""


def _dumped(items: list[Any]) -> str:
    return yaml.dump(items, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**6)
