"""Fetches what customers sent: photos, voice messages, documents."""

from dataclasses import dataclass

from telegram.error import BadRequest, Forbidden, TelegramError

from bot.channels.base import FileRefused, FileUnavailable
from bot.channels.telegram.client import CHANNEL, Client

OFFICIAL = "https://api.telegram.org"
MAX_MEGABYTES = 20
"""What bots get of a file there (core.telegram.org/bots/api#getfile); an own server gives all."""


@dataclass(frozen=True, slots=True)
class TelegramFiles:
    """One bot's files."""

    client: Client
    account: str
    channel: str = CHANNEL

    async def fetch(self, file_id: str, max_bytes: int) -> bytes:
        """The file's content. Raises `FileRefused` when it will never come, `FileUnavailable` when
        it may come later."""
        try:
            found = await self.client.get_file(file_id)
            if (found.file_size or 0) > max_bytes:
                raise FileRefused("too large")
            content = bytes(await found.download_as_bytearray())
        except (BadRequest, Forbidden) as error:
            raise FileRefused(str(error)) from error
        except TelegramError as error:
            raise FileUnavailable(type(error).__name__) from error
        if len(content) > max_bytes:
            raise FileRefused("too large")
        return content


def limit(api_base_url: str, megabytes: int) -> int:
    """How many bytes a file may have, where the shop takes `megabytes`."""
    most = min(megabytes, MAX_MEGABYTES) if api_base_url.startswith(OFFICIAL) else megabytes
    return most * 1024 * 1024
