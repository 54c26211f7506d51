"""Says how an account at a carriers' platform is doing, and what is wrong with it."""

from datetime import timedelta

from bot.core.clock import now
from bot.core.errors import XiaoerError
from bot.logistics.carrier import Carrier
from bot.logistics.watching import state_name
from storage.db import Database
from storage.models.sources import SourceState, seen_state

REMEMBERED = timedelta(days=7)
"""How long a call that nobody could read is a fault."""


class CarrierWrong(XiaoerError):
    """A platform refuses us, is not there, or tells what cannot be read."""


def check(db: Database, carrier: Carrier) -> str:
    """What there is to say about an account that works. Raises `CarrierWrong`."""
    state = db.run(seen_state, state_name(carrier))
    if state is not None and _is_wrong(state):
        times = f" ×{state.failures}" if state.failures else ""
        at = f"{state.error_at:%Y-%m-%d %H:%M} UTC{times}"
        raise CarrierWrong(f"{at}：{state.error}", f"{at}: {state.error}")
    where = f"/carriers/{carrier.name}" if carrier.pushes else "query 查询"
    if state is None or state.heard_at is None:
        return f"{where}; nothing heard yet 还没有收到过"
    return f"{where}; last heard 最近收到 {state.heard_at:%Y-%m-%d %H:%M} UTC"


def _is_wrong(state: SourceState) -> bool:
    if not state.error or state.error_at is None:
        return False
    return state.failures > 0 or state.error_at > now() - REMEMBERED
