"""A customer's end of the chat socket."""

import json
import time
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect


class Chat:
    """One open chat. Keeps the session token and everything that was received."""

    def __init__(self, url: str, session: str = "", after: int = 0, **options: Any) -> None:
        query = f"?session={session}&after={after}" if session else ""
        self._connection = connect(url + query, **options)
        self.socket: ClientConnection = self._connection.__enter__()
        self.frames: list[dict[str, Any]] = []
        self._ids = count(1)
        self.hello = self.receive()
        self.session: str = self.hello["session"]

    def __enter__(self) -> "Chat":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._connection.__exit__(*exception)

    def receive(self, timeout: float = 30) -> dict[str, Any]:
        """The next frame."""
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout))
        self.frames.append(frame)
        return frame

    def send(self, frame: Any) -> None:
        """Send a frame as it is; texts and bytes go raw."""
        self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def wait_for(self, timeout: float = 30, **wanted: Any) -> dict[str, Any]:
        """The next frame with these values; others are kept in `frames`."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self.receive(max(0.01, deadline - time.monotonic()))
            if all(frame.get(key.rstrip("_")) == value for key, value in wanted.items()):
                return frame

    def say(self, text: str, client_id: str | None = None) -> int:
        """Send a message and wait for its ack. Returns its seq."""
        client_id = client_id or f"m{next(self._ids)}-{time.monotonic_ns()}"
        self.send({"type": "message", "id": client_id, "text": text})
        return int(self.wait_for(type="ack", id=client_id)["seq"])

    def choose(self, value: str) -> int:
        """Press a button and wait for the ack."""
        client_id = f"c{next(self._ids)}-{time.monotonic_ns()}"
        self.send({"type": "choice", "id": client_id, "value": value})
        return int(self.wait_for(type="ack", id=client_id)["seq"])

    def ask(self, text: str, timeout: float = 30) -> str:
        """Send a message and wait for the bot's answer to it."""
        seq = self.say(text)
        return self.answer_after(seq, timeout)["text"]

    def answer_after(self, seq: int, timeout: float = 30, author: str = "bot") -> dict[str, Any]:
        """The first message from `author` later than `seq`."""
        for frame in self.frames:
            if _is_answer(frame, seq, author):
                return frame
        deadline = time.monotonic() + timeout
        while True:
            frame = self.receive(max(0.01, deadline - time.monotonic()))
            if _is_answer(frame, seq, author):
                return frame

    def quiet(self, seconds: float = 0.5) -> list[dict[str, Any]]:
        """Everything that still comes within `seconds`."""
        seen = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                seen.append(self.receive(left))
            except TimeoutError:
                break
        return seen


def _is_answer(frame: dict[str, Any], seq: int, author: str) -> bool:
    return frame["type"] == "message" and frame["from"] == author and frame["seq"] > seq
