"""What all groups of the command share: the configuration, the reader's language, the output."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
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
