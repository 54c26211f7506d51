"""Processes that start at once: one that has read the product's modules forks them.

Reading them takes five seconds of a core, and the tests start hundreds of services.

python -m tests.support.nursery FD
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bot.answering.encoder import shared_encoder
from bot.core.text import to_traditional


class Child:
    """A process forked in the nursery, with what the tests use of `subprocess.Popen`."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit status, negative for a signal, once it has ended."""
        return self._nursery.ended(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, when it ends. Raises `subprocess.TimeoutExpired`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The forking process; it ends, and its children with it, when this process does."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno())],
                cwd=folder, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._heard = b""
        self._ends: dict[int, int] = {}
        self._lock = threading.Lock()

    def start(self, words: list[str], log: Path, environment: dict[str, str]) -> Child:
        """`python -m …`, which writes both its outputs to `log`."""
        order = {"words": words, "log": str(log), "environment": environment}
        with self._lock:
            self._ours.sendall(json.dumps(order).encode() + b"\n")
            while (pid := self._hear()) is None:
                pass
        return Child(self, pid)

    def ended(self, pid: int) -> int | None:
        """The exit status of a child that has ended."""
        with self._lock:
            while pid not in self._ends and select.select([self._ours], [], [], 0)[0]:
                self._hear()
            return self._ends.get(pid)

    def _hear(self) -> int | None:
        """Take what the process tells: who has ended, and the child that was ordered."""
        got = self._ours.recv(1 << 16)
        assert got, f"the nursery has ended: {self._process.poll()}"
        *whole, self._heard = (self._heard + got).split(b"\n")
        born = None
        for line in whole:
            match json.loads(line):
                case {"pid": pid}:
                    born = int(pid)
                case {"ended": pid, "status": status}:
                    self._ends[pid] = status
        return born


def _become(order: dict[str, Any]) -> None:
    """What `python -m …` would be, in this forked process."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environment"])
    module, *words = order["words"]
    sys.argv = [module, *words]
    gc.enable()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork what is ordered and tell what ends, until nobody listens; the order, in a child."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: set[int] = set()
    orders = b""
    while True:
        ready = select.select([line, wake], [], [])[0]
        if wake in ready:
            os.read(wake, 4096)
            for pid in list(children):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    children.discard(pid)
                    _tell(line, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})
        if line in ready:
            got = line.recv(1 << 16)
            if not got:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                return None
            *whole, orders = (orders + got).split(b"\n")
            for order in whole:
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for fd in (wake, woken):
                        os.close(fd)
                    line.close()
                    found: dict[str, Any] = json.loads(order)
                    return found
                children.add(pid)
                _tell(line, {"pid": pid})


def _tell(line: socket.socket, what: dict[str, int]) -> None:
    line.sendall(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    for read_late in (
        "bot.serve", "bot.desk.page", "dbos", "opencc", "pypinyin", "uvicorn.protocols.http.auto",
        "uvicorn.protocols.websockets.websockets_sansio_impl",
    ):  # fmt: skip
        importlib.import_module(read_late)
    shared_encoder().encode(["你好"])
    to_traditional("你好")
    gc.disable()
    gc.freeze()
    order = _serve(socket.socket(fileno=int(sys.argv[1])))
    if order is not None:
        _become(order)
