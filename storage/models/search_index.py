"""The index behind the search: derived from messages and notes, and filled after their commit.

Its tables are not in `SQLModel.metadata` nor in backups: SQLite has them as FTS5, PostgreSQL with a
`tsvector`, and all that is in them can be made again. Words are cut by `bot.core.searching`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text
from sqlmodel import Session

from bot.core.searching import words_of

DERIVED = "search_"
"""How the names of the tables begin; SQLite makes more of such names for itself."""
BLOCK = 1 << 14
"""On PostgreSQL each entry also has the number of its block as a word: so many ids are one block.
GIN gives all hits or none; asked for a word and some blocks, it gives the newest alone."""


class Shelf(StrEnum):
    """What is indexed: a table with `id` and `text`."""

    MESSAGE = "message"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to be indexed, cut into words: None where it is gone. `change` is why once more."""

    id: int
    words: tuple[str, ...] | None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shelf is: up to id `filled`; of ids up to `settled` none can appear any more."""

    filled: int
    settled: int
    mark: int
    mark_xid: int


def drop(connection: Connection) -> None:
    """Take the tables away, if they are there."""
    for name in (*Shelf, "state", "change"):
        connection.execute(text(f"DROP TABLE IF EXISTS {DERIVED}{name}"))


def changed(session: Session, shelf: Shelf, row_ids: Sequence[int]) -> None:
    """Rows that may be indexed have another text now, or are to be forgotten.

    They are found no longer from this commit on, and by their new words soon after.
    """
    execute = session.connection().execute
    key = "rowid" if _is_sqlite(session) else "id"
    for row_id in row_ids:
        values = {"shelf": shelf, "row_id": row_id}
        execute(text(f"DELETE FROM search_{shelf} WHERE {key} = :row_id"), values)
        execute(text("INSERT INTO search_change (shelf, row_id) VALUES (:shelf, :row_id)"), values)


def progress(session: Session, shelf: Shelf) -> Progress:
    """How far a shelf is indexed."""
    query = text("SELECT filled, settled, mark, mark_xid FROM search_state WHERE shelf = :shelf")
    return Progress(*session.connection().execute(query, {"shelf": shelf}).one())


def newest(session: Session, shelf: Shelf) -> int:
    """The highest id of a shelf, 0 when it is empty."""
    found = session.connection().execute(text(f"SELECT max(id) FROM {shelf}")).scalar()
    return int(found or 0)


def unread(session: Session, shelf: Shelf, after: int, limit: int) -> list[Entry]:
    """The next rows that were never indexed."""
    query = f"SELECT id, text FROM {shelf} WHERE id > :after ORDER BY id LIMIT :limit"
    return _entries(session, query, after=after, limit=limit)


def stragglers(session: Session, shelf: Shelf, at: Progress, limit: int) -> list[Entry]:
    """Rows that were committed after one with a higher id was indexed (PostgreSQL)."""
    query = (
        f"SELECT id, text FROM {shelf} WHERE id > :settled AND id <= :filled AND NOT EXISTS "
        f"(SELECT 1 FROM search_{shelf} s WHERE s.id = {shelf}.id) ORDER BY id LIMIT :limit"
    )
    return _entries(session, query, settled=at.settled, filled=at.filled, limit=limit)


def changes(session: Session, shelf: Shelf, limit: int) -> list[Entry]:
    """Rows to be indexed anew, as they are now; of what is gone, nothing."""
    query = (
        f"SELECT c.row_id, t.text, c.id FROM search_change c LEFT JOIN {shelf} t "
        "ON t.id = c.row_id WHERE c.shelf = :shelf ORDER BY c.id LIMIT :limit"
    )
    return _entries(session, query, shelf=shelf, limit=limit)


def fill(session: Session, shelf: Shelf, before: int, entries: Sequence[Entry]) -> bool:
    """Index the next rows after id `before`. False when another process has done it."""
    moved = session.connection().execute(
        text("UPDATE search_state SET filled = :to WHERE shelf = :shelf AND filled = :before"),
        {"to": entries[-1].id, "shelf": shelf, "before": before},
    )
    if moved.rowcount:
        _store(session, shelf, entries)
    return bool(moved.rowcount)


def fill_again(session: Session, shelf: Shelf, entries: Sequence[Entry]) -> None:
    """Index rows that came late, or have another text now."""
    execute = session.connection().execute
    if entries:
        key = "rowid" if _is_sqlite(session) else "id"
        ids = [{"row_id": row_id} for row_id in {one.id for one in entries}]
        execute(text(f"DELETE FROM search_{shelf} WHERE {key} = :row_id"), ids)
        _store(session, shelf, list({one.id: one for one in entries}.values()))
    done = [{"id": one.change} for one in entries if one.change is not None]
    if done:
        execute(text("DELETE FROM search_change WHERE id = :id"), done)


def settle(session: Session, shelf: Shelf, at: Progress, is_over: bool) -> None:
    """Move `settled` up to the mark when its transactions are over, and set the next mark.

    An id is taken before its transaction commits, so on PostgreSQL a lower one may appear later.
    All that were under way when the mark was set have a number below the mark's.
    """
    if at.mark and not is_over:
        return
    session.connection().execute(
        text(
            "UPDATE search_state SET settled = mark, mark = :filled, mark_xid = "
            "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) "
            "WHERE shelf = :shelf AND mark = :mark"
        ),
        {"filled": at.filled, "shelf": shelf, "mark": at.mark},
    )


def is_over(session: Session, at: Progress) -> bool:
    """Whether all transactions that were under way when the mark was set have ended."""
    oldest = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
    return int(session.connection().execute(text(oldest)).scalar_one()) >= at.mark_xid


def _entries(session: Session, query: str, **values: Any) -> list[Entry]:
    rows = session.connection().execute(text(query), values)
    return [Entry(row[0], _words(row[1]), *row[2:]) for row in rows]


def _words(said: str | None) -> tuple[str, ...] | None:
    return None if said is None else tuple(words_of(said))


def _store(session: Session, shelf: Shelf, entries: Sequence[Entry]) -> None:
    execute = session.connection().execute
    if _is_sqlite(session):
        rows = [{"id": one.id, "words": " ".join(one.words)} for one in entries if one.words]
        if rows:
            execute(text(f"INSERT INTO search_{shelf} (rowid, words) VALUES (:id, :words)"), rows)
        return
    there = [one for one in entries if one.words is not None]
    query = text(
        f"INSERT INTO search_{shelf} (id, words) SELECT id, CAST(words AS tsvector) "
        "FROM unnest(CAST(:ids AS bigint[]), CAST(:words AS text[])) AS t (id, words) "
        "ON CONFLICT (id) DO NOTHING"
    )
    execute(query, {"ids": [one.id for one in there], "words": [_vector(one) for one in there]})


def _vector(entry: Entry) -> str:
    """The entry as PostgreSQL reads it: each word with its place, and the block's."""
    words = [f"'{word}':{place}" for place, word in enumerate(entry.words or (), start=1)]
    return " ".join([f"'{block_word(entry.id // BLOCK)}'", *words])


def block_word(block: int) -> str:
    """What no text has as a word."""
    return f"#{block}"


def _is_sqlite(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"
