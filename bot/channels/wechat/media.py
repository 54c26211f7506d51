"""Puts agents' files into the platform's keeping, where a message can name them."""

import asyncio
from pathlib import Path

from bot.channels.base import Carries, OutgoingFile, Policy, Refused, TryLater
from bot.channels.wechat.client import Client
from bot.channels.wechat.errors import FAILURES, delivery_error
from bot.channels.wechat.library import NoAnswer

UPLOAD_SECONDS = 25.0
"""An upload that takes longer is tried again: less than what a whole message may take."""
_MEGABYTE = 1 << 20
_MP4 = frozenset({"video/mp4"})
OFFICIAL = (
    Carries("image", frozenset({"image/jpeg", "image/png", "image/gif"}), 10 * _MEGABYTE),
    Carries("voice", frozenset({"audio/amr", "audio/mpeg"}), 2 * _MEGABYTE),
    Carries("video", _MP4, 10 * _MEGABYTE),
)
"""What an official account's messages carry
(developers.weixin.qq.com/doc/offiaccount/Asset_Management/New_temporary_materials.html)."""
KF = (
    Carries("image", frozenset({"image/jpeg", "image/png"}), 10 * _MEGABYTE),
    Carries("voice", frozenset({"audio/amr"}), 2 * _MEGABYTE),
    Carries("video", _MP4, 10 * _MEGABYTE),
    Carries("file", frozenset(), 20 * _MEGABYTE),
)
"""What 微信客服 carries; anything else goes as a file
(developer.work.weixin.qq.com/document/path/90253)."""
THUMB = Path(__file__).with_name("video.jpg")
"""What stands for a video until it is played: an official account has to send such a picture
(developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html)."""


async def upload(client: Client, policy: Policy, file: OutgoingFile) -> tuple[str, str]:
    """The file's kind and id there. Raises a `DeliveryError`: nothing has been sent then."""
    carrier = policy.carrier(file.mime, file.size)
    if carrier is None:
        raise Refused("a file of this kind or size cannot be sent here")
    content = await asyncio.to_thread(file.read)
    return carrier.kind, await _uploaded(client, carrier.kind, _name(file), content)


async def upload_thumb(client: Client) -> str:
    """The id of the picture that stands for a video. Raises as `upload`."""
    return await _uploaded(client, "thumb", THUMB.name, await asyncio.to_thread(THUMB.read_bytes))


async def _uploaded(client: Client, kind: str, name: str, content: bytes) -> str:
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            found = await client.upload("/cgi-bin/media/upload", kind, name, content)
    except (NoAnswer, TimeoutError) as error:
        raise TryLater(f"upload: {error or 'too slow'}") from error
    except FAILURES as error:
        raise delivery_error(error) from error
    return str(found.get("media_id") or found.get("thumb_media_id", ""))


def _name(file: OutgoingFile) -> str:
    """What it is called there, with the ending by which the platform knows its type."""
    ending = file.path.suffix
    return file.name if file.name.lower().endswith(ending) else f"{file.name or 'file'}{ending}"
