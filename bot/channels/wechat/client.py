"""An account's calls for our event loop: each in a thread of the account's own."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bot.channels.wechat.library import CONNECTIONS, Api
from bot.wechat_settings import WeChat

CHANNEL = "wechat"
T = TypeVar("T")


class Client:
    """Raises what `library.Api` raises: `ApiError`, `NotReached`, `NoAnswer`."""

    def __init__(self, settings: WeChat) -> None:
        self.settings = settings
        self._api = Api(settings)
        self._threads = ThreadPoolExecutor(CONNECTIONS, f"wechat-{settings.name}")

    async def post(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send JSON to e.g. `/cgi-bin/message/custom/send`."""
        return await self._run(self._api.ask, "post", path, data=dict(data))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Ask e.g. `/cgi-bin/menu/get`."""
        return await self._run(self._api.ask, "get", path, params=dict(params or {}))

    async def upload(self, path: str, kind: str, name: str, content: bytes) -> dict[str, Any]:
        """Send a file; `kind` is image, voice, video, thumb or (WeCom) file."""
        files, params = {"media": (name, content)}, {"type": kind}
        return await self._run(self._api.ask, "post", path, params=params, files=files)

    async def fetch(
        self, path: str, params: Mapping[str, str], most: int
    ) -> bytes | dict[str, Any]:
        """A file of at most `most` bytes, or the JSON in its place. Raises `TooLarge` besides."""
        return await self._run(self._api.fetch, path, params, most)

    async def fetch_from(self, url: str, most: int) -> bytes:
        """A file from an address that the platform gave. Raises `TooLarge` besides."""
        return await self._run(self._api.fetch_from, url, most)

    def close(self) -> None:
        """Close the connections; calls under way are left to their time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._api.close()

    async def _run(self, work: Callable[..., T], *details: Any, **options: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*details, **options))
