"""What all groups of the command share: the configuration, the reader's language, the output."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console

from bot import config as configuration

err = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path,
    typer.Option("--config", envvar="XIAOER_CONFIG", help="The configuration file."),
]
DEFAULT_CONFIG = Path("config.toml")


def config_or_example(path: Path) -> configuration.Config:
    """The installation's configuration, or the example's, so that a question needs no set-up."""
    return configuration.load(path if path.exists() else configuration.EXAMPLE)


def reader_language() -> str:
    """`zh` or `en`, by the locale of whoever reads."""
    return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh") else "en"


def say(zh: str, en: str) -> str:
    """The one of two texts that whoever reads understands."""
    return zh if reader_language() == "zh" else en


def print_json(value: Any) -> None:
    """The command's result, for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their headings for people; a Chinese character is two columns wide."""
    table = [heads, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = map(set_cell_size, row, widths)
        err.print("  ".join(cells).rstrip(), markup=False, style="bold" if row is heads else None)
