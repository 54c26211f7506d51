"""Somebody's JSON API on this machine: it answers as it is told to, and remembers what was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class JsonApi:
    """`answers` are given in turn: (status, headers, body); bodies that are no bytes as JSON."""

    port: int = 0
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/orders"

    def will_answer(self, *bodies: Any) -> None:
        """Let the next answers be these, each with status 200."""
        self.answers += [(200, {}, body) for body in bodies]


@contextmanager
def json_api() -> Iterator[JsonApi]:
    """A running API."""
    api = JsonApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append((self.path, self.headers.get("Authorization", "")))
            status, headers, body = api.answers.pop(0) if api.answers else (404, {}, b"")
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()
