"""Asks JSON sources when they are due, page by page, and remembers how far it came."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session

from bot.config import Source
from bot.core.clock import now
from bot.core.errors import traced
from bot.core.json_paths import text_at
from bot.shop.orders import apply_order
from bot.shop.products import apply_product
from bot.shop.sources.json_api import JsonClient, SourceUnreachable
from bot.shop.sources.mapping import Mapping, load_mapping
from bot.shop.sources.rows import RowRefused, clean, moment_of, order_event, product_event
from storage.db import Database
from storage.models import sources
from storage.models.sources import SourceState, claim_poll, source_state

MOST_PAGES = 100
"""Pages in one run; the next run goes on."""
AT_ONCE = 50
UTC = ZoneInfo("UTC")
LEASE = timedelta(minutes=5)
"""After this the source of a process that died is asked by another: a page takes less."""
LONGEST_PAUSE = timedelta(hours=1)

log = structlog.get_logger()


class Poller:
    """Asks the JSON sources of an installation; their mappings are read at once.

    Raises `ConfigInvalid` when one is wrong.
    """

    def __init__(self, db: Database, configured: tuple[Source, ...], zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone
        self._sources = [
            (one, load_mapping(one.mapping)) for one in configured if one.mapping is not None
        ]

    @property
    def has_work(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self._sources)

    @property
    def cron(self) -> str:
        """How often it is looked which sources are due: each minute, or each half."""
        is_quick = any(source.every < 60 for source, _ in self._sources)
        return "*/30 * * * * *" if is_quick else "* * * * *"

    def run(self, _details: dict[str, Any]) -> None:
        """Ask every source that is due. One that fails leaves the others alone."""
        for source, mapping in self._sources:
            try:
                state = self._db.run(claim_poll, source.name, LEASE)
                if state is not None:
                    self._poll(source, mapping, state)
            except Exception as error:  # asked again when its lease ends
                log.error("a source is read later", source=source.name, error=traced(error))

    def _poll(self, source: Source, mapping: Mapping, state: SourceState) -> None:
        client = JsonClient(source)
        try:
            told, refused = self._pages(client, source, mapping, state.cursor)
        except SourceUnreachable as error:
            pause = self._db.run(_note_failure, source, str(error))
            log.warning("a source fails", source=source.name, error=str(error), pause=pause)
        else:
            self._db.run(_note_success, source, refused)
            if told:
                log.info("source read", source=source.name, things=told)
            if refused:
                log.warning("a source tells what cannot be read", source=source.name, why=refused)
        finally:
            client.close()

    def _pages(
        self, client: JsonClient, source: Source, mapping: Mapping, cursor: str
    ) -> tuple[int, str]:
        """Store page by page. Returns how many things came, and why some were refused."""
        asked = {mapping.since: cursor} if mapping.since and cursor else {}
        told, reasons, is_sorted = 0, list[str](), True
        address: str | None = ""
        for _ in range(MOST_PAGES):
            self._db.run(_keep, source.name)
            answer = client.get(address or "", asked)
            things = _things(mapping, answer)
            told += len(things)
            for part in (things[n : n + AT_ONCE] for n in range(0, len(things), AT_ONCE)):
                reasons += self._db.run(_store, mapping, part, self._zone)
            cursors = [cursor, *(text_at(one, mapping.cursor) for one in things)]
            is_sorted, cursor = is_sorted and _ascend(cursors), _furthest(cursors)
            address, asked = _next(mapping, answer, asked)
            if is_sorted or address is None:  # else what is older comes on later pages
                self._db.run(_note_cursor, source.name, cursor if mapping.cursor else "")
            if address is None or not things:
                return told, f"{len(reasons)} of {told}: {reasons[0]}" if reasons else ""
        if not is_sorted or not mapping.cursor:
            raise SourceUnreachable(
                f"超过 {MOST_PAGES} 页；请让它按更新时间从旧到新排列",
                f"has more than {MOST_PAGES} pages: let it sort by change, the oldest first",
            )
        return told, f"{len(reasons)} of {told}: {reasons[0]}" if reasons else ""


def _things(mapping: Mapping, answer: Any) -> list[Any]:
    try:
        return mapping.things(answer)
    except ValueError as error:
        raise SourceUnreachable(f"回答读不懂：{error}", f"answered {error}") from error


def _next(
    mapping: Mapping, answer: Any, asked: dict[str, str]
) -> tuple[str | None, dict[str, str]]:
    """Where the next page is, and what to send along; no address after the last page."""
    following = text_at(answer, mapping.next) if mapping.next else ""
    if not following:
        return None, asked
    return ("", {**asked, mapping.page: following}) if mapping.page else (following, {})


def _store(session: Session, mapping: Mapping, things: list[Any], zone: ZoneInfo) -> list[str]:
    """Let these take effect; returns why some cannot."""
    reasons = []
    for thing in things:
        rows = [{name: clean(text) for name, text in row.items()} for row in mapping.rows(thing)]
        try:
            if mapping.kind == "products":
                apply_product(session, product_event(rows[0], zone, now()))
            else:
                apply_order(session, order_event(rows, zone, mapping.statuses))
        except RowRefused as error:
            reasons.append(str(error))
    return reasons


def _furthest(cursors: list[str]) -> str:
    """The greatest that is known."""
    return max(filter(None, cursors), key=_order(cursors), default="")


def _ascend(cursors: list[str]) -> bool:
    found = [one for one in cursors if one]
    return found == sorted(found, key=_order(cursors))


def _order(cursors: list[str]) -> Callable[[str], Any]:
    """How these compare: as numbers, as moments, or as texts."""
    found = [one for one in cursors if one]
    if all(one.isdecimal() for one in found):
        return int
    try:
        [moment_of(one, UTC) for one in found]
    except (ValueError, OverflowError):
        return str
    return lambda one: moment_of(one, UTC)


def _keep(session: Session, name: str) -> None:
    """Nobody else shall ask while there is another page."""
    source_state(session, name).due_at = now() + LEASE


def _note_cursor(session: Session, name: str, cursor: str) -> None:
    state = source_state(session, name)
    state.cursor, state.heard_at = cursor[:500], now()


def _note_success(session: Session, source: Source, refused: str) -> None:
    state = source_state(session, source.name)
    state.failures, state.due_at = 0, _due(source, 0)
    state.error = ""
    if refused:
        sources.failed(session, source.name, refused)


def _note_failure(session: Session, source: Source, error: str) -> int:
    """Returns for how many seconds the source is left alone: twice as long each time."""
    state = sources.failed(session, source.name, error)
    state.failures += 1
    state.due_at = _due(source, state.failures)
    return round((state.due_at - now()).total_seconds())


def _due(source: Source, failures: int) -> datetime:
    every = timedelta(seconds=source.every)
    pause: timedelta = max(every, min(every * 2 ** min(failures, 10), LONGEST_PAUSE))
    return now() + pause
