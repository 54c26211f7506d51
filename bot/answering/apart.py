"""Fits a FAQ's models in a process of its own: no question waits for a fit, and its memory goes."""

import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bot.answering.load import Entry, Source

_LOG = logging.getLogger(__name__)


class Apart:
    """Runs one fit at a time; `stop` ends it early."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def fit(self, entries: Sequence[Entry], cache: Path) -> None:
        """Leaves the models of `entries` in the folder `cache`. What fails is only logged."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 (this very program)
                [sys.executable, "-m", __name__, str(cache)], stdin=subprocess.PIPE
            )
            self._process.communicate(json.dumps([asdict(entry) for entry in entries]).encode())
            if self._process.returncode:
                _LOG.warning("fitting apart ended with %s", self._process.returncode)
        except OSError as error:
            _LOG.warning("fitting apart is not possible: %s", error)
        finally:
            self._process = None

    def stop(self) -> None:
        """Ends the fit under way, if any."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def main() -> None:
    """Fits the entries that standard input lists, into the folder that is named."""
    from bot.answering.index import Index

    os.nice(10)  # customers come first
    entries = [
        Entry(
            **one
            | {name: tuple(one[name]) for name in ("questions", "related")}
            | {"source": Source(**one["source"])}
        )
        for one in json.load(sys.stdin)
    ]
    Index.build(entries, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
