"""Asks a carrier's platform: its configured host alone, not too long, not too much."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from bot.core.errors import XiaoerError

MAX_BYTES = 5 << 20
SECONDS = 30.0
"""How long one answer may take, to its last byte."""


class CarrierUnreachable(XiaoerError):
    """No answer that can be read; it is tried again later."""


class Client:
    """Posts to one platform; redirects are not followed."""

    def __init__(self, base_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._http = httpx.Client(base_url=base_url, timeout=10)

    def close(self) -> None:
        self._http.close()

    def post(
        self,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        value: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The object that the platform answers to a form, or to `value` as JSON.

        Raises `CarrierUnreachable`, also for 429 and 5xx.
        """
        deadline = self._clock() + SECONDS
        body: dict[str, Any] = {"data": form} if form is not None else {"json": value}
        try:
            with self._http.stream("POST", path, headers=headers, **body) as answer:
                return self._read(answer, deadline)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            raise _unreachable(f"连不上（{name}）", f"cannot be reached ({name})") from error

    def _read(self, answer: httpx.Response, deadline: float) -> dict[str, Any]:
        code = answer.status_code
        if code == 429 or code >= 500 or 300 <= code < 400:
            raise _unreachable(f"返回了 HTTP {code}", f"answered HTTP {code}")
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > MAX_BYTES:
                raise _unreachable("返回的内容太多", "answered too much")
            if self._clock() > deadline:
                raise _unreachable("半分钟没有答完", "took more than half a minute")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _unreachable(
                f"返回的不是 JSON（HTTP {code}）", f"answered no JSON (HTTP {code})"
            ) from error
        if not isinstance(found, dict):
            raise _unreachable("返回的不是对象", "answered no object")
        return found


def _unreachable(zh: str, en: str) -> CarrierUnreachable:
    return CarrierUnreachable(zh, en)
