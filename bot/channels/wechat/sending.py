"""Sends for an official account: service messages in open windows, templates outside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from bot.channels.base import (
    Closed,
    Errand,
    Outgoing,
    OutgoingFile,
    Piece,
    Policy,
    Refused,
    Route,
    Window,
)
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.errors import FAILURES, Failure, delivery_error
from bot.channels.wechat.media import OFFICIAL, upload, upload_thumb
from bot.channels.wechat.rendering import filled, messages
from bot.channels.wechat.rendering import texts as in_texts
from bot.core.clock import now
from bot.core.messages import Purpose
from bot.wechat_settings import Template, WeChat

_DAYS = timedelta(hours=48) - timedelta(minutes=5)
_MINUTE = timedelta(seconds=40)
"""Shorter than the platform's: its clock is not ours, and its third call comes 10 s later."""
FOR_AGENTS = 2
"""Of the five messages that a customer's message allows, so many are kept for people."""
WINDOWS = {
    "message": Window(_DAYS, 5, FOR_AGENTS),
    "menu": Window(_MINUTE, 3),
    "follow": Window(_MINUTE, 3),
    "scan": Window(_MINUTE, 3),
    "payment": Window(_DAYS),
}
"""What opens a window, and for how long and how many messages
(developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html)."""
WITHOUT_ADVERTISING = frozenset(Purpose) - {Purpose.MARKETING}

log = structlog.get_logger()


def policy_of(settings: WeChat) -> Policy:
    """What an official account may send, and by which ways."""
    if not settings.service_messages:
        return Policy(carries=WITHOUT_ADVERTISING, joins=True, replies_only=True, pieces=_in_texts)
    return Policy(
        windows=WINDOWS,
        routes=tuple(_route(one) for one in settings.templates),
        joins=True,
        pieces=lambda text, choices: len(messages(text, choices, menus=True)),
        files=OFFICIAL,
    )


def leave_for(template: str) -> str:
    """Under which name a customer's permissions for a template's messages are counted."""
    return f"leave:{template}"


@dataclass
class OfficialChannel:
    """One official account as the sender sees it."""

    client: Client
    account: str
    policy: Policy
    shop: str
    zone: ZoneInfo
    channel: str = CHANNEL

    def is_group(self, chat: str) -> bool:
        """There are none."""
        return False

    async def send(self, outgoing: Outgoing) -> str | Piece:
        """Send the next piece. The platform gives an id to messages by template alone."""
        if outgoing.route:
            return await self._by_template(outgoing)
        files, at = outgoing.files, outgoing.part
        texts = messages(outgoing.words, outgoing.choices, menus=True)
        if not files and not texts:
            raise Refused("the message is empty")
        piece = await self._file(files[at]) if at < len(files) else texts[at - len(files)]
        try:
            await self._post("message/custom/send", outgoing, piece)
        except FAILURES as error:
            raise delivery_error(error) from error
        return Piece("") if at < len(files) + len(texts) - 1 else ""

    async def _file(self, file: OutgoingFile) -> dict[str, Any]:
        """The message that shows a file, without its receiver."""
        kind, number = await upload(self.client, self.policy, file)
        content = {"media_id": number}
        if kind == "video":
            content["thumb_media_id"] = await upload_thumb(self.client)
        return {"msgtype": kind, kind: content}

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """There is nothing else to be done here."""
        raise Refused(f"unknown errand {errand.kind}")

    async def _by_template(self, outgoing: Outgoing) -> str:
        """What fails here waits until the customer writes, unless they refuse it."""
        template = self._template(outgoing.route)
        way = "template/send" if template.kind == "template" else "subscribe/bizsend"
        message = filled(outgoing, template, self.shop, now().astimezone(self.zone))
        try:
            found = await self._post(f"message/{way}", outgoing, message)
        except FAILURES as error:
            raise self._not_by_template(error, template) from error
        return str(found.get("msgid", ""))

    def _not_by_template(self, error: Failure, template: Template) -> Exception:
        meaning = delivery_error(error)
        if isinstance(meaning, Refused) and not meaning.blocked:
            log.error("a template was refused", account=self.account, template=template.id,
                      error=str(error))  # fmt: skip
            return Closed(meaning.reason)
        return meaning

    def _template(self, template_id: str) -> Template:
        for one in self.client.settings.templates:
            if one.id == template_id:
                return one
        raise Closed("the template is not in the configuration")

    async def _post(
        self, way: str, outgoing: Outgoing, message: Mapping[str, Any]
    ) -> dict[str, Any]:
        body = {"touser": outgoing.address.chat, **message}
        return await self.client.post(f"/cgi-bin/{way}", body)


def _route(template: Template) -> Route:
    carries = frozenset(Purpose(one) for one in template.purposes)
    return Route(template.id, carries, leave_for(template.id) * (template.kind == "subscribe"))


def _in_texts(text: str, choices: Any) -> int:
    return len(in_texts(text, choices))
