"""Other people's implementations, installed once from the lock and asked over a pipe."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Ask = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Has the peers do what each object says; gives what came of each."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("there is no node here")
    folder = tmp_path_factory.mktemp("peers")
    for name in ("package.json", "package-lock.json", "peers.js"):
        shutil.copy(HERE / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)

    def asked(work: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [node, "--no-deprecation", "peers.js"],
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            input="\n".join(json.dumps(one) for one in work),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return asked
