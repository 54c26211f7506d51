"""Fetches what customers sent to 微信客服."""

from dataclasses import dataclass

from bot.channels.base import FileRefused, FileUnavailable
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.errors import FAILURES
from bot.channels.wechat.library import ApiError, TooLarge

_NEVER = frozenset({40007, 40058, 41006})
"""No such file, or not any more: the platform keeps them for three days."""


@dataclass(frozen=True, slots=True)
class KfFiles:
    """One 客服帐号's files (developer.work.weixin.qq.com/document/path/90254)."""

    client: Client
    account: str
    channel: str = CHANNEL

    async def fetch(self, file_id: str, max_bytes: int) -> bytes:
        """The file. Raises `FileRefused` when it will never come, else `FileUnavailable`."""
        wanted = {"media_id": file_id}
        try:
            found = await self.client.fetch("/cgi-bin/media/get", wanted, max_bytes)
        except TooLarge as error:
            raise FileRefused("too large") from error
        except ApiError as error:
            kind = FileRefused if error.code in _NEVER else FileUnavailable
            raise kind(str(error)) from error
        except FAILURES as error:
            raise FileUnavailable(str(error)) from error
        if not isinstance(found, bytes):
            raise FileRefused("no file")
        return found
