"""Fetches a page of somebody's JSON: from the configured host alone, not too long, not too much."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bot.config import Source
from bot.core.errors import XiaoerError

MAX_BYTES = 10 << 20
SECONDS = 30.0
"""How long one answer may take, to its last byte."""
MOST_REDIRECTS = 3
_MOVED = {301, 302, 303, 307, 308}


class SourceUnreachable(XiaoerError):
    """No answer that can be read; it is tried again later."""


class JsonClient:
    """Asks one source. Nothing but its own host, scheme and port is ever asked."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._home = httpx.URL(source.url)
        self._http = httpx.Client(
            headers={"Accept": "application/json", **source.headers}, timeout=10
        )

    def close(self) -> None:
        self._http.close()

    def get(self, address: str = "", parameters: dict[str, str] | None = None) -> Any:
        """What the source answers at `address`, its own without. Raises `SourceUnreachable`."""
        url = self._at_home(self._home.join(address)) if address else self._home
        if parameters:
            url = url.copy_merge_params(parameters)
        deadline = self._clock() + SECONDS
        for _ in range(MOST_REDIRECTS + 1):
            with self._answer(url) as answer:
                if answer.status_code in _MOVED and "location" in answer.headers:
                    url = self._at_home(url.join(answer.headers["location"]))
                    continue
                return self._read(answer, deadline)
        raise _unreachable("重定向太多", "too many redirects")

    @contextmanager
    def _answer(self, url: httpx.URL) -> Iterator[httpx.Response]:
        try:
            with self._http.stream("GET", url) as answer:
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            raise _unreachable(f"连不上（{name}）", f"cannot be reached ({name})") from error

    def _at_home(self, url: httpx.URL) -> httpx.URL:
        """`url`, if it is of the configured host: an answer must not send us elsewhere."""
        if (url.scheme, url.host, url.port) != (
            self._home.scheme,
            self._home.host,
            self._home.port,
        ):
            raise _unreachable(
                f"指向另一个地址 {url.host}，没有跟过去", f"leads to another host, {url.host}"
            )
        return url

    def _read(self, answer: httpx.Response, deadline: float) -> Any:
        if answer.status_code != 200:
            code = answer.status_code
            raise _unreachable(f"返回了 HTTP {code}", f"answered HTTP {code}")
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                raise _unreachable("返回的内容超过 10 MB", "answered more than 10 MB")
            if self._clock() > deadline:
                raise _unreachable("半分钟没有答完", "took more than half a minute")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _unreachable("返回的不是 JSON", "answered no JSON") from error


def _unreachable(zh: str, en: str) -> SourceUnreachable:
    return SourceUnreachable(zh, en)
