"""Reads callbacks of an official account: from what WeChat sends to what a customer did."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.channels.links import led_here
from bot.channels.wechat.client import CHANNEL
from bot.channels.wechat.envelope import Opened
from bot.core.clock import now
from bot.core.messages import Address, Attachment, Inbound, Kind, Opening
from bot.core.text import storable
from bot.wechat_settings import MenuButton

MAX_NAME, MAX_CHOICE = 64, 128
"""Longest name of a place or link that is kept, in characters; longest value of a choice, bytes."""
MORE = frozenset({"继续", "繼續", "更多", "continue", "more"})
"""What asks for the rest of an answer where it could not all be given at once."""
_FILES = {
    "image": (Kind.PHOTO, "image/jpeg"),
    "video": (Kind.VIDEO, "video/mp4"),
    "shortvideo": (Kind.VIDEO, "video/mp4"),
}
_VOICES = {"amr": "audio/amr", "speex": "audio/speex", "mp3": "audio/mpeg"}
_WINDOWS = {"subscribe": "follow", "scan": "scan", "click": "menu"}
_FOLLOWED = "👋"
"""What shows where somebody began to follow the account, or came back by a code."""


@dataclass(frozen=True, slots=True)
class Left:
    """The customer follows the account no more."""


@dataclass(frozen=True, slots=True)
class NotArrived:
    """A message that the platform had taken did not arrive."""

    provider_id: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """The customer allows one more message by each of these templates."""

    templates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paid:
    """The customer has paid in the platform's own shop, which lets us write for two days."""

    at: datetime


News = Inbound | Left | Paid | NotArrived | Allowed
"""What a callback can mean."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one account's callbacks. `replies_only`: it can only reply, so that the rest of an
    answer may have to be asked for."""

    account: str
    menu: tuple[MenuButton, ...]
    replies_only: bool

    def read(self, said: Opened) -> News | None:
        """What it means; None for what has no effect."""
        if said.text("MsgType").lower() == "event":
            return self._event(said)
        return self._message(said)

    def address(self, said: Opened) -> Address:
        """The chat of who did it."""
        return Address(CHANNEL, self.account, said.text("FromUserName"))

    def _message(self, said: Opened) -> Inbound | None:
        attachments, text = _attachments(said), storable(_words(said))
        pressed = said.text("bizmsgmenuid")
        is_press = bool(pressed) and len(pressed.encode()) <= MAX_CHOICE
        if not text and attachments:
            text = attachments[0].kind.mark
        if not text:
            return None
        # A line of a menu opens no more than a press in the account's own menu does.
        opens = "menu" if is_press else "message"
        choice = pressed if is_press else self._more(text)
        return self._inbound(said, text, choice, opens, attachments)

    def _event(self, said: Opened) -> News | None:
        event, key = said.text("Event").lower(), said.text("EventKey")
        if event == "unsubscribe":
            return Left()
        if event in ("subscribe", "scan"):
            scene = key.removeprefix("qrscene_")
            return self._inbound(said, _FOLLOWED, led_here(scene), _WINDOWS[event])
        if event == "click" and key and len(key.encode()) <= MAX_CHOICE:
            return self._inbound(said, self._label(key), key, _WINDOWS[event])
        if event == "merchant_order" and said.text("OrderStatus") == "2":  # paid, to be dispatched
            return Paid(_created(said))
        if event == "templatesendjobfinish" and said.text("Status") != "success":
            refused = "user block" in said.text("Status")
            return NotArrived(said.text("MsgID") or said.text("MsgId"), refused)
        return _allowed(said) if event == "subscribe_msg_popup_event" else None

    def _inbound(
        self,
        said: Opened,
        text: str,
        choice: str | None,
        opens: str,
        attachments: tuple[Attachment, ...] = (),
    ) -> Inbound:
        return Inbound(
            self.address(said),
            key_of(said),
            text=text,
            choice=choice,
            origin=said.text("MsgId"),
            attachments=attachments,
            numbered=True,
            opens=Opening(opens, _created(said)),
        )

    def _more(self, text: str) -> str | None:
        asks = text.strip(" 。.!！“”\"'").lower() in MORE
        return "more" if self.replies_only and asks else None

    def _label(self, key: str) -> str:
        """The name of the menu's button that says `key`."""
        for button in self.menu:
            for one in (button, *button.buttons):
                if one.choice == key:
                    return one.name
        return key


def key_of(said: Opened) -> str:
    """The platform's id of a callback: a message's own, with its sender; an event has none
    (developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html)."""
    sender, message = said.text("FromUserName"), said.text("MsgId")
    if message and said.text("MsgType").lower() != "event":
        return f"{sender}:{message}"
    names = ("CreateTime", "Event", "EventKey", "MsgID")
    return ":".join((sender, *(said.text(name) for name in names)))[:255]


def _created(said: Opened) -> datetime:
    """When the platform says that it happened, but not later than now."""
    stamp = said.text("CreateTime")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return now()
    return min(now(), datetime.fromtimestamp(int(stamp), UTC))


def _words(said: Opened) -> str:
    """What the customer said: written, spoken and recognised, or a link's title and address."""
    kind = said.text("MsgType").lower()
    if kind == "link":
        return "\n".join(part for part in (said.text("Title"), said.text("Url")) if part)
    return said.text({"text": "Content", "voice": "Recognition"}.get(kind, ""))


def _attachments(said: Opened) -> tuple[Attachment, ...]:
    kind, media = said.text("MsgType").lower(), said.text("MediaId")
    if kind in _FILES and media:
        return (Attachment(_FILES[kind][0], media, mime=_FILES[kind][1]),)
    if kind == "voice" and media:
        mime = _VOICES.get(said.text("Format").lower(), "audio/amr")
        return (Attachment(Kind.VOICE, media, mime=mime),)
    if kind == "location":
        where = storable(said.text("Label"))[:MAX_NAME]
        about = f"{said.text('Location_X')},{said.text('Location_Y')}"[:MAX_NAME]
        return (Attachment(Kind.LOCATION, name=where, about=about),)
    return ()


def _allowed(said: Opened) -> Allowed | None:
    found = said.fields.get("SubscribeMsgPopupEvent")
    listed = found.get("List") if isinstance(found, dict) else None
    ones = listed if isinstance(listed, list) else [listed]
    accepted = [
        str(one.get("TemplateId", ""))
        for one in ones
        if isinstance(one, dict) and one.get("SubscribeStatusString") == "accept"
    ]
    return Allowed(tuple(accepted)) if accepted else None
