"""How SQLite's FTS5 and PostgreSQL's full text search are asked for the newest entries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlmodel import Session

from bot.core.searching import Phrase, Query
from storage.models.base import UtcDateTime
from storage.models.search_index import BLOCK, Shelf, block_word

EVERYTHING = 1 << 62
_SQLITE = (
    "SELECT hits.id FROM (SELECT rowid AS id FROM search_{shelf} WHERE search_{shelf} MATCH :asked"
    " AND rowid >= :low AND rowid < :high) hits"
)
_POSTGRESQL = (
    "WITH found AS MATERIALIZED (SELECT id FROM search_{shelf} WHERE words @@ CAST(:asked AS"
    " tsquery)) SELECT hits.id FROM (SELECT id FROM found WHERE id >= :low AND id < :high"
    " ORDER BY id DESC OFFSET 0) hits"
)
"""In these steps: the planner would else read all messages backwards and look at each."""
_JOINED = (
    " CROSS JOIN {shelf} m CROSS JOIN conversation c CROSS JOIN identity i"
    " WHERE m.id = hits.id AND c.id = m.conversation_id AND i.id = c.identity_id AND "
)
"""In this order on SQLite; both can stop when there are enough."""
_MOMENTS = ("since", "until")
_CONDITIONS = {
    "state": "c.state = :state",
    "channel": "i.channel = :channel",
    "agent_id": "c.agent_id = :agent_id",
    "since": "m.created_at >= :since",
    "until": "m.created_at < :until",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which conversations count, and from when until before when; None: any."""

    state: str | None = None
    channel: str | None = None
    agent_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self) -> dict[str, Any]:
        """What is given."""
        named = ((name, getattr(self, name)) for name in _CONDITIONS)
        return {name: value for name, value in named if value is not None}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The ids of a shelf from `low` to before `high`."""

    shelf: Shelf
    low: int
    high: int


def first_stretch(session: Session, filters: Filters) -> int:
    """How many ids to begin with, besides those of the block that was begun.

    FTS5 stops early by itself, and takes the same time to look up what a word begins with for any
    stretch: only where filters may sort out nearly all, the way back is cut into pieces.
    """
    if session.connection().dialect.name != "sqlite":
        return 0
    return 16 * BLOCK if filters.values() else EVERYTHING


def newest_ids(
    session: Session, stretch: Stretch, query: Query, filters: Filters, limit: int
) -> list[int]:
    """The newest entries of a stretch with all words, at most `limit`, the newest first."""
    values = filters.values()
    if session.connection().dialect.name == "sqlite":
        source = _SQLITE.format(shelf=stretch.shelf)
        asked = _match(query)
    else:
        source = _POSTGRESQL.format(shelf=stretch.shelf)
        asked = _tsquery(query, stretch)
        if values:
            _join_one_by_one(session)
    if values:
        named = [_CONDITIONS[name] for name in values]
        source += _JOINED.format(shelf=stretch.shelf) + " AND ".join(named)
    values |= {"asked": asked, "low": stretch.low, "high": stretch.high, "limit": limit}
    moments = [bindparam(name, type_=UtcDateTime()) for name in _MOMENTS if name in values]
    statement = text(f"{source} ORDER BY hits.id DESC LIMIT :limit").bindparams(*moments)
    return list(session.connection().execute(statement, values).scalars())


def _match(query: Query) -> str:
    """The query in FTS5's language."""
    return " AND ".join(_fts_phrase(phrase) for phrase in query.phrases)


def _fts_phrase(phrase: Phrase) -> str:
    return " + ".join(f'"{word}"' for word in phrase.words) + (" *" if phrase.is_open else "")


def _tsquery(query: Query, stretch: Stretch) -> str:
    """The query in PostgreSQL's language; with the stretch's blocks, GIN looks there alone."""
    blocks = range(stretch.low // BLOCK, (stretch.high - 1) // BLOCK + 1)
    within = " | ".join(f"'{block_word(block)}'" for block in blocks)
    return " & ".join([*(_ts_phrase(phrase) for phrase in query.phrases), f"({within})"])


def _ts_phrase(phrase: Phrase) -> str:
    words = " <-> ".join(f"'{word}'" for word in phrase.words)
    return f"({words}{':*' if phrase.is_open else ''})"


def _join_one_by_one(session: Session) -> None:
    """PostgreSQL, until the transaction's end: for some thousand hits it would else read all
    messages there are."""
    for way in ("hashjoin", "mergejoin"):
        session.connection().execute(text(f"SET LOCAL enable_{way} = off"))
