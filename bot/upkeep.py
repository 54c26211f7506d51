"""The service's housekeeping: what is done every night or every few minutes, as background jobs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import Session

from bot.core.clock import now
from bot.engine import Job
from bot.inbox.expiry import delete_old_files
from storage.db import Database
from storage.models.audit import forget_audit
from storage.models.buttons import forget_buttons
from storage.models.care import forget_refusals, forget_refused
from storage.models.community import forget_posts
from storage.models.deliveries import expire_waiting, forget_quotas
from storage.models.errands import forget_errands, forget_told
from storage.models.inbound import forget_receipts
from storage.models.moderation import forget_texts

RECEIPTS_KEPT = timedelta(days=30)
"""How long a delivery from outside is known again. Telegram repeats one for a day, WeChat for
seconds; ids that start afresh after a quiet week must not meet their old selves."""
QUOTAS_KEPT = timedelta(days=7)
BUTTONS_KEPT = timedelta(days=30)
"""How long a button that was sent can be pressed."""
POSTS_KEPT = timedelta(days=2)
"""How long it is known how much somebody wrote in a group: checks look back a day at most."""
TEXTS_KEPT = timedelta(days=90)
"""How long admins can read what was taken away in a group."""
ERRANDS_KEPT = timedelta(days=7)
"""How long it is known what was done at a platform; it may quote customers."""
TOLD_KEPT = timedelta(days=30)
"""How long it is known what webhooks were told, so that it can be told again."""
AUDIT_KEPT = timedelta(days=365)
"""How long it is known who did what at the desk, unless it is set."""
REFUSALS_KEPT = timedelta(days=90)
"""How long each "no" to a care message is known, with its moment; the last one stays with it."""
REFUSED_KEPT = timedelta(days=400)
"""How long a care message is known that never went: until no journey can plan it once more."""
AT_ONCE = 500
"""Rows in one transaction, so that no message waits for the housekeeping."""

log = structlog.get_logger()

Chore = Callable[[Session, datetime, int], int]
"""Does at most so many rows of the work that a moment is the limit of; returns how many."""


def jobs(
    db: Database, files: Path, files_kept: timedelta, audit_kept: timedelta = AUDIT_KEPT
) -> list[Job]:
    """The jobs of the house, with their times in the shop's time zone. `files` is the folder of
    customers' files; `audit_kept` is how long it is known who did what at the desk."""
    return [
        Job("forget-files", _files(db, files, files_kept), "30 4 * * *"),
        Job("forget-receipts", _all(db, forget_receipts, RECEIPTS_KEPT), "20 4 * * *"),
        Job("forget-quotas", _all(db, forget_quotas, QUOTAS_KEPT), "40 4 * * *"),
        Job("forget-buttons", _all(db, forget_buttons, BUTTONS_KEPT), "50 4 * * *"),
        Job("forget-group-posts", _all(db, forget_posts, POSTS_KEPT), "10 4 * * *"),
        Job("forget-moderated-texts", _all(db, forget_texts, TEXTS_KEPT), "15 4 * * *"),
        Job("forget-errands", _all(db, forget_errands, ERRANDS_KEPT), "55 4 * * *"),
        Job("forget-webhooks", _all(db, forget_told, TOLD_KEPT), "0 4 * * *"),
        Job("forget-audit", _all(db, forget_audit, audit_kept), "5 4 * * *"),
        Job("forget-refusals", _all(db, forget_refusals, REFUSALS_KEPT), "25 4 * * *"),
        Job("forget-refused", _all(db, forget_refused, REFUSED_KEPT), "35 4 * * *"),
        Job("expire-held-messages", _all(db, expire_waiting), "*/10 * * * *"),
    ]


def _files(db: Database, folder: Path, kept: timedelta) -> Callable[[dict[str, Any]], None]:
    """Delete what customers sent longer than `kept` ago."""

    def run(_details: dict[str, Any]) -> None:
        total = delete_old_files(db, folder, now() - kept, AT_ONCE)
        if total:
            log.info("housekeeping", chore="delete_old_files", files=total)

    return run


def _all(
    db: Database, chore: Chore, kept: timedelta = timedelta(0)
) -> Callable[[dict[str, Any]], None]:
    """The whole of a chore, bit by bit, on what is older than `kept`.

    Killed on the way, its next run does the rest.
    """

    def run(_details: dict[str, Any]) -> None:
        total = 0
        while found := db.run(chore, now() - kept, AT_ONCE):
            total += found
        if total:
            log.info("housekeeping", chore=chore.__name__, rows=total)

    return run
