"""Fetches what customers sent to an official account or to 微信客服: photos, voices, videos."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.channels.base import FileRefused, FileUnavailable
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.library import ApiError, NoAnswer, NotReached, TooLarge

GONE = frozenset({40004, 40007, 41006})
KF_GONE = frozenset({40007, 40058, 41006})
"""No such file, or not any more: official accounts', and 微信客服's."""
_OURS = (".qq.com", ".qpic.cn", ".weixin.com")
"""Where the platform keeps videos; a file is fetched from nowhere else."""


@dataclass(frozen=True, slots=True)
class WeChatFiles:
    """One account's files. They can be had for three days
    (developers.weixin.qq.com/doc/offiaccount/Asset_Management/Get_temporary_materials.html,
    developer.work.weixin.qq.com/document/path/90254)."""

    client: Client
    account: str
    gone: frozenset[int] = GONE
    channel: str = CHANNEL

    async def fetch(self, file_id: str, max_bytes: int) -> bytes:
        """The file's content. Raises `FileRefused` when it will never come, `FileUnavailable` when
        it may come later."""
        try:
            found = await self.client.fetch("/cgi-bin/media/get", {"media_id": file_id}, max_bytes)
            if isinstance(found, bytes):
                return found
            return await self._video(str(found.get("video_url", "")), max_bytes)
        except TooLarge as error:
            raise FileRefused("too large") from error
        except ApiError as error:
            kind = FileRefused if error.code in self.gone else FileUnavailable
            raise kind(str(error)) from error
        except (NotReached, NoAnswer) as error:
            raise FileUnavailable(str(error)) from error

    async def _video(self, url: str, max_bytes: int) -> bytes:
        """A video comes as an address; with a server of one's own, all addresses lead there."""
        there = urlsplit(url)
        is_theirs = (there.hostname or "").endswith(_OURS) or self.client.settings.api_base_url
        if there.scheme not in ("http", "https") or not is_theirs:
            raise FileRefused("a video at an address that is not the platform's")
        return await self.client.fetch_from(url, max_bytes)
