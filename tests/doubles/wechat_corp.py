"""A WeCom app (企业微信自建应用) at the platform double: messages to members.

Sources: developer.work.weixin.qq.com/document/path 90930 (回调配置), 90236 (发送应用消息), 90312
(访问频率限制).
"""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.serving import Request
from tests.doubles.wechat_app import CORP_MARKS, App, Shown, ok, wrong
from tests.doubles.wechat_crypto import xml

PER_MINUTE, PER_HOUR = 30, 1000
"""Messages of one app to one member; what is more is dropped without a word."""
MAX_TEXT = 2048
"""Longest text in bytes; what is more is cut off."""
MEDIA = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}


@dataclass
class CorpApp(App):
    """What all apps of a company have: the company's id, encrypted callbacks."""

    agent_id: int = 0
    bad_token = 40014
    marks = CORP_MARKS

    def refusal(self, token: str) -> dict[str, Any] | None:
        """A token is given to anybody; calls are not answered to everybody."""
        if not self.lets_in:
            text = "not allow to access from your ip, hint: [1], from ip: 127.0.0.1, more info at x"
            return wrong(60020, text)
        return super().refusal(token)

    def verification(self, when: str, nonce: str, echo: str) -> dict[str, str]:
        sealed = self.seal.encrypt(echo.encode())
        signature = self.seal.signature(when, nonce, sealed)
        return {"msg_signature": signature, "timestamp": when, "nonce": nonce, "echostr": sealed}

    def sealed(self, values: dict[str, Any], when: str, nonce: str) -> tuple[dict[str, str], bytes]:
        secret = self.seal.encrypt(xml(values))
        signature = self.seal.signature(when, nonce, secret)
        query = {"msg_signature": signature, "timestamp": when, "nonce": nonce}
        about = {"ToUserName": self.app_id, "AgentID": self.agent_id or ""}
        return query, xml({**about, "Encrypt": secret})

    def media_limits(self) -> dict[str, int]:
        return MEDIA


@dataclass
class WecomApp(CorpApp):
    """An app that writes to members."""

    members: set[str] = field(default_factory=set)
    seen: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    dropped: list[tuple[str, str]] = field(default_factory=list)
    minute: float = 60.0
    _sent: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def texts(self, member: str) -> list[str]:
        return [one.text for one in self.seen[member]]

    async def do_agent_get(self, request: Request) -> dict[str, Any]:
        if str(self.agent_id) != request.query.get("agentid"):
            return wrong(40056, "invalid agentid")
        return ok(agentid=self.agent_id, name="店小二", close=0)

    async def do_message_send(self, request: Request) -> dict[str, Any]:
        data = request.json()
        if data.get("agentid") != self.agent_id:
            return wrong(40056, "invalid agentid")
        wanted = [one for one in str(data.get("touser", "")).split("|") if one]
        unknown = [one for one in wanted if one not in self.members]
        kind = data.get("msgtype", "")
        if kind not in ("text", "markdown", "textcard"):
            return wrong(40008, "invalid msgtype")
        content = data.get(kind) or {}
        text = content.get("content") or content.get("description") or ""
        if not text:
            return wrong(44004, "empty content")
        if len(unknown) == len(wanted):
            return wrong(81013, "user & party & tag all invalid")
        for member in wanted:
            if member not in unknown:
                self._arrive(member, _cut(text), kind, data)
        return ok(invaliduser="|".join(unknown), msgid=f"w{int(self.now * 1000)}")

    def _arrive(self, member: str, text: str, kind: str, data: dict[str, Any]) -> None:
        at, recent = time.monotonic(), self._sent[member]
        while recent and recent[0] <= at - 60 * self.minute:
            recent.popleft()
        in_minute = sum(one > at - self.minute for one in recent)
        if in_minute >= PER_MINUTE or len(recent) >= PER_HOUR:
            self.dropped.append((member, text))
            return
        recent.append(at)
        self.seen[member].append(Shown(at, text, kind, "wecom", data=data))


def _cut(text: str) -> str:
    return text.encode()[:MAX_TEXT].decode(errors="ignore")
