"""Deletes customers' files when their time is over; that there was one stays with the message."""

from datetime import datetime
from pathlib import Path

from storage.db import Database
from storage.models.attachments import expire_files, expired_files, forget_paths


def delete_old_files(db: Database, folder: Path, before: datetime, at_once: int) -> int:
    """Delete those that came before a moment, `at_once` in one transaction; returns how many.

    First it is noted that they go, then they go: killed on the way, the next run does the rest.
    """
    while db.run(expire_files, before, at_once):
        pass
    total = 0
    while found := db.run(expired_files, at_once):
        for path in found.values():
            (folder / path).unlink(missing_ok=True)
        db.run(forget_paths, list(found))
        total += len(found)
    return total
