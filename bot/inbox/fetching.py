"""Fetches files after the commit that announced them, however often that takes."""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import Session

from bot.channels.base import FileRefused, FileSource, FileUnavailable
from bot.core.clock import now
from bot.core.errors import Unavailable, traced
from bot.core.ids import token
from bot.inbox.file_types import TYPES, type_of
from storage import live
from storage.db import Database
from storage.models import attachments, deliveries
from storage.models.attachments import Attached, Stage
from storage.models.customers import Identity

PAUSES = (2, 10, 60, 600, 3600)
"""Seconds to wait after the first, second … attempt that failed; after the last it is given up."""
LEASE = timedelta(minutes=3)
"""After this the file of a process that died is fetched by another."""
AT_ONCE = 4
QUIET_SECONDS = 30.0

log = structlog.get_logger()


class Fetcher:
    """Fetches into `folder`. Any number of processes may do so side by side."""

    def __init__(
        self, db: Database, sources: Sequence[FileSource], folder: Path, max_bytes: int
    ) -> None:
        self._db = db
        self._sources = {(one.channel, one.account): one for one in sources}
        self._folder = folder
        self._max_bytes = max_bytes

    async def run(self) -> None:
        """Fetch until cancelled; what was under way is fetched again by whoever comes next."""
        if not self._sources:
            return
        with self._db.live.listen(live.FILES) as signal:
            while True:
                try:
                    seconds = await self._round()
                except Unavailable:
                    seconds = PAUSES[0]
                except Exception as error:
                    log.error("files are fetched later", error=traced(error))
                    seconds = PAUSES[0]
                if seconds > 0:
                    await signal.wait(min(QUIET_SECONDS, seconds))

    async def _round(self) -> float:
        """Fetch some of what is due. Returns the seconds until there is more to do."""
        found = await self._db.read(attachments.due_files, now(), AT_ONCE)
        await asyncio.gather(*(self._fetch(*one) for one in found))
        if found:
            return 0.0
        due = await self._db.read(attachments.next_file)
        return max(0.1, (due - now()).total_seconds()) if due else QUIET_SECONDS

    async def _fetch(self, file: Attached, identity: Identity) -> None:
        if not await self._db.transact(attachments.claim_file, file, LEASE):
            return
        named = file.source.partition(":")[::2] if file.source else None
        source = self._sources.get(named or (identity.channel, identity.account))
        try:
            if source is None:
                raise FileUnavailable("the account is not in the configuration")
            content = await source.fetch(file.file_id, self._max_bytes)
            became = await asyncio.to_thread(self._keep, file, content)
        except FileRefused as error:
            became = {"stage": Stage.REFUSED, "reason": str(error), "due_at": None}
        except FileUnavailable as error:
            became = _later(file, str(error))
        await self._db.transact(_settle, file, became, identity)

    def _keep(self, file: Attached, content: bytes) -> dict[str, Any]:
        """Write the file under a name of ours. Raises `FileRefused` when its type is not kept."""
        kind = type_of(file.kind, file.mime, content)
        if kind is None:
            raise FileRefused("type")
        path = keep(self._folder, kind, content)
        return {
            "stage": Stage.KEPT, "path": path, "mime": kind, "size": len(content), "due_at": None,
        }  # fmt: skip


def keep(folder: Path, mime: str, content: bytes) -> str:
    """Write a file of one of `TYPES` under a name of ours; returns its path below `folder`."""
    path = f"{now():%Y/%m}/{token(18)}.{TYPES[mime]}"
    write(folder / path, content)
    return path


def _settle(session: Session, file: Attached, became: dict[str, Any], identity: Identity) -> None:
    """Write down what became of it; an agent's message that goes with it waits no longer."""
    assert file.id is not None
    attachments.settle_file(session, file.id, became, identity.address)
    if became.get("due_at") is None:
        deliveries.send_now(session, file.message_id)


def write(path: Path, content: bytes) -> None:
    """Write a file that only we can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _later(file: Attached, reason: str) -> dict[str, Any]:
    """Try again after a while, or give it up. `file` is as it was before this attempt."""
    if file.tries >= len(PAUSES):
        return {"stage": Stage.FAILED, "reason": reason, "due_at": None}
    return {"reason": reason, "due_at": now() + timedelta(seconds=PAUSES[file.tries])}
