"""The web chat's frames and session tokens, as the chat socket's contract has them."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from itsdangerous import BadSignature, Signer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.core.messages import MAX_TEXT, Address, Inbound
from bot.core.text import storable

CHANNEL = "web"
ACCOUNT = "chat"

Code = Literal["bad_request", "too_long", "rate_limited"]


@dataclass(frozen=True, slots=True)
class FrameError(Exception):
    """A frame that cannot be taken. `id` is the client's own, where it could be read.

    `retry_after`: the seconds after which it is to come again, when it is not its writer's fault.
    """

    code: Code
    message: str
    id: str = ""
    retry_after: int = 0

    def as_frame(self) -> dict[str, str | int]:
        """The error as it goes over the socket."""
        frame = {"type": "error", "id": self.id, "code": self.code, "message": self.message}
        return frame | ({"retry_after": self.retry_after} if self.retry_after else {})


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class _MessageFrame(_Frame):
    type: Literal["message"]
    text: str


class _ChoiceFrame(_Frame):
    type: Literal["choice"]
    value: Annotated[str, Field(min_length=1, max_length=64)]


class Typing(BaseModel):
    """The customer is writing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["typing"]


class Read(BaseModel):
    """The customer has seen all messages up to `seq`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["read"]
    seq: Annotated[int, Field(ge=1, lt=2**53)]


_AnyFrame = _MessageFrame | _ChoiceFrame | Typing | Read
_FRAMES: TypeAdapter[_AnyFrame] = TypeAdapter(Annotated[_AnyFrame, Field(discriminator="type")])


class Sessions:
    """Session tokens: random, signed, and known to nobody but the browser that holds one.

    The chat is stored under the token's hash, so that a stolen database opens no session.
    """

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt="chat-session", digest_method=hashlib.sha256)
        self._files = Signer(secret, salt="chat-file", digest_method=hashlib.sha256)

    def new(self) -> str:
        """A new token with 256 random bits."""
        return self._signer.sign(secrets.token_urlsafe(32)).decode()

    def genuine(self, token: str) -> bool:
        """Whether this service made the token."""
        try:
            value = self._signer.unsign(token)
        except BadSignature:
            return False
        return self._signer.sign(value).decode() == token  # base64 has more than one spelling

    def file_key(self, chat: str, number: int) -> str:
        """What opens the file `number` of a chat: told to its session alone, and good for no other
        file, so that who passes on a link to it passes on no more."""
        return self._files.get_signature(f"{chat}:{number}").decode()

    def opens(self, key: str, chat: str, number: int) -> bool:
        """Whether `key` is the file's."""
        return secrets.compare_digest(key.encode(), self.file_key(chat, number).encode())

    @staticmethod
    def address(token: str) -> Address:
        """The chat that belongs to a genuine token."""
        return Address(CHANNEL, ACCOUNT, hashlib.sha256(token.encode()).hexdigest(), pulls=True)


def parse(
    address: Address, raw: str | None, language: str | None = None
) -> Inbound | Typing | Read:
    """What the customer does by one frame, from a page in `language`. Raises `FrameError`."""
    spoken = language if language in ("zh", "en") else None
    frame = _frame(raw)
    if isinstance(frame, Typing | Read):
        return frame
    external_id = f"{address.chat}:{frame.id}"
    if isinstance(frame, _ChoiceFrame):
        value = storable(frame.value) or frame.id
        return Inbound(address, external_id, choice=value, language=spoken)
    if len(frame.text) > MAX_TEXT:
        raise FrameError(
            "too_long",
            f"消息太长，请控制在 {MAX_TEXT} 字以内，或分几条发送。 / "
            f"Too long: at most {MAX_TEXT} characters, or send it in parts.",
            frame.id,
        )
    text = storable(frame.text)
    if not text:
        raise FrameError("bad_request", "消息是空的。 / The message is empty.", frame.id)
    return Inbound(address, external_id, text=text, language=spoken)


def _frame(raw: str | None) -> _AnyFrame:
    if not isinstance(raw, str):
        raise FrameError("bad_request", "目前只能收文字消息。 / Only text messages are taken here.")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FrameError("bad_request", "不是有效的 JSON。 / Not valid JSON.") from error
    try:
        return _FRAMES.validate_python(data)
    except ValidationError as error:
        raise FrameError("bad_request", _explain(error), _id_of(data)) from error


def _id_of(data: Any) -> str:
    found = data.get("id") if isinstance(data, dict) else None
    return found[:64] if isinstance(found, str) else ""


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "frame"
    return f"无法理解这条消息。 / Cannot understand this frame: {place}: {first['msg']}"
