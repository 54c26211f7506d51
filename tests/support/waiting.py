"""Waits for what happens elsewhere."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], patience: float = 60) -> Any:
    """Wait until it is true; returns what it is then."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found
