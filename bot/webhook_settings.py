"""The `[[webhooks]]` sections of the configuration: who is told what, and by which secret."""

import base64
import binascii
import re
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from bot.core.webhooks import TYPES
from bot.settings import Section

PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
"""Bytes of a secret (github.com/standard-webhooks/standard-webhooks, spec, Signature scheme)."""


def _address(url: str) -> str:
    """An address whose calls nobody can read on the way."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        is_whole = is_whole and not re.search(r"\s", url)
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in ("https", "http"):
        raise ValueError(
            f"{url!r} is no address such as https://crm.example/hooks / "
            f"{url!r} 应写成 https://crm.example/hooks 这样的地址"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError(
            "it carries what customers write, so it needs https, except on this machine / "
            "内容含顾客的话，必须用 https（本机地址除外）"
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _secret(value: str) -> str:
    """`whsec_` and 24 to 64 bytes in base64."""
    try:
        size = len(key_of(value)) if value.startswith(PREFIX) else 0
    except binascii.Error:
        size = 0
    if not _SHORTEST <= size <= _LONGEST:
        raise ValueError(
            f"a secret is {PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64; make one: "
            f'echo "{PREFIX}$(openssl rand -base64 32)" / '
            f"密钥由 {PREFIX} 加 {_SHORTEST}～{_LONGEST} 个随机字节的 base64 组成，"
            "可用上面的命令生成"
        )
    return value


def _pattern(pattern: str) -> str:
    """A type, or a pattern that some type fits."""
    if not any(fnmatchcase(one, pattern) for one in TYPES):
        raise ValueError(
            f"{pattern!r} fits nothing that is told / 没有与 {pattern!r} 相符的事件: "
            + ", ".join(TYPES)
        )
    return pattern


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


class Webhook(Section):
    """Another system that is told what happens; see docs/webhooks.md."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    url: Annotated[str, AfterValidator(_address)]
    secret: Annotated[str, AfterValidator(_secret), Field(repr=False)]
    events: tuple[Annotated[str, AfterValidator(_pattern)], ...] = Field(
        default=("conversation.*", "message.created", "rating.created"), min_length=1
    )

    def wants(self, kind: str) -> bool:
        """Whether this system is told of events of this type."""
        return any(fnmatchcase(kind, pattern) for pattern in self.events)
