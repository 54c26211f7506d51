"""Sends to 微信客服: text, menus and files, each under an id of ours that makes it go out once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.channels.base import Errand, Outgoing, OutgoingFile, Policy, Refused, Window
from bot.channels.splitting import split, utf8
from bot.channels.wechat.client import CHANNEL, Client
from bot.channels.wechat.errors import FAILURES, delivery_error
from bot.channels.wechat.kf import NEW, OURS, WINDOW
from bot.channels.wechat.media import KF, upload
from bot.core.messages import Choice, Purpose

POLICY = Policy(
    windows={WINDOW: Window(timedelta(hours=48), 5, for_agents=2)},
    carries=frozenset(Purpose) - {Purpose.MARKETING},
    opaque_buttons=True,
    pieces=lambda text, choices: len(messages(text, choices)),
    files=KF,
)
"""Five messages in the 48 hours after the customer's
(developer.work.weixin.qq.com/document/path/94677)."""
MAX_TEXT, MAX_HEAD, MAX_LABEL, MAX_LINES = 2048, 1024, 128, 10
"""Longest text, text above a menu and line of a menu in bytes of UTF-8; most lines."""
_SENT_AS = re.compile(r"[0-9a-f]{8}-(\d+)-\d+")


@dataclass
class KfChannel:
    """One 客服帐号 as the sender sees it. `prefix` (8 hex digits) is this installation's own: the
    platform forgets no id, and the numbers of deliveries begin anew with a new database."""

    client: Client
    account: str
    prefix: str = "00000000"
    policy: Policy = POLICY
    channel: str = CHANNEL

    def is_group(self, chat: str) -> bool:
        """Never: one customer, one chat."""
        return False

    async def send(self, outgoing: Outgoing) -> str:
        """Send all pieces; returns their ids, joined by commas. What arrived before an error does
        not arrive again at the next attempt, for it has the same id."""
        files, texts = outgoing.files, messages(outgoing.words, outgoing.choices)
        if not files and not texts:
            raise Refused("the message is empty")
        done = []
        for place in range(1, len(files) + len(texts) + 1):
            at = place - 1
            body = await self._file(files[at]) if at < len(files) else texts[at - len(files)]
            number = f"{self.prefix}-{outgoing.key}-{place}"
            data = {
                "touser": outgoing.address.chat,
                "open_kfid": self.client.settings.open_kfid,
                "msgid": number,
                **body,
            }
            await self._post("send_msg", data)
            done.append(number)
        return ",".join(done)

    async def _file(self, file: OutgoingFile) -> dict[str, Any]:
        kind, number = await upload(self.client, self.policy, file)
        return {"msgtype": kind, kind: {"media_id": number}}

    async def run(self, errand: Errand) -> Mapping[str, Any]:
        """`welcome` with the event's code, or `session`: see to it that it is ours."""
        if errand.kind == "welcome":
            return await self._welcome(errand)
        if errand.kind == "session":
            return await self._session(errand.chat)
        raise Refused(f"unknown errand {errand.kind}")

    async def _welcome(self, errand: Errand) -> Mapping[str, Any]:
        choices = [Choice(**one) for one in errand.details["choices"]]
        body = messages(errand.details["text"], choices)[0]
        number = f"{self.prefix}-welcome-{errand.key}"
        data = {"code": errand.details["code"], "msgid": number, **body}
        return await self._post("send_msg_on_event", data)

    async def _session(self, chat: str) -> Mapping[str, Any]:
        """The session's state, which an untreated one leaves to become ours."""
        who = {"open_kfid": self.client.settings.open_kfid, "external_userid": chat}
        found = await self._post("service_state/get", who)
        state = int(found.get("service_state", NEW))
        if state == NEW:
            await self._post("service_state/trans", {**who, "service_state": OURS})
            state = OURS
        return {"state": state, "servicer": str(found.get("servicer_userid", ""))}

    async def _post(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self.client.post(f"/cgi-bin/kf/{path}", data)
        except FAILURES as error:
            raise delivery_error(error) from error


def key_of(sent_as: str, prefix: str) -> str | None:
    """The key of the message that was sent as `sent_as` by the installation `prefix`."""
    found = _SENT_AS.fullmatch(sent_as)
    return found.group(1) if found and sent_as.startswith(prefix) else None


def messages(text: str, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """What to send for `text`: pieces of it, and a menu at the end where there are choices."""
    pieces = _pieces(text, MAX_TEXT)
    if not choices:
        return [_text(one) for one in pieces]
    *before, last = pieces or [""]
    *middle, head = _pieces(last, MAX_HEAD) or [""]
    return [*(_text(one) for one in [*before, *middle]), _menu(head, choices)]


def _pieces(text: str, most: int) -> list[str]:
    """`text` in pieces of at most `most` bytes."""
    return split(text, most, utf8)


def _text(text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


def _menu(head: str, choices: Sequence[Choice]) -> dict[str, Any]:
    lines = [
        {"type": "click", "click": {"id": one.value, "content": _cut(one.label)}}
        for one in choices[:MAX_LINES]
    ]
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": lines}}


def _cut(label: str) -> str:
    return label.encode()[:MAX_LABEL].decode(errors="ignore")
