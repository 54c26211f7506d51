"""Opens customers' files for agents: found by number, served as what they are and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from bot.core.errors import NotFound
from bot.inbox.file_types import IMAGES, TYPES
from storage.models.attachments import Attached, Stage


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that can be opened, and the headers under which it is safe to show."""

    path: Path
    media_type: str
    headers: dict[str, str]


def kept(session: Session, attachment_id: int, folder: Path) -> Kept:
    """The file of an attachment. Raises `NotFound` when there is none, or none yet."""
    found = session.get(Attached, attachment_id)
    if found is None or found.stage != Stage.KEPT or found.mime not in TYPES:
        raise NotFound("没有这个文件。", "There is no such file.")
    path = folder / found.path
    if not path.is_file():
        raise NotFound("文件已经不在磁盘上了。", "The file is no longer on the disk.")
    way = "inline" if found.mime in IMAGES else "attachment"
    name = f"{found.kind}-{found.id}.{TYPES[found.mime]}"
    return Kept(
        path,
        found.mime,
        {
            "Content-Disposition": f'{way}; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        },
    )
