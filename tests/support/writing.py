"""Runs `tests.faults.writer`, and kills what it forks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from tests.support.service import ROOT


class Writer:
    """`tests.faults.writer` for one database; each life ends by `kill -9` or after its last."""

    def __init__(
        self, url: str, deed: str, environment: Mapping[str, str] | None = None, pragma: str = ""
    ) -> None:
        self._url, self._deed, self._pragma = url, deed, pragma
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | dict(environment or {}),
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._ask, self._told = self._process.stdin, self._process.stdout

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._ask.close()
        self._told.close()
        self._process.wait(10)

    def life(
        self, first: int, last: int = 10**12, acks: int = 10**12, seconds: float = 0
    ) -> Iterator[int]:
        """The numbers from `first` to `last` that it acknowledges.

        It is killed so many `seconds` after so many `acks`, unless it has come to the end.
        """
        print(self._url, self._deed, first, last, self._pragma, file=self._ask, flush=True)
        child = int(self._told.readline().removeprefix("pid "))
        count = 0
        while (line := self._told.readline()) != "dead\n":
            yield int(line)
            count += 1
            if count == acks:
                time.sleep(seconds)
                os.kill(child, signal.SIGKILL)
