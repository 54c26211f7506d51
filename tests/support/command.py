"""`xiaoer …` run inside this process: the same command, without seconds of imports each time."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from bot.cli import main


def xiaoer(*words: str, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """What the command prints and its exit status, for a reader whose locale is `language`."""
    out, err = io.StringIO(), io.StringIO()
    clean = {name: value for name, value in os.environ.items() if "XIAOER" not in name}
    with (
        mock.patch.object(sys, "argv", ["xiaoer", *words]),
        mock.patch.dict(os.environ, clean | {"LANG": language, "LC_ALL": language}, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())
