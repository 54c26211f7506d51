"""Sends to Telegram: plain text that nothing can break, in pieces where it is long."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import ChatMigrated, TelegramError

from bot.channels.base import Errand, Limits, Outgoing, Policy, Rate, Refused
from bot.channels.splitting import split
from bot.channels.telegram.client import CHANNEL, Client
from bot.channels.telegram.errands import perform
from bot.channels.telegram.errors import delivery_error
from bot.core.clock import now
from bot.core.messages import Choice, Purpose

POLICY = Policy(
    Limits(overall=Rate(30, 1), per_chat=Rate(1, 1), per_group=Rate(20, 60)),
    opaque_buttons=True,
)
"""core.telegram.org/bots/faq: 30 messages a second, 1 to one chat, 20 a minute to one group."""
NIGHT = (22, 8)
"""From and until which hour of the shop's day what nobody asked for comes without a sound."""
PIECE_SECONDS = 1.0
"""Between two pieces of one long message, as between two messages to one chat."""
_REMEMBERED = 1000
_SHORT, _IN_ROW = 4, 3

log = structlog.get_logger()


@dataclass
class TelegramChannel:
    """One bot as the sender sees it."""

    client: Client
    account: str
    zone: ZoneInfo
    policy: Policy = POLICY
    channel: str = CHANNEL
    _done: dict[str, list[str]] = field(default_factory=dict)

    def is_group(self, chat: str) -> bool:
        """Groups and channels have negative ids."""
        return chat.startswith("-")

    async def send(self, outgoing: Outgoing) -> str:
        """Send all pieces; returns their ids, joined by commas.

        Pieces that arrived before an error are not sent again at the next attempt, as long as this
        process lives. Buttons stand under the last piece.
        """
        pieces = split(outgoing.text)
        if not pieces:
            raise Refused("the message is empty")
        done = self._done.pop(outgoing.key, [])
        try:
            while len(done) < len(pieces):
                if done:
                    await asyncio.sleep(PIECE_SECONDS)
                is_last = len(done) == len(pieces) - 1
                choices = outgoing.choices if is_last else ()
                done.append(await self._send(outgoing, pieces[len(done)], choices))
        except TelegramError as error:
            self._remember(outgoing.key, done)
            raise delivery_error(error, is_group=self.is_group(outgoing.address.chat)) from error
        return ",".join(done)

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """Do what `errands.KINDS` names."""
        try:
            return await perform(self.client, errand)
        except TelegramError as error:
            raise delivery_error(error, is_group=self.is_group(errand.chat)) from error

    async def _send(self, outgoing: Outgoing, text: str, choices: Sequence[Choice]) -> str:
        try:
            return await self._post(outgoing.address.chat, outgoing, text, choices)
        except ChatMigrated as error:  # the group became a supergroup: the same chat, a new id
            log.warning("a group has a new id", bot=self.account, new=error.new_chat_id)
            return await self._post(str(error.new_chat_id), outgoing, text, choices)

    async def _post(
        self, chat: str, outgoing: Outgoing, text: str, choices: Sequence[Choice]
    ) -> str:
        sent = await self.client.send_message(
            chat,
            text,
            reply_markup=keyboard(choices),
            disable_notification=self._is_silent(outgoing.purpose),
        )
        return str(sent.message_id)

    def _is_silent(self, purpose: Purpose) -> bool:
        """At night, what the customer has not just asked for."""
        begins, ends = NIGHT
        hour = now().astimezone(self.zone).hour
        return purpose in (Purpose.TRANSACTIONAL, Purpose.MARKETING) and (
            hour >= begins or hour < ends
        )

    def _remember(self, key: str, done: list[str]) -> None:
        if done:
            self._done[key] = done
            while len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]


def keyboard(choices: Sequence[Choice]) -> InlineKeyboardMarkup | None:
    """Buttons for `choices`: short ones share a row, others have one each."""
    if not choices:
        return None
    in_row = _IN_ROW if all(len(choice.label) <= _SHORT for choice in choices) else 1
    buttons = [InlineKeyboardButton(one.label, callback_data=one.value) for one in choices]
    return InlineKeyboardMarkup(
        [buttons[at : at + in_row] for at in range(0, len(buttons), in_row)]
    )
