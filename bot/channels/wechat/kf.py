"""Reads entries of 微信客服's log: from what `sync_msg` gives to what a customer did.

Source: developer.work.weixin.qq.com/document/path/94670 (接收消息和事件).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from bot.core.messages import Address, Attachment, Inbound, Kind
from bot.core.text import storable

CUSTOMER, EVENT, SERVICER = 3, 4, 5
"""Who an entry comes from (`origin`)."""
NEW, OURS, QUEUE, PERSON, OVER = range(5)
"""The states of a session: untreated, an assistant's, waiting for a person, a person's, over
(developer.work.weixin.qq.com/document/path/94669). We may write in the first two."""
WINDOW = "message"
"""What a customer's message opens: see `kf_sending.POLICY`."""
WELCOME_SECONDS = 20
"""How long a welcome may be sent after somebody opened the chat (…/path/95122)."""
PLAIN = frozenset({"order", "person"})
"""What the lines of the welcome mean; those of any other menu are tokens that are good once."""
_FILES = {
    "image": Kind.PHOTO,
    "voice": Kind.VOICE,
    "video": Kind.VIDEO,
    "file": Kind.DOCUMENT,
}
_FAILURES = {
    1: "the 客服帐号 was deleted",
    2: "the app is closed",
    4: "the session is older than 48 hours",
    5: "the session is closed",
    6: "more than 5 messages",
    8: "the company is not verified",
    10: "the customer refuses messages",
}


@dataclass(frozen=True, slots=True)
class KfEvent:
    """Something that happened in a chat besides a customer's message. `external_id` is unique."""

    address: Address
    external_id: str


@dataclass(frozen=True, slots=True)
class Entered(KfEvent):
    """The customer opened the chat, and may be welcomed with `code` until `until`."""

    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NotArrived(KfEvent):
    """What we sent as `sent_as` did not reach the customer."""

    sent_as: str
    reason: str
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Moved(KfEvent):
    """The session is in another `state`; `servicer` has it, if anybody."""

    state: int
    servicer: str


@dataclass(frozen=True, slots=True)
class Said(KfEvent):
    """`servicer` wrote to the customer in the company's own client."""

    servicer: str
    text: str


class KfInlet(Protocol):
    """Where what happens in chats besides customers' messages is handed over."""

    async def happened(self, event: KfEvent) -> None:
        """Let it take effect, once. Returns after the commit, and raises as `Inlet.take`."""

    async def wrote(self, address: Address) -> bool:
        """A message is about to be taken: see to it that the session is ours.

        Returns, after the commit, whether we may write; raises as `Inlet.take`.
        """


def chat_of(entry: Mapping[str, Any]) -> str:
    """The customer whom an entry is about; empty where it is about nobody."""
    event = entry.get("event")
    about: Any = event if isinstance(event, dict) else entry
    return str(entry.get("external_userid") or about.get("external_userid") or "")


def message_in(entry: Mapping[str, Any], channel: str, account: str, name: str) -> Inbound | None:
    """What a customer wrote or sent; None when it is nothing for us."""
    chat, number = chat_of(entry), str(entry.get("msgid", ""))
    if entry.get("origin") != CUSTOMER or not chat or not number:
        return None
    kind = str(entry.get("msgtype", ""))
    content = entry.get(kind)
    if not isinstance(content, dict):
        content = {}
    attachments = _attachments(kind, content)
    text = _text(kind, content) or (attachments[0].kind.mark if attachments else "")
    if not text:
        return None
    pressed = str(content.get("menu_id") or "") if kind == "text" else ""
    is_plain = pressed in PLAIN
    return Inbound(
        Address(channel, account, chat),
        number,
        text=text,
        choice=pressed if is_plain else None,
        token=pressed if pressed and not is_plain else None,
        name=name,
        origin=number,
        attachments=attachments,
    )


def sent_at(entry: Mapping[str, Any]) -> datetime:
    """When it was sent, by the platform's clock."""
    return datetime.fromtimestamp(float(entry.get("send_time") or 0), UTC)


def event_in(entry: Mapping[str, Any], channel: str, account: str) -> KfEvent | None:
    """What else happened; None when it means nothing to us."""
    chat, number = chat_of(entry), str(entry.get("msgid", ""))
    if not chat or not number:
        return None
    where = Address(channel, account, chat)
    if entry.get("origin") == SERVICER:
        kind = str(entry.get("msgtype", ""))
        content = entry.get(kind)
        content = content if isinstance(content, dict) else {}
        found = _attachments(kind, content)
        text = _text(kind, content) or (found[0].kind.mark if found else "")
        return Said(where, number, str(entry.get("servicer_userid", "")), text) if text else None
    event = entry.get("event")
    if entry.get("origin") != EVENT or not isinstance(event, dict):
        return None
    return _event(where, number, event, sent_at(entry))


def _event(where: Address, number: str, event: Mapping[str, Any], sent: datetime) -> KfEvent | None:
    match event.get("event_type"):
        case "enter_session" if event.get("welcome_code"):
            until = sent + timedelta(seconds=WELCOME_SECONDS)
            return Entered(where, number, str(event["welcome_code"]), until)
        case "msg_send_fail":
            why = int(event.get("fail_type", 0))
            reason = _FAILURES.get(why, "not delivered")
            return NotArrived(where, number, str(event.get("fail_msgid", "")), reason, why == 10)
        case "session_status_change":
            is_over = event.get("change_type") == 3
            servicer = "" if is_over else str(event.get("new_servicer_userid", ""))
            return Moved(where, number, OVER if is_over else PERSON, servicer)
        case _:
            return None


def _text(kind: str, content: Mapping[str, Any]) -> str:
    if kind == "text":
        return storable(str(content.get("content", "")))
    if kind == "link":
        return storable(f"{content.get('title', '')} {content.get('url', '')}".strip())
    if kind == "miniprogram":
        return storable(str(content.get("title", "")))
    return ""


def _attachments(kind: str, content: Mapping[str, Any]) -> tuple[Attachment, ...]:
    if kind in _FILES and content.get("media_id"):
        mime = "audio/amr" if kind == "voice" else ""
        return (Attachment(_FILES[kind], str(content["media_id"]), mime=mime),)
    if kind == "location":
        about = f"{content.get('latitude')},{content.get('longitude')}"
        return (
            Attachment(Kind.LOCATION, name=storable(str(content.get("name", ""))), about=about),
        )
    if kind == "business_card":
        return (Attachment(Kind.CONTACT, about=storable(str(content.get("userid", "")))),)
    return ()
