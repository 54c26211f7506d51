"""`make bench`: how fast the shop answers, with machine and sizes, compared within one run."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import answers, care, desks, engine, growth, load, searching, sending, swap
from bot.config import ROOT

GROWN = 1_000_000
"""How many customers a shop has that has grown large."""


def main() -> None:
    """Measure the engine on the shipped FAQ, then the whole path over real sockets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=100, help="messages per second, for load")
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--cores", type=int, default=1, help="that the service may use: 1, or all")
    parser.add_argument(
        "--customers", type=int, help="of the grown shop (1,000,000), or to care for (100,000)"
    )
    parser.add_argument(
        "--messages",
        type=int,
        help="to send to a platform (3000), of the grown shop (ten for each customer), or to "
        "search (1000000)",
    )
    parser.add_argument(
        "--databases", nargs="*", default=[], help="addresses of empty databases, for care"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("XIAOER_BENCH_DATA"),
        help="folder of labelled sets for the answering tables",
    )
    parser.add_argument(
        "--only",
        choices=(
            "answers",
            "care",
            "desks",
            "engine",
            "growth",
            "load",
            "search",
            "sending",
            "swap",
        ),
        help="one part alone",
    )
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": _machine()}
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "answers": lambda: _answers(options.data),
            "engine": lambda: engine.measure(ROOT / "faq", Path(folder)),
            "load": lambda: load.measure(
                Path(folder), options.rate, options.seconds, options.chats, options.cores
            ),
            "sending": lambda: sending.measure(
                Path(folder), options.messages or 3000, options.chats
            ),
            "growth": lambda: growth.measure(
                Path(folder),
                options.customers or GROWN,
                options.messages or 10 * (options.customers or GROWN),
            ),
            "care": lambda: care.measure(
                Path(folder), options.customers or 100_000, tuple(options.databases)
            ),
            "desks": lambda: desks.measure(Path(folder) / "desks", 100, 5000),
            "search": lambda: searching.measure(Path(folder), options.messages or 1_000_000),
            "swap": lambda: swap.measure(Path(folder)),
        }
        for name, measure in parts.items():
            if options.only in (None, name):
                results[name] = measure()
    if options.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False) + "\n")
        return
    for part, figures in results.items():
        sys.stdout.write(f"\n{part}\n")
        for name, value in figures.items():
            sys.stdout.write(f"  {name:<46} {value}\n")


def _answers(data: Path | None) -> dict[str, Any]:
    if data is None:
        return {"skipped": "no labelled sets: give --data FOLDER or XIAOER_BENCH_DATA"}
    return answers.measure(Path(data))


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


if __name__ == "__main__":
    main()
