"""WeChat's message encryption, written from its description with `cryptography` alone.

developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html:
AES-256-CBC, the key's first 16 bytes as the vector, PKCS#7 to blocks of 32, and inside 16 random
bytes, the length in network order, the message, the app's id.
"""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32


class Broken(Exception):
    """What was received cannot be read, or is not from whom it says."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How one account signs and encrypts."""

    token: str
    aes_key: str
    app_id: str

    def signature(self, *parts: str) -> str:
        """SHA-1 over the token and `parts`, sorted and joined."""
        return hashlib.sha1("".join(sorted([self.token, *parts])).encode()).hexdigest()

    def encrypt(self, message: bytes) -> str:
        """The message as base64."""
        inner = os.urandom(16) + struct.pack(">I", len(message)) + message + self.app_id.encode()
        fill = BLOCK - len(inner) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(
            encryptor.update(inner + bytes([fill]) * fill) + encryptor.finalize()
        ).decode()

    def decrypt(self, text: str) -> bytes:
        """The message in `text`. Raises `Broken`."""
        try:
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
        except ValueError as error:
            raise Broken("no ciphertext") from error
        fill = padded[-1] if padded else 0
        if not 1 <= fill <= BLOCK or padded[-fill:] != bytes([fill]) * fill:
            raise Broken("padding")
        inner = padded[16:-fill]
        (length,) = struct.unpack(">I", inner[:4])
        if inner[4 + length :] != self.app_id.encode():
            raise Broken("for another app")
        return inner[4 : 4 + length]

    def open_reply(self, body: bytes) -> bytes:
        """The XML in an encrypted passive reply. Raises `Broken`."""
        values = fields(body)
        try:
            sealed, when, nonce = values["Encrypt"], values["TimeStamp"], values["Nonce"]
        except KeyError as error:
            raise Broken(f"no {error}") from error
        if values.get("MsgSignature") != self.signature(when, nonce, sealed):
            raise Broken("signature")
        return self.decrypt(sealed)

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def fields(body: bytes) -> dict[str, str]:
    """The elements of a flat `<xml>`. Raises `Broken`."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise Broken("no XML") from error
    if root.tag != "xml":
        raise Broken("no <xml>")
    return {one.tag: (one.text or "") for one in root}


def xml(values: dict[str, object]) -> bytes:
    """A flat `<xml>` as the platform writes it: texts in CDATA, numbers bare."""
    inner = "".join(f"<{name}>{_value(value)}</{name}>" for name, value in values.items())
    return f"<xml>{inner}</xml>".encode()


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_value(one)}</{name}>" for name, one in value.items())
    if isinstance(value, int | float):
        return str(value)
    return "<![CDATA[" + str(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"
