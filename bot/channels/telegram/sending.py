"""Sends to Telegram: plain text that nothing can break, in pieces where it is long."""

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
from telegram.error import TelegramError

from bot.channels.base import Errand, Limits, Outgoing, Piece, Policy, Rate, Refused
from bot.channels.splitting import split
from bot.channels.telegram.client import CHANNEL, Client
from bot.channels.telegram.errands import perform
from bot.channels.telegram.errors import delivery_error
from bot.core.clock import now
from bot.core.messages import KEY_AWAY, SHARE_PHONE, Choice, Purpose

POLICY = Policy(
    Limits(overall=Rate(30, 1), per_chat=Rate(1, 1), per_group=Rate(20, 60)),
    opaque_buttons=True,
)
"""core.telegram.org/bots/faq: 30 messages a second, 1 to one chat, 20 a minute to one group."""
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
            pieces, at = split(outgoing.text), outgoing.part
            if not pieces:
                raise Refused("the message is empty")
            if at < len(pieces) - 1:
                return Piece(await self._send(outgoing, pieces[at], ()))
            return await self._send(outgoing, pieces[-1], outgoing.choices)
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
