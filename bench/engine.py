"""The answering engine beside rapidfuzz on the shipped FAQ: accuracy on left-out phrasings, speed.

One phrasing in four of each entry is left out of the fit and asked; phrasings of one entry
resemble each other more than customers' messages do, so read the accuracy as a comparison.
"""

import csv
from pathlib import Path
from typing import Any

from bot.answering.benchmark import bench_answers
from bot.answering.load import load


def measure(faq: Path, folder: Path) -> dict[str, Any]:
    """Top-1 accuracy and milliseconds per question of both engines on the same rows."""
    entries = load(faq)
    rows = {"train": list[tuple[str, str]](), "test": list[tuple[str, str]]()}
    for entry in entries:
        for number, question in enumerate(entry.questions):
            rows["test" if number % 4 == 3 else "train"].append((question, entry.id))
    files = {name: _write(folder / f"{name}.tsv", pairs) for name, pairs in rows.items()}
    figures: dict[str, Any] = {
        "entries": len({entry.id for entry in entries}),
        "phrasings fitted / asked": f"{len(rows['train'])} / {len(rows['test'])}",
    }
    for name in ("xiaoer", "rapidfuzz"):
        result: dict[str, Any] = bench_answers(files["train"], files["test"], None, None, 0, name)
        figures[f"{name}: top-1"] = round(result["top1"], 4)
        figures[f"{name}: p50 / p99 ms"] = f"{result['p50_ms']:.2f} / {result['p99_ms']:.2f}"
        figures[f"{name}: fit s"] = round(result["fit_s"], 2)
    return figures


def _write(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    return path
