"""The files that agents send: which are taken, and how they are kept until they are sent."""

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlmodel import Session

from bot.channels.base import Policy
from bot.core.errors import NotAllowed, TooLarge, WrongKind
from bot.core.messages import Attachment
from bot.core.text import storable
from bot.delivery.files import refusal
from bot.inbox.bodies import body_of
from bot.inbox.fetching import keep
from bot.inbox.file_types import TYPES, kind_of, true_type
from storage.db import Database
from storage.models.conversations import Conversation
from storage.models.customers import Identity

MAX_NAME = 120
"""Longest name of a file that is kept, in characters: its end."""
Policies = Mapping[tuple[str, str], Policy]
"""What each account that is pushed to may send."""
T = TypeVar("T")
_ENDINGS = ", ".join(sorted(set(TYPES.values())))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: what its sender says of it, and what is in it."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SentFiles:
    """Where agents' files are kept, and which may be sent where. `max_bytes` is for one file."""

    db: Database
    folder: Path
    max_bytes: int
    policies: Policies = field(default_factory=dict)

    async def content(self, parts: AsyncIterable[bytes], room: int = 0) -> bytes:
        """What comes in `parts`, of which no more is read than a file may have and `room` for what
        is around it. Raises `TooLarge`."""
        content = await body_of(parts, self.max_bytes + room)
        if content is None:
            raise self._too_large()
        return content

    async def send(
        self,
        upload: Upload,
        look: Callable[[Session], Conversation],
        post: Callable[[Session, Attachment], T],
    ) -> T | None:
        """Keep the file and have it sent by `post`; what that gives. `look` gives the conversation,
        and raises where it is not for this agent.

        A file for which `post` gives nothing, for it came before, is not kept. Raises what an
        agent is told.
        """
        mime = self._mime(upload)
        await self.db.read(self._check, look, mime, len(upload.content))
        path = await asyncio.to_thread(keep, self.folder, mime, upload.content)
        name = storable(upload.name.replace("/", "_"))[-MAX_NAME:]
        size = len(upload.content)
        file = Attachment(kind_of(mime), name=name, mime=mime, size=size, path=path)
        posted: T | None = None
        try:
            posted = await self.db.transact(post, file)
        finally:
            if not posted:
                with suppress(OSError):
                    (self.folder / path).unlink()
        return posted

    def _mime(self, upload: Upload) -> str:
        """What kind of file it is. Raises where it is of none that is taken, empty or too large."""
        if len(upload.content) > self.max_bytes:
            raise self._too_large()
        if not upload.content:
            raise NotAllowed("文件是空的。", "The file is empty.")
        mime = true_type(upload.mime, upload.content)
        if mime is None:
            raise WrongKind(
                f"这种文件发不了。能发：{_ENDINGS}。",
                f"Files of this kind cannot be sent; these can: {_ENDINGS}.",
            )
        return mime

    def _check(
        self, session: Session, look: Callable[[Session], Conversation], mime: str, size: int
    ) -> None:
        """Whether the customer's channel takes it; web chat shows whatever we keep."""
        identity = session.get_one(Identity, look(session).identity_id)
        policy = self.policies.get((identity.channel, identity.account), Policy())
        problem = None if identity.pulls else refusal(policy, mime, size)
        if problem is not None:
            raise problem

    def _too_large(self) -> TooLarge:
        most = f"{self.max_bytes >> 20} MB"
        return TooLarge(f"文件最大 {most}。", f"Files may have up to {most}.")
