"""微信客服 at the platform double: a log of messages that the shop reads, and sessions with states.

Sources: developer.work.weixin.qq.com/document/path 94670 (接收消息和事件), 94677 (发送消息), 95122
(发送欢迎语等事件响应消息), 94669 (分配客服会话), 95159 (获取客户基础信息), 94661 (获取客服帐号列表).
"""

import re
import secrets
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.serving import Request
from tests.doubles.wechat_app import Posting, Shown, Window, ok, wrong
from tests.doubles.wechat_corp import MEDIA, CorpApp

NEW, BOT, POOL, SERVICER, ENDED = range(5)
"""The states of a session: untreated, an assistant's, waiting for a person, a person's, over."""
CHANGES = {
    NEW: (BOT, POOL, SERVICER, ENDED), BOT: (POOL, SERVICER, ENDED), POOL: (SERVICER, ENDED),
    SERVICER: (SERVICER, ENDED), ENDED: (),
}  # fmt: skip
MAX_TEXT, MAX_LINES, MAX_MENU_TEXT, MAX_LABEL = 2048, 10, 1024, 128
TWO_DAYS, THREE_DAYS = 48 * 3600, 72 * 3600
SYNC_TOKEN_SECONDS, WELCOME_SECONDS = 600, 20
WITHOUT_TOKEN = 10
"""How often in a minute `sync_msg` may be called without the callback's token. The platform says
only that the limit is strict."""
MOST = 1000


@dataclass(slots=True)
class Session:
    """One customer at one 客服帐号."""

    state: int = ENDED
    servicer: str = ""
    window: Window = field(default_factory=lambda: Window(0, 0))
    greeted: float = 0.0


@dataclass
class KfApp(CorpApp):
    """All of a company's 客服帐号, and the log that they share."""

    accounts: dict[str, str] = field(default_factory=dict)
    first_state: int = NEW
    page: int = MOST
    log: list[dict[str, Any]] = field(default_factory=list)
    sessions: dict[tuple[str, str], Session] = field(default_factory=lambda: defaultdict(Session))
    seen: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, str] = field(default_factory=dict)
    welcomes: dict[str, tuple[tuple[str, str], float, int]] = field(default_factory=dict)
    sync_tokens: dict[str, float] = field(default_factory=dict)
    servicers: set[str] = field(default_factory=set)
    fails_next: deque[int] = field(default_factory=deque)
    _bare: deque[float] = field(default_factory=deque)
    _keys: dict[str, str] = field(default_factory=dict)

    # -- what customers do

    def write(self, user: str, text: str, kfid: str = "", **more: Any) -> Posting:
        """The customer writes; returns the callback that is under way."""
        return self.message(user, "text", {"content": text, **more}, kfid)

    def message(self, user: str, kind: str, content: dict[str, Any], kfid: str = "") -> Posting:
        """The customer sends something: the session begins where there is none."""
        kfid = kfid or next(iter(self.accounts))
        session = self.sessions[kfid, user]
        if session.state == ENDED or session.window.until <= self.now:
            session.state = self.first_state
        session.window = Window(self.now + TWO_DAYS, 5)
        where = {"open_kfid": kfid, "external_userid": user}
        return self.record(3, kind, content, **where)

    def enter(self, user: str, kfid: str = "", scene: str = "") -> Posting:
        """The customer opens the chat; a welcome may be sent unless there was one in 48 hours."""
        kfid = kfid or next(iter(self.accounts))
        session = self.sessions[kfid, user]
        about = {"open_kfid": kfid, "external_userid": user, "scene": scene}
        if session.greeted <= self.now - TWO_DAYS and session.window.until <= self.now:
            about["welcome_code"] = code = "W" + secrets.token_urlsafe(20)
            self.welcomes[code] = ((kfid, user), self.now + WELCOME_SECONDS, -1)
        return self.happens("enter_session", **about)

    def press(self, user: str, label: str, kfid: str = "") -> Posting:
        """Press a line of the newest menu that has it."""
        for shown in reversed(self.seen[user]):
            for number, name in shown.choices:
                if label in name:
                    return self.write(user, name, kfid, menu_id=number)
        raise AssertionError(f"no line {label!r}")

    def texts(self, user: str) -> list[str]:
        return [one.text for one in self.seen[user]]

    # -- what the company's people do in their own client

    def take(self, user: str, servicer: str, kfid: str = "", *, is_pool: bool = False) -> Posting:
        """A person takes the session, out of the pool or from the assistant."""
        kfid = kfid or next(iter(self.accounts))
        session = self.sessions[kfid, user]
        session.state, session.servicer = SERVICER, servicer
        return self.happens(
            "session_status_change", open_kfid=kfid, external_userid=user,
            change_type=1 if is_pool else 2, old_servicer_userid="", new_servicer_userid=servicer,
        )  # fmt: skip

    def speak(self, user: str, servicer: str, text: str, kfid: str = "") -> Posting:
        """A person answers there."""
        kfid = kfid or next(iter(self.accounts))
        self._show(user, Shown(0, text, "text", f"servicer {servicer}"))
        where = {"open_kfid": kfid, "external_userid": user, "servicer_userid": servicer}
        return self.record(5, "text", {"content": text}, **where)

    def end(self, user: str, kfid: str = "") -> Posting:
        """The session is ended there."""
        kfid = kfid or next(iter(self.accounts))
        session = self.sessions[kfid, user]
        who, session.state, session.servicer = session.servicer, ENDED, ""
        return self.happens(
            "session_status_change", open_kfid=kfid, external_userid=user, change_type=3,
            old_servicer_userid=who, new_servicer_userid="",
        )  # fmt: skip

    # -- the log, and word of it

    def happens(self, event: str, **values: Any) -> Posting:
        return self.record(4, "event", {"event_type": event, **values})

    def record(self, origin: int, kind: str, content: dict[str, Any], **where: Any) -> Posting:
        """Write into the log and call back."""
        self.log.append(
            {
                "msgid": f"m{len(self.log):06}{secrets.token_hex(8)}", **where,
                "send_time": int(self.now), "origin": origin, "msgtype": kind, kind: content,
            }
        )  # fmt: skip
        kfid = where.get("open_kfid") or content.get("open_kfid", "")
        token = "ENC" + secrets.token_hex(20)
        self.sync_tokens[token] = self.now + SYNC_TOKEN_SECONDS
        return self.begin(
            {
                "ToUserName": self.app_id, "CreateTime": int(time.time()), "MsgType": "event",
                "Event": "kf_msg_or_event", "Token": token, "OpenKfId": kfid,
            }
        )  # fmt: skip

    async def do_kf_sync_msg(self, request: Request) -> dict[str, Any]:
        data = request.json()
        token, cursor, kfid = data.get("token", ""), data.get("cursor", ""), data.get("open_kfid")
        if (refused := self._sync_refusal(token, cursor)) is not None:
            return refused
        begin = int(cursor.removeprefix("c")) if cursor else 0
        most = min(int(data.get("limit", MOST)), MOST, self.page)
        found = self.log[begin : begin + most]
        old = self.now - THREE_DAYS
        mine = [
            one
            for one in found
            if one["send_time"] > old and (not kfid or kfid == _account_of(one))
        ]
        end = begin + len(found)
        more = int(end < len(self.log))
        return ok(next_cursor=f"c{end}", has_more=more, msg_list=mine)

    def _sync_refusal(self, token: str, cursor: str) -> dict[str, Any] | None:
        if cursor and not re.fullmatch(r"c\d+", cursor):
            return wrong(40058, "invalid cursor")
        if token:
            is_good = self.sync_tokens.get(token, 0) > self.now
            return None if is_good else wrong(95007, "invalid msg token")
        while self._bare and self._bare[0] <= self.now - 60:
            self._bare.popleft()
        if len(self._bare) >= WITHOUT_TOKEN:
            return wrong(45009, "api freq out of limit")
        self._bare.append(self.now)
        return None

    # -- sending

    async def do_kf_send_msg(self, request: Request) -> dict[str, Any]:
        data = request.json()
        user, kfid = str(data.get("touser", "")), str(data.get("open_kfid", ""))
        key = str(data.get("msgid", "")) or secrets.token_hex(16)
        if kfid not in self.accounts:
            return wrong(95004 if kfid else 95000, "open_kfid not exist")
        if not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", key):
            return wrong(40058, "invalid msgid")
        if (kfid, user) not in self.sessions:
            return wrong(40096, "invalid external userid")
        if key in self._keys:  # the same message again: it is not shown again
            return ok(msgid=key)
        shown = _shown(data, "kf")
        if isinstance(shown, Shown) and shown.kind in MEDIA:
            if not self.has_media(shown.key, shown.kind):
                return wrong(40007, "invalid media_id")
            shown.text = f"[{shown.kind} {self.media[shown.key][0]}]"
            shown.data = {"content": self.media[shown.key][2]}
        refused = self._send_refusal(self.sessions[kfid, user])
        if not isinstance(shown, Shown) or refused is not None:
            return refused or shown
        self._keys[key] = user
        shown.key = key
        self._arrive(user, kfid, shown)
        return ok(msgid=key)

    def _send_refusal(self, session: Session) -> dict[str, Any] | None:
        if session.state not in (NEW, BOT):
            return wrong(95018, "send msg session status invalid")
        if session.window.until <= self.now:
            return wrong(95002, "send msg time limit")
        if not session.window.left:
            return wrong(95001, "send msg count limit")
        session.window.left -= 1
        return None

    def _arrive(self, user: str, kfid: str, shown: Shown) -> None:
        """Show it, unless the customer does not get it after all."""
        if not self.fails_next:
            self._show(user, shown)
            return
        why = self.fails_next.popleft()
        self.happens(
            "msg_send_fail", open_kfid=kfid, external_userid=user, fail_msgid=shown.key,
            fail_type=why,
        )  # fmt: skip

    def _show(self, user: str, shown: Shown) -> None:
        shown.at = time.monotonic()
        self.seen[user].append(shown)

    async def do_kf_send_msg_on_event(self, request: Request) -> dict[str, Any]:
        data = request.json()
        found = self.welcomes.get(str(data.get("code", "")))
        shown = _shown(data, "welcome")
        if found is None or found[1] <= self.now:
            return wrong(40029, "invalid code")
        where, _, state = found
        if state not in (-1, self.sessions[where].state):
            return wrong(95018, "send msg session status invalid")
        if not isinstance(shown, Shown):
            return shown
        del self.welcomes[str(data["code"])]  # each once
        self.sessions[where].greeted = self.now
        shown.key = str(data.get("msgid", "")) or secrets.token_hex(16)
        self._show(where[1], shown)
        return ok(msgid=shown.key)

    # -- sessions

    async def do_kf_service_state_get(self, request: Request) -> dict[str, Any]:
        session = self._session(request.json())
        if not isinstance(session, Session):
            return session
        return ok(service_state=session.state, servicer_userid=session.servicer)

    async def do_kf_service_state_trans(self, request: Request) -> dict[str, Any]:
        data = request.json()
        session, to = self._session(data), int(data.get("service_state", -1))
        if not isinstance(session, Session):
            return session
        if to not in CHANGES[session.state]:
            return wrong(95016, "invalid session status transition")
        who = str(data.get("servicer_userid", ""))
        if to == SERVICER and who not in self.servicers:
            return wrong(95014, "user not in servicer list")
        session.state, session.servicer = to, who if to == SERVICER else ""
        if to == BOT:
            return ok()
        code = "E" + secrets.token_urlsafe(20)
        where = (str(data["open_kfid"]), str(data["external_userid"]))
        seconds = WELCOME_SECONDS if to == ENDED else TWO_DAYS
        self.welcomes[code] = (where, self.now + seconds, to)
        return ok(msg_code=code)

    def _session(self, data: dict[str, Any]) -> Session | dict[str, Any]:
        where = (str(data.get("open_kfid", "")), str(data.get("external_userid", "")))
        if where[0] not in self.accounts:
            return wrong(95004, "open_kfid not exist")
        found = self.sessions.get(where)
        if found is None:
            return wrong(40096, "invalid external userid")
        if found.window.until <= self.now:  # a session lasts 48 hours
            found.state = ENDED
        return found

    # -- about customers and accounts

    async def do_kf_customer_batchget(self, request: Request) -> dict[str, Any]:
        wanted = request.json().get("external_userid_list", [])
        if not 1 <= len(wanted) <= 100:
            return wrong(40058, "invalid external_userid_list")
        known = {user for _, user in self.sessions}
        return ok(
            customer_list=[
                {
                    "external_userid": one, "nickname": self.names.get(one, "微信用户"),
                    "avatar": "", "gender": 0,
                }
                for one in wanted
                if one in known
            ],
            invalid_external_userid=[one for one in wanted if one not in known],
        )  # fmt: skip

    async def do_kf_account_list(self, _request: Request) -> dict[str, Any]:
        return ok(
            account_list=[
                {"open_kfid": number, "name": name, "avatar": "", "manage_privilege": True}
                for number, name in self.accounts.items()
            ]
        )


def _account_of(message: dict[str, Any]) -> str:
    return str(message.get("open_kfid") or message.get("event", {}).get("open_kfid", ""))


def _shown(data: dict[str, Any], by: str) -> Shown | dict[str, Any]:
    """What a message shows, or why it is refused."""
    kind = data.get("msgtype", "")
    content = data.get(kind) or {}
    if kind == "text":
        text = content.get("content", "")
        if not 0 < len(text.encode()) <= MAX_TEXT:
            return wrong(40058, "invalid text.content")
        return Shown(0, text, kind, by, data=data)
    if kind in ("image", "voice", "video", "file"):
        return Shown(0, "", kind, by, key=content.get("media_id", ""), data=data)
    if kind != "msgmenu":
        return wrong(40008, "invalid msgtype")
    lines = content.get("list", [])
    if not 1 <= len(lines) <= MAX_LINES:
        return wrong(95008, "menu item count limit")
    if any(line.get("type") not in ("click", "view", "miniprogram", "text") for line in lines):
        return wrong(95009, "invalid menu item type")
    texts = [content.get("head_content", ""), content.get("tail_content", "")]
    clicks = [line["click"] for line in lines if line["type"] == "click"]
    labels = [one.get(part, "") for one in clicks for part in ("id", "content")]
    if any(len(text.encode()) > MAX_MENU_TEXT for text in texts) or not all(
        0 < len(label.encode()) <= MAX_LABEL for label in labels
    ):
        return wrong(40058, "invalid msgmenu")
    choices = [(one["id"], one["content"]) for one in clicks]
    return Shown(0, "\n".join(text for text in texts if text), kind, by, choices, data)
