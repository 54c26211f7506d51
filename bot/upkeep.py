"""The service's housekeeping: what is done every night or every few minutes, as background jobs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlmodel import Session

from bot.core.clock import now
from bot.engine import Job
from storage.db import Database
from storage.models.buttons import forget_buttons
from storage.models.community import forget_posts
from storage.models.deliveries import expire_held, forget_quotas
from storage.models.errands import forget_errands
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
AT_ONCE = 500
"""Rows in one transaction, so that no message waits for the housekeeping."""

log = structlog.get_logger()

Chore = Callable[[Session, int], int]
"""Does at most so many rows of the work, and returns how many it found."""


def jobs(db: Database) -> list[Job]:
    """The jobs of the house, with their times in the shop's time zone."""
    return [
        Job("forget-receipts", _all(db, _forget_receipts), "20 4 * * *"),
        Job("forget-quotas", _all(db, _forget_quotas), "40 4 * * *"),
        Job("forget-buttons", _all(db, _forget_buttons), "50 4 * * *"),
        Job("forget-group-posts", _all(db, _forget_posts), "10 4 * * *"),
        Job("forget-moderated-texts", _all(db, _forget_texts), "15 4 * * *"),
        Job("forget-errands", _all(db, _forget_errands), "55 4 * * *"),
        Job("expire-held-messages", _all(db, _expire_held), "*/10 * * * *"),
    ]


def _all(db: Database, chore: Chore) -> Callable[[dict[str, Any]], None]:
    """The whole of a chore, bit by bit; killed on the way, its next run does the rest."""

    def run(_details: dict[str, Any]) -> None:
        total = 0
        while found := db.run(chore, AT_ONCE):
            total += found
        if total:
            log.info("housekeeping", chore=chore.__name__.strip("_"), rows=total)

    return run


def _forget_receipts(session: Session, most: int) -> int:
    return forget_receipts(session, now() - RECEIPTS_KEPT, most)


def _forget_quotas(session: Session, most: int) -> int:
    return forget_quotas(session, now() - QUOTAS_KEPT, most)


def _forget_buttons(session: Session, most: int) -> int:
    return forget_buttons(session, now() - BUTTONS_KEPT, most)


def _forget_posts(session: Session, most: int) -> int:
    return forget_posts(session, now() - POSTS_KEPT, most)


def _forget_texts(session: Session, most: int) -> int:
    return forget_texts(session, now() - TEXTS_KEPT, most)


def _forget_errands(session: Session, most: int) -> int:
    return forget_errands(session, now() - ERRANDS_KEPT, most)


def _expire_held(session: Session, most: int) -> int:
    return expire_held(session, now(), most)
