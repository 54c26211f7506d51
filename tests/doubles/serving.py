"""A small HTTP server for platform doubles, in a thread of its own, that can also break connections."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body's object; empty where there is none."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def files(self) -> dict[str, tuple[str, str, bytes]]:
        """The parts of a multipart body: file name, type and content by field."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): (
                part.get_filename() or "",
                part.get_content_type(),
                part.get_payload(decode=True),
            )
            for part in parts.iter_parts()
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `RESET` breaks the connection instead."""

    body: bytes
    status: int = 200
    kind: str = "application/json; charset=utf-8"
    name: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Reply":
        return cls(json.dumps(value, ensure_ascii=False).encode(), status)


RESET = Reply(b"", 0)
Handler = Callable[[Request], Awaitable[Reply]]


class HttpServer:
    """Serves `handler` on a port of its own at 127.0.0.1."""

    def __init__(self, handler: Handler) -> None:
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self._handler = handler

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve while the context is open."""
        started = threading.Event()
        thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        thread.start()
        started.wait()
        try:
            yield
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join()

    def _serve(self, started: threading.Event) -> None:
        loop = self.loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                reply = await self._handler(request)
                if reply is RESET:
                    _reset(writer)
                    return
                writer.write(_head(reply) + reply.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None at the end."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value for name, value in (one.split(": ", 1) for one in lines if ": " in one)
    }
    if re.search(r"100-continue", headers.get("expect", "")):
        raise ConnectionError("not spoken here")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _version = first.split(" ")
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(method, url.path, query, headers, body)


def _head(reply: Reply) -> bytes:
    name = f'content-disposition: attachment; filename="{reply.name}"\r\n' if reply.name else ""
    more = "".join(f"{key}: {value}\r\n" for key, value in reply.headers)
    return (
        f"HTTP/1.1 {reply.status} X\r\ncontent-type: {reply.kind}\r\n{name}{more}"
        f"content-length: {len(reply.body)}\r\n\r\n"
    ).encode()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection so that the other side sees a reset, not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
