"""An official account (公众号, 服务号) at the platform double.

Sources: developers.weixin.qq.com/doc/service (发送客服消息, 模板消息, 订阅通知, 自定义菜单, 素材管理,
接收普通消息, 被动回复).
"""

import re
import secrets
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from tests.doubles.serving import Reply, Request
from tests.doubles.wechat_app import App, Posting, Shown, Window, ok, wrong
from tests.doubles.wechat_crypto import Broken, xml

UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"
MAX_TEXT = 2048
"""Longest text of a message, in bytes of UTF-8."""
DAYS, MINUTE = 48 * 3600, 60
RULES: dict[str, tuple[float, int | None]] = {
    "message": (DAYS, 5), "menu": (MINUTE, 3), "follow": (MINUTE, 3), "scan": (MINUTE, 3),
    "payment": (DAYS, None),
}  # fmt: skip
"""How long and for how many messages each deed of a customer opens the window."""
MARKETING = re.compile(
    r"优惠|折扣|促销|特价|秒杀|满减|立减|领券|代金券|大酬宾|抽奖|coupon|discount|% off|\bsale\b",
    re.I,
)
"""Words for which accounts have been banned when they stood in a template message."""
MEDIA = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
MARK = "purpose:marketing"


@dataclass
class OfficialAccount(App):
    """One account and all that its customers see."""

    mode: str = "safe"
    name: str = "gh_a1b2c3d4e5f6"
    service_messages: bool = True
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    followers: set[str] = field(default_factory=set)
    windows: dict[str, dict[str, Window]] = field(default_factory=lambda: defaultdict(dict))
    authorised: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    bans: list[str] = field(default_factory=list)
    menu: dict[str, Any] | None = None
    refused_templates: set[str] = field(default_factory=set)

    # -- what customers do

    def write(self, openid: str, text: str, **more: Any) -> Posting:
        """The customer writes; returns the callback that is under way."""
        return self.message(openid, "text", Content=text, **more)

    def message(self, openid: str, kind: str, **values: Any) -> Posting:
        """The customer sends something of `kind`."""
        self.followers.add(openid)
        self._open(openid, "menu" if "bizmsgmenuid" in values else "message")
        number = secrets.randbits(62) + (1 << 62)
        return self._happens(openid, MsgType=kind, **values, MsgId=number)

    def event(self, openid: str, event: str, **values: Any) -> Posting:
        return self._happens(openid, MsgType="event", Event=event, **values)

    def follow(self, openid: str, scene: str = "") -> Posting:
        self.followers.add(openid)
        self._open(openid, "follow")
        return self.event(openid, "subscribe", EventKey=f"qrscene_{scene}" if scene else "")

    def leave(self, openid: str) -> Posting:
        self.followers.discard(openid)
        self.windows.pop(openid, None)
        return self.event(openid, "unsubscribe", EventKey="")

    def scan(self, openid: str, scene: str) -> Posting:
        self.followers.add(openid)
        self._open(openid, "scan")
        return self.event(openid, "SCAN", EventKey=scene, Ticket="T" + secrets.token_hex(8))

    def click(self, openid: str, key: str) -> Posting:
        """Press a button of the account's own menu."""
        self.followers.add(openid)
        self._open(openid, "menu")
        return self.event(openid, "CLICK", EventKey=key)

    def view(self, openid: str, url: str) -> Posting:
        return self.event(openid, "VIEW", EventKey=url, MenuId=1)

    def press(self, openid: str, label: str) -> Posting:
        """Press a line of the newest `msgmenu` that has it."""
        for shown in reversed(self.seen[openid]):
            for number, name in shown.choices:
                if label in name:
                    return self.write(openid, name, bizmsgmenuid=number)
        raise AssertionError(f"no line {label!r}")

    def pay(self, openid: str) -> None:
        """Pay, which opens the window and makes no callback."""
        self.followers.add(openid)
        self._open(openid, "payment")

    def authorise(self, openid: str, template: str) -> Posting:
        """Allow one subscribe message."""
        self.authorised[openid, template] += 1
        one = {"TemplateId": template, "SubscribeStatusString": "accept", "PopupScene": "0"}
        return self.event(openid, "subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": one})

    def texts(self, openid: str) -> list[str]:
        """What the customer sees, as texts."""
        return [one.text for one in self.seen[openid]]

    def _open(self, openid: str, kind: str) -> None:
        lasts, left = RULES[kind]
        self.windows[openid][kind] = Window(self.now + lasts, left)

    def _happens(self, openid: str, **values: Any) -> Posting:
        return self.begin(
            {
                "ToUserName": self.name, "FromUserName": openid, "CreateTime": int(time.time()),
                **values,
            }
        )  # fmt: skip

    # -- callbacks

    def verification(self, when: str, nonce: str, echo: str) -> dict[str, str]:
        signature = self.seal.signature(when, nonce)
        return {"signature": signature, "timestamp": when, "nonce": nonce, "echostr": echo}

    def sealed(self, values: dict[str, Any], when: str, nonce: str) -> tuple[dict[str, str], bytes]:
        query = {
            "signature": self.seal.signature(when, nonce), "timestamp": when, "nonce": nonce,
            "openid": values["FromUserName"],
        }  # fmt: skip
        if self.mode == "plain":
            return query, xml(values)
        secret = self.seal.encrypt(xml(values))
        query |= {"encrypt_type": "aes", "msg_signature": self.seal.signature(when, nonce, secret)}
        shown = values if self.mode == "compatible" else {"ToUserName": values["ToUserName"]}
        return query, xml({**shown, "Encrypt": secret})

    def answered(self, posting: Posting, body: bytes) -> None:
        """An empty answer or `success` says nothing; anything else is a passive reply."""
        if body.strip() in (b"", b"success"):
            return
        openid = posting.values["FromUserName"]
        try:
            self._show(openid, self._passive(openid, body))
        except Broken as error:
            self._show(openid, Shown(0, UNAVAILABLE, "system", "platform", key=str(error)))

    def unanswered(self, posting: Posting) -> None:
        shown = Shown(0, UNAVAILABLE, "system", "platform", key="no answer")
        if posting.values["MsgType"] != "event":
            self._show(posting.values["FromUserName"], shown)

    def _passive(self, openid: str, body: bytes) -> Shown:
        is_sealed = b"<Encrypt>" in body
        if self.mode == "safe" and not is_sealed:
            raise Broken("not encrypted")
        if self.mode == "plain" and is_sealed:
            raise Broken("encrypted")
        try:
            root = ElementTree.fromstring(self.seal.open_reply(body) if is_sealed else body)
        except ElementTree.ParseError as error:
            raise Broken("no XML") from error
        if root.findtext("ToUserName") != openid or root.findtext("FromUserName") != self.name:
            raise Broken("for somebody else")
        if not (root.findtext("CreateTime") or "").isdigit():
            raise Broken("no CreateTime")
        kind, text = root.findtext("MsgType") or "", root.findtext("Content") or ""
        if kind == "text" and 0 < len(text.encode()) <= MAX_TEXT:
            return Shown(0, text, "text", "passive")
        media = root.findtext(f"{kind.capitalize()}/MediaId") or ""
        if kind in ("image", "voice", "video") and media in self.media:
            return Shown(0, "", kind, "passive", key=media)
        raise Broken(f"no {kind or 'message'}")

    def _show(self, openid: str, shown: Shown) -> None:
        shown.at = time.monotonic()
        self.seen[openid].append(shown)

    # -- service messages

    async def do_message_custom_send(self, request: Request) -> dict[str, Any]:
        if not self.service_messages:
            return wrong(48001, "api unauthorized")
        data = _as_the_platform_reads(request)
        openid = str(data.get("touser", ""))
        if openid not in self.followers:
            return wrong(40003, "invalid openid")
        shown = self._custom(data)
        if not isinstance(shown, Shown):
            return shown
        refused = self._use_window(openid)
        if refused is None:
            self._show(openid, shown)
        return refused or ok()

    def _custom(self, data: dict[str, Any]) -> Shown | dict[str, Any]:
        kind = data.get("msgtype", "")
        content = data.get(kind) or {}
        if kind == "text":
            text = content.get("content", "")
            return _refused_text(text) or Shown(0, text, kind, "custom", data=data)
        if kind == "msgmenu":
            return _menu(content)
        if kind in ("image", "voice", "video"):
            number = content.get("media_id")
            if not self.has_media(number, kind):
                return wrong(40007, "invalid media_id")
            if kind == "video" and not self.has_media(content.get("thumb_media_id"), "thumb"):
                return wrong(40007, "invalid thumb media_id")
            data = {"content": self.media[number][2]}
            return Shown(0, f"[{kind}]", kind, "custom", key=number, data=data)
        if kind == "news" and len(content.get("articles", [])) == 1:
            article = content["articles"][0]
            return Shown(0, article.get("title", ""), kind, "custom", data=data)
        return wrong(45008 if kind == "news" else 40008, "invalid message type")

    def _use_window(self, openid: str) -> dict[str, Any] | None:
        """Take one message from a window that is open; why not, otherwise."""
        found = [one for one in self.windows[openid].values() if one.until > self.now]
        if not found:
            return wrong(45015, "response out of time limit or subscription is canceled")
        usable = [one for one in found if one.left is None or one.left > 0]
        if not usable:
            return wrong(45047, "out of response count limit")
        best = next((one for one in usable if one.left is None), min(usable, key=_end))
        if best.left is not None:
            best.left -= 1
        return None

    # -- messages outside the window

    async def do_message_template_send(self, request: Request) -> dict[str, Any]:
        data = _as_the_platform_reads(request)
        openid, template = str(data.get("touser", "")), str(data.get("template_id", ""))
        if template not in self.templates:
            return wrong(40037, "invalid template_id")
        if openid not in self.followers:
            return wrong(43004 if openid in self.seen else 40003, "require subscribe")
        shown = self._filled(template, data, "template")
        if not isinstance(shown, Shown):
            return shown
        number = secrets.randbits(40)
        is_refused = openid in self.refused_templates
        if not is_refused:
            self._show(openid, shown)
        status = "failed:user block" if is_refused else "success"
        self.event(openid, "TEMPLATESENDJOBFINISH", MsgID=number, Status=status)
        return ok(msgid=number)

    async def do_message_subscribe_bizsend(self, request: Request) -> dict[str, Any]:
        data = _as_the_platform_reads(request)
        openid, template = str(data.get("touser", "")), str(data.get("template_id", ""))
        if template not in self.templates:
            return wrong(40037, "invalid template_id")
        if self.authorised[openid, template] < 1:
            return wrong(43101, "user refuse to accept the msg")
        shown = self._filled(template, data, "subscribe")
        if not isinstance(shown, Shown):
            return shown
        self.authorised[openid, template] -= 1
        self._show(openid, shown)
        return ok()

    def _filled(self, template: str, data: dict[str, Any], by: str) -> Shown | dict[str, Any]:
        """A template with its values; a marketing one is noted as what bans the account."""
        values = {name: one.get("value") for name, one in data.get("data", {}).items()}
        missing = [name for name in self.templates[template] if not values.get(name)]
        if missing or len(values) > len(self.templates[template]):
            return wrong(
                47003, f"argument invalid! data.{(missing or ['extra'])[0]}.value is empty"
            )
        text = "\n".join(f"{name}：{value}" for name, value in values.items())
        if MARKETING.search(text) or MARK in str(data):
            self.bans.append(text)
        return Shown(0, text, by, by, data=data)

    # -- the rest

    async def do_menu_create(self, request: Request) -> dict[str, Any]:
        data = _as_the_platform_reads(request)
        buttons = data.get("button", [])
        if not 1 <= len(buttons) <= 3:
            return wrong(40016, "invalid button size")
        for one in buttons:
            below = one.get("sub_button", [])
            if len(one.get("name", "").encode()) > 16 or not one.get("name"):
                return wrong(40018, "invalid button name size")
            if len(below) > 5:
                return wrong(40023, "invalid sub button size")
            for leaf in below or [one]:
                if len(leaf.get("name", "").encode()) > 60:
                    return wrong(40025, "invalid sub button name size")
                if leaf.get("type") not in ("click", "view", "miniprogram", "scancode_push"):
                    return wrong(40017, "invalid button type")
                if not leaf.get({"click": "key", "view": "url"}.get(leaf["type"], "type")):
                    return wrong(40019, "invalid button key size")
        self.menu = {"button": buttons}
        return ok()

    async def do_menu_get(self, _request: Request) -> dict[str, Any]:
        return {"menu": self.menu} if self.menu else wrong(46003, "menu no exist")

    async def do_menu_delete(self, _request: Request) -> dict[str, Any]:
        self.menu = None
        return ok()

    async def do_customservice_getkflist(self, _request: Request) -> dict[str, Any]:
        return {"kf_list": []} if self.service_messages else wrong(48001, "api unauthorized")

    async def do_media_get(self, request: Request) -> dict[str, Any] | Reply:
        """A video comes as an address (developers.weixin.qq.com: 获取临时素材)."""
        number = request.query.get("media_id", "")
        if number.startswith("video-") and number in self.media:
            return {"video_url": f"{self.double.url}/video/{number}"}
        return await super().do_media_get(request)

    def media_limits(self) -> dict[str, int]:
        return MEDIA


def _end(window: Window) -> float:
    return window.until


def _as_the_platform_reads(request: Request) -> dict[str, Any]:
    r"""The body's object. The platform shows `\u4f60` as it stands: texts have to come as UTF-8."""
    body = re.sub(rb"(?<!\\)\\u(?=[0-9a-f]{4})", rb"\\\\u", request.body)
    return Request(request.method, request.path, {}, {}, body).json()


def _refused_text(text: str) -> dict[str, Any] | None:
    if not text:
        return wrong(44004, "empty content")
    return wrong(45002, "content size out of limit") if len(text.encode()) > MAX_TEXT else None


def _menu(content: dict[str, Any]) -> Shown | dict[str, Any]:
    choices = [(str(one.get("id", "")), one.get("content", "")) for one in content.get("list", [])]
    if not choices or not all(number and label for number, label in choices):
        return wrong(40008, "invalid message type")
    head, tail = content.get("head_content", ""), content.get("tail_content", "")
    if (refused := _refused_text(head)) is not None:
        return refused
    text = "\n".join(part for part in (head, tail) if part)
    return Shown(0, text, "msgmenu", "custom", choices)
