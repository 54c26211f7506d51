"""Opens what the platform posts to us, if it is the platform: signature, freshness, cipher."""

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

from bot.channels.wechat import library
from bot.channels.wechat.library import Unreadable
from bot.core.ids import token
from bot.wechat_settings import WeChat

FRESH_SECONDS = 300
"""A callback signed longer ago, or so far ahead, is not the platform's (its clock and ours)."""
MAX_BYTES = 1 << 16
"""Longest callback that is read; the platform's own have a few kilobytes."""
_NONCES = 50_000


class Forged(Exception):
    """Not signed by the platform, or signed for something else: 403, nothing stored."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the platform said, and whether the answer has to be encrypted too."""

    fields: Mapping[str, Any]
    encrypted: bool

    def text(self, name: str) -> str:
        """One element's text, empty where there is none."""
        found = self.fields.get(name)
        return found if isinstance(found, str) else ""


class Envelope:
    """One account's callbacks. `query` is always that of the callback's address."""

    def __init__(self, settings: WeChat) -> None:
        self._settings = settings
        self._keys = [key for key in (settings.aes_key, settings.previous_aes_key) if key]
        self._seen: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def greet(self, query: Mapping[str, str]) -> str:
        """What answers the console's question whether this address is ours. Raises `Forged`, and
        `Unreadable` for what is encrypted for another."""
        echo = query.get("echostr", "")
        if "msg_signature" in query:  # WeCom encrypts the question too
            self._verify(query, "msg_signature", echo)
            said = self._decrypt(echo)
        else:
            self._verify(query, "signature")
            said = echo
        self.note(query, f"greeting {echo}")
        return said

    def open(self, query: Mapping[str, str], body: bytes) -> Opened:
        """What `body` says. Raises `Forged` and `Unreadable`."""
        self._refuse_stale(query)
        is_plain = query.get("encrypt_type", "raw") == "raw" and "msg_signature" not in query
        if is_plain:
            if self._settings.mode == "safe":
                raise Forged("not encrypted")
            self._verify(query, "signature")
            return Opened(_fields(body), encrypted=False)
        outer = _fields(body)
        sealed = outer.get("Encrypt")
        if not isinstance(sealed, str):
            raise Unreadable("nothing is encrypted")
        self._verify(query, "msg_signature", sealed)
        return Opened(library.fields(self._decrypt(sealed)), encrypted=True)

    def note(self, query: Mapping[str, str], about: str) -> None:
        """Remember what this time and nonce were signed for.

        In plain mode the signature does not cover the message, so whoever saw one could sign
        anything with it. A genuine retry may reuse its nonce, for the same message. Raises
        `Forged` when it was for something else.
        """
        key, at = (query.get("timestamp", ""), query.get("nonce", "")), monotonic()
        while self._seen and next(iter(self._seen.values()))[1] < at - 2 * FRESH_SECONDS:
            self._seen.popitem(last=False)
        while len(self._seen) >= _NONCES:
            self._seen.popitem(last=False)
        if self._seen.setdefault(key, (about, at))[0] != about:
            raise Forged("this nonce was used for another message")

    def seal(self, text: str) -> str:
        """`text` as the answer to an encrypted callback."""
        sealed = library.encrypt(self._keys[0], text, self._settings.app_id)
        at, nonce = str(int(time())), token(8)
        signed = library.signature(self._settings.token, at, nonce, sealed)
        return (
            f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{signed}]]></MsgSignature>"
            f"<TimeStamp>{at}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def _verify(self, query: Mapping[str, str], name: str, *more: str) -> None:
        self._refuse_stale(query)
        signed = (query.get("timestamp", ""), query.get("nonce", ""), *more)
        expected = library.signature(self._settings.token, *signed)
        if not hmac.compare_digest(expected.encode(), query.get(name, "").encode()):
            raise Forged("wrong signature")

    def _refuse_stale(self, query: Mapping[str, str]) -> None:
        stamp = query.get("timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            raise Forged("no timestamp")
        if abs(time() - int(stamp)) > FRESH_SECONDS:
            raise Forged("stale")

    def _decrypt(self, sealed: str) -> str:
        """By the present key, or the one before it while a change is under way."""
        for key in self._keys:
            try:
                return library.decrypt(key, sealed, self._settings.app_id)
            except Unreadable:
                continue
        raise Unreadable("none of the keys opens it")


def _fields(body: bytes) -> dict[str, Any]:
    try:
        return library.fields(body.decode())
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
