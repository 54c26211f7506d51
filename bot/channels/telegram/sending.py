"""Sends to Telegram: plain text that nothing can break, in pieces where it is long."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram.error import BadRequest, TelegramError

from bot.channels.base import (
    Carries,
    Errand,
    Limits,
    Outgoing,
    OutgoingFile,
    Piece,
    Policy,
    Rate,
    Refused,
)
from bot.channels.splitting import split
from bot.channels.telegram.client import CHANNEL, Client
from bot.channels.telegram.errands import perform
from bot.channels.telegram.errors import delivery_error
from bot.core.clock import now
from bot.core.messages import KEY_AWAY, SHARE_PHONE, Choice, Purpose

_MEGABYTE = 1 << 20
POLICY = Policy(
    Limits(overall=Rate(30, 1), per_chat=Rate(1, 1), per_group=Rate(20, 60)),
    opaque_buttons=True,
    files=(
        Carries("photo", frozenset({"image/jpeg", "image/png", "image/webp"}), 10 * _MEGABYTE),
        Carries("video", frozenset({"video/mp4"}), 50 * _MEGABYTE),
        Carries("audio", frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a"}), 50 * _MEGABYTE),
        Carries("document", frozenset(), 50 * _MEGABYTE),
    ),
)
"""core.telegram.org/bots/faq: 30 messages a second, 1 to one chat, 20 a minute to one group.
core.telegram.org/bots/api#sending-files: 10 MB for a photo, 50 MB for other files."""
NIGHT = (22, 8)
"""From and until which hour of the shop's day what nobody asked for comes without a sound."""
_SHORT, _IN_ROW = 4, 3


@dataclass
class TelegramChannel:
    """One bot as the sender sees it."""

    client: Client
    account: str
    zone: ZoneInfo
    policy: Policy = POLICY
    channel: str = CHANNEL

    def is_group(self, chat: str) -> bool:
        """Groups and channels have negative ids."""
        return chat.startswith("-")

    async def send(self, outgoing: Outgoing) -> str | Piece:
        """Send the next piece. Buttons stand under the last one."""
        try:
            if outgoing.copy_of:
                return await self._copy(outgoing)
            files, texts, at = outgoing.files, split(outgoing.words), outgoing.part
            if not files and not texts:
                raise Refused("the message is empty")
            is_last = at >= len(files) + len(texts) - 1
            if at < len(files):
                sent = await self._send_file(outgoing, files[at])
            else:
                choices = outgoing.choices if is_last else ()
                text = texts[min(at - len(files), len(texts) - 1)]
                sent = await self._send(outgoing, text, choices)
            return sent if is_last else Piece(sent)
        except TelegramError as error:
            raise delivery_error(error, is_group=self.is_group(outgoing.address.chat)) from error

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """Do what `errands.KINDS` names."""
        try:
            return await perform(self.client, errand)
        except TelegramError as error:
            raise delivery_error(error, is_group=self.is_group(errand.chat)) from error

    async def _send(self, outgoing: Outgoing, text: str, choices: Sequence[Choice]) -> str:
        sent = await self.client.send_message(
            outgoing.address.chat,
            text,
            reply_markup=keyboard(choices),
            disable_notification=self._is_silent(outgoing.purpose),
        )
        return str(sent.message_id)

    async def _send_file(self, outgoing: Outgoing, file: OutgoingFile) -> str:
        """A picture that is none to Telegram, too long or too wide a one, goes as a document."""
        carrier = self.policy.carrier(file.mime, file.size)
        if carrier is None:
            raise Refused("a file of this kind or size cannot be sent here")
        content = await asyncio.to_thread(file.read)
        try:
            return await self._upload(outgoing, carrier.kind, file, content)
        except BadRequest as error:
            if carrier.kind != "photo" or "photo" not in str(error).lower():
                raise
            return await self._upload(outgoing, "document", file, content)

    async def _upload(
        self, outgoing: Outgoing, kind: str, file: OutgoingFile, content: bytes
    ) -> str:
        send = getattr(self.client, f"send_{kind}")
        sent = await send(
            outgoing.address.chat,
            content,
            filename=file.name or file.path.name,
            disable_notification=self._is_silent(outgoing.purpose),
        )
        return str(sent.message_id)

    async def _copy(self, outgoing: Outgoing) -> str:
        """What an agent sent in the forum, with its file and the words beside it."""
        chat, _, message = outgoing.copy_of.rpartition("/")
        sent = await self.client.copy_message(outgoing.address.chat, chat, int(message))
        return str(sent.message_id)

    def _is_silent(self, purpose: Purpose) -> bool:
        """At night, what the customer has not just asked for."""
        begins, ends = NIGHT
        hour = now().astimezone(self.zone).hour
        return purpose in (Purpose.TRANSACTIONAL, Purpose.MARKETING) and (
            hour >= begins or hour < ends
        )


def keyboard(
    choices: Sequence[Choice],
) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    """Buttons for `choices`: short ones share a row, others have one each. With the key for sharing
    one's number they are keys below the chat (core.telegram.org/bots/api#keyboardbutton)."""
    if not choices:
        return None
    values = {choice.value for choice in choices}
    if KEY_AWAY in values:
        return ReplyKeyboardRemove()
    if SHARE_PHONE in values:
        keys = [KeyboardButton(one.label, request_contact=one.is_key) for one in choices]
        rows = [[key] for key in keys]
        return ReplyKeyboardMarkup(rows, resize_keyboard=True, one_time_keyboard=True)
    in_row = _IN_ROW if all(len(choice.label) <= _SHORT for choice in choices) else 1
    buttons = [InlineKeyboardButton(one.label, callback_data=one.value) for one in choices]
    return InlineKeyboardMarkup(
        [buttons[at : at + in_row] for at in range(0, len(buttons), in_row)]
    )
