"""The real service, started as a shop would start it, on a free port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlmodel import Session

from storage.db import Database
from tests.support.command import xiaoer
from tests.support.nursery import Child, Nursery

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
EVENTS_KEY = "test-key-for-events-0123456789"
DESK_KEY = "test-key-for-the-desk-0123456789"
API_KEYS = {
    "events": (EVENTS_KEY, "events"),
    "desk": (DESK_KEY, "desk"),
    "read": ("test-key-that-reads-0123456789", "conversations:read"),
    "write": ("test-key-that-writes-0123456789", "conversations:write"),
    "customers": ("test-key-for-customers-0123456789", "customers:read"),
    "settings": ("test-key-for-settings-0123456789", "settings:write"),
}
"""The keys of the API by name, each with its one scope."""
HTTP = httpx.Client(verify=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
"""For plain HTTP on this machine: certificates are not read anew for each request."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def small_faq_in(folder: Path) -> Path:
    """Three topics of the shipped FAQ, copied to `folder`: they are fitted in a few seconds."""
    for language in ("zh", "en"):
        (folder / language).mkdir(parents=True)
        for topic in ("returns", "refunds", "smalltalk"):
            file = f"{language}/{topic}.yaml"
            text = (ROOT / "faq" / file).read_text(encoding="utf-8")
            # Related entries of other topics are not in this small FAQ.
            (folder / file).write_text(re.sub(r"(?m)^  related: .*\n", "", text), encoding="utf-8")
    return folder


@cache
def _nursery() -> Nursery:
    return Nursery(ROOT)


def _keys() -> str:
    """The keys of the API, as the configuration has them, each with one scope."""
    return "\n".join(
        f'[[api_keys]]\nname = "{name}"\nkey = "{key}"\nscopes = ["{scope}"]'
        for name, (key, scope) in API_KEYS.items()
    )


@dataclass
class Service:
    """One `xiaoer run` in `folder`; start, stop and kill it at will."""

    folder: Path
    model_cache: Path
    database_url: str = ""
    faq: Path = ROOT / "faq"
    port: int = field(default_factory=free_port)
    process: Child | None = None
    module: tuple[str, ...] = ("bot",)
    environment: dict[str, str] = field(default_factory=dict)
    more_config: str = ""
    public_url: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/chat/ws"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text(encoding="utf-8", errors="replace")

    def write_config(self) -> None:
        """A small configuration; the fitted models are shared between the tests' services."""
        self.folder.mkdir(parents=True, exist_ok=True)
        url = self.database_url or f"sqlite:///{self.folder}/xiaoer.db"
        for kept in (self.folder / "cache", self.folder / ".cache" / "xiaoer"):
            kept.parent.mkdir(exist_ok=True)
            if not kept.exists():
                kept.symlink_to(self.model_cache)
        self.config.write_text(
            f"""
            [shop]
            name = "Test shop"
            [database]
            url = {json.dumps(url)}
            [web]
            port = {self.port}
            public_url = {json.dumps(self.public_url)}
            [content]
            faq = {json.dumps(str(self.faq))}
            [care]
            quiet_hours = ""
            {_keys()}
            {self.more_config}
            """,
            encoding="utf-8",
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `xiaoer …` with this service's configuration, inside this process."""
        return xiaoer(*words, "--config", str(self.config))

    def run_process(
        self, *words: str, config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `xiaoer …` as a process of its own and wait for it."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *words, "--config", str(config or self.config)],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def launch(self) -> None:
        """Start the process without waiting."""
        if not self.config.exists():
            self.write_config()
        self.process = _nursery().start(
            [*self.module, "run", "--config", str(self.config)],
            self.folder / "service.log",
            {**os.environ, "LANG": "C.UTF-8", "HOME": str(self.folder), **self.environment},
        )

    def start(self, seconds: float = 180) -> "Service":
        """Start and wait until questions can be answered."""
        self.launch()
        return self.wait_until_ready(seconds)

    def wait_until_ready(self, seconds: float = 180) -> "Service":
        """Wait until questions can be answered."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log
            try:
                if HTTP.get(f"{self.url}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log}")

    @contextmanager
    def running(self) -> Iterator[Child]:
        """The started service's process; it is stopped at the end."""
        self.start()
        assert self.process is not None
        try:
            yield self.process
        finally:
            self.stop()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)

    def post_event(self, body: dict[str, Any], key: str = EVENTS_KEY) -> httpx.Response:
        """POST /api/v1/events."""
        headers = {"Authorization": f"Bearer {key}"}
        return HTTP.post(f"{self.url}/api/v1/events", json=body, headers=headers)

    def look(self, work: Callable[[Session], T]) -> T:
        """What `work` finds, or does, in the service's database."""
        db = Database(self.database_url or f"sqlite:///{self.folder}/xiaoer.db")
        try:
            return db.run(work)
        finally:
            db.close()

    def desk(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """A call of the agents' API."""
        headers = {"Authorization": f"Bearer {DESK_KEY}"}
        return HTTP.request(method, f"{self.url}/api/v1{path}", headers=headers, **kwargs)
