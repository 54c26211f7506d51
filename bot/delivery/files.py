"""Agents' files on their way to customers: does the channel take them, and do we have them."""

from pathlib import Path

from sqlmodel import Session

from bot.channels.base import Carries, OutgoingFile, Policy
from bot.core.errors import NotAllowed
from bot.core.messages import Author, is_mark
from storage.models.attachments import Attached, Stage, attachments_of
from storage.models.conversations import Message

_MEGABYTE = 1 << 20
_ENDINGS = {"jpeg": "jpg", "mpeg": "mp3", "quicktime": "mov"}
"""What people call a type, where it is not the second half of its name."""


def refusal(policy: Policy, mime: str, size: int) -> NotAllowed | None:
    """Why a file cannot go to a customer by an account with this policy; None when it can."""
    if policy.replies_only:
        return NotAllowed(
            "这个公众号只能在客人发来消息时回复文字，发不了文件。",
            "This account can only answer in words when the customer writes: it sends no files.",
        )
    if policy.carrier(mime, size) is not None:
        return None
    most = max((one.max_bytes for one in policy.files if one.is_for(mime)), default=0)
    if most:
        return NotAllowed(
            f"这个渠道上，这种文件最大 {_megabytes(most)}。",
            f"This channel takes files of this kind up to {_megabytes(most)}.",
        )
    known = [_described(one) for one in policy.files]
    return NotAllowed(
        f"这个渠道发不了这种文件{'，能发 ' if known else ''}{'、'.join(known)}。",
        f"This channel takes no files of this kind{', only ' if known else ''}{', '.join(known)}.",
    )


def is_copy(session: Session, message: Message) -> bool:
    """Whether an agent's message is a file of theirs at the platform, to be copied from there."""
    if message.author != Author.AGENT or not message.origin:
        return False
    return any(not one.source for one in _files_of(session, message))


def enclosed(session: Session, message: Message) -> list[Attached]:
    """The files of ours that go along with a message: only agents send any."""
    if message.author != Author.AGENT or is_copy(session, message):
        return []
    return _files_of(session, message)


def are_coming(files: list[Attached]) -> bool:
    """Whether some have not been fetched yet."""
    return any(one.stage == Stage.WAITING for one in files)


def are_lost(files: list[Attached]) -> bool:
    """Whether some never will be had, or not any more."""
    return any(one.stage not in (Stage.WAITING, Stage.KEPT) for one in files)


def outgoing(files: list[Attached]) -> tuple[OutgoingFile, ...]:
    """The files as the sender passes them on; paths are those below our folder."""
    return tuple(OutgoingFile(Path(one.path), one.name, one.mime, one.size) for one in files)


def pieces(message: Message, files: list[Attached], in_words: int) -> int:
    """How many of the platform's messages a message takes, whose text alone takes `in_words`."""
    return len(files) + (0 if files and is_mark(message.text) else in_words)


def _files_of(session: Session, message: Message) -> list[Attached]:
    assert message.id is not None
    return attachments_of(session, [message.id]).get(message.id, [])


def _described(carries: Carries) -> str:
    kinds = (one.rpartition("/")[2] for one in carries.types)
    endings = "/".join(sorted(_ENDINGS.get(one, one) for one in kinds))
    return f"{endings} (≤ {_megabytes(carries.max_bytes)})"


def _megabytes(count: int) -> str:
    return f"{count / _MEGABYTE:g} MB"
