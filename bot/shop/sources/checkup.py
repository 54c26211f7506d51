"""Says how a source of orders is doing, and what is wrong with it."""

from datetime import timedelta

from bot.config import Source
from bot.core.clock import now
from bot.core.errors import XiaoerError
from bot.shop.sources.mapping import load_mapping
from storage.db import Database
from storage.models.sources import SourceState, seen_state

REMEMBERED = timedelta(days=7)
"""How long what a webhook told and nobody could read is a fault."""


class SourceWrong(XiaoerError):
    """A source tells nothing, or what cannot be read."""


def check(db: Database, source: Source) -> str:
    """What there is to say about a source that works. Raises `SourceWrong`, `ConfigInvalid`."""
    if source.mapping is not None:
        load_mapping(source.mapping)
    state = db.run(seen_state, source.name)
    if state is not None and _is_wrong(source, state):
        times = f" ×{state.failures}" if state.failures else ""
        raise SourceWrong(
            f"{state.error_at:%Y-%m-%d %H:%M} UTC{times}：{state.error}",
            f"{state.error_at:%Y-%m-%d %H:%M} UTC{times}: {state.error}",
        )
    if state is None or state.heard_at is None:
        return f"{_where(source)}; nothing heard yet 还没有收到过"
    return f"{_where(source)}; last heard 最近收到 {state.heard_at:%Y-%m-%d %H:%M} UTC"


def _is_wrong(source: Source, state: SourceState) -> bool:
    if state.error_at is None or not state.error:
        return False
    return source.kind == "json" or state.error_at > now() - REMEMBERED


def _where(source: Source) -> str:
    return source.url if source.kind == "json" else f"/sources/{source.name}"
