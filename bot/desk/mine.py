"""What agents do about their own account: second factor, and where they are logged in."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.desk import second
from bot.desk.door import Attempt, count_try, is_locked
from storage import live
from storage.models.agents import (
    Agent,
    end_login,
    end_logins,
    running_login,
    running_logins,
)
from storage.models.audit import record
from storage.models.second_factors import codes_left, has_factor


@dataclass(frozen=True, slots=True)
class Device:
    """A browser in which the agent is logged in; `here` is the one that asks."""

    login: int
    device: str
    since: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Mine:
    """An agent's own account."""

    login: str
    has_factor: bool
    codes_left: int
    devices: tuple[Device, ...]


def mine(session: Session, agent_id: int, token: str) -> Mine:
    """The agent's account, as the login with this token sees it."""
    here = running_login(session, token)
    devices = (
        Device(
            login=one.id or 0,
            device=one.device,
            since=one.created_at,
            seen_at=one.seen_at or one.created_at,
            here=here is not None and one.id == here.id,
        )
        for one in running_logins(session, agent_id)
    )
    return Mine(
        login=session.get_one(Agent, agent_id).login,
        has_factor=has_factor(session, agent_id),
        codes_left=codes_left(session, agent_id),
        devices=tuple(sorted(devices, key=lambda one: not one.here)),
    )


def confirm(session: Session, agent_id: int, code: str) -> Attempt:
    """Turn the second factor on that was begun, or prove the one that is on.

    The attempt has no agent when the code was wrong; `codes` are recovery codes to show once.
    """
    agent = session.get_one(Agent, agent_id, with_for_update=True)
    at = now()
    if is_locked(agent, at):
        return Attempt(locked_until=agent.locked_until)
    found = second.answer(session, agent, code, at)
    session.add(agent)
    if found is None:
        return count_try(agent, right=False, at=at)
    return Attempt(agent=agent, codes=found)


def turn_off(session: Session, agent_id: int, code: str, strict: Collection[str]) -> Attempt:
    """Log in by the password alone from now on; it takes a code. Raises `NotAllowed` where the
    agent's role is one of the `strict`."""
    if session.get_one(Agent, agent_id).role in strict:
        raise NotAllowed("您的角色必须开启二次验证。", "Your role needs two-step login.")
    attempt = confirm(session, agent_id, code)
    if attempt.agent is not None:
        second.drop(session, agent_id, agent_id)
    return attempt


def fresh_codes(session: Session, agent_id: int, code: str) -> Attempt:
    """New recovery codes instead of those from before; it takes a code."""
    attempt = confirm(session, agent_id, code)
    if attempt.agent is None or attempt.codes:
        return attempt
    record(session, f"agent:{agent_id}", "factor.codes", f"agent:{agent_id}")
    return Attempt(agent=attempt.agent, codes=second.renew_codes(session, agent_id))


def end(session: Session, agent_id: int, login_id: int) -> int:
    """End one of the agent's own logins."""
    end_login(session, agent_id, login_id)
    return _ended(session, agent_id)


def end_others(session: Session, agent_id: int, token: str) -> int:
    """End the agent's logins but for the one with this token."""
    here = running_login(session, token)
    end_logins(session, agent_id, but=here.id if here is not None else None)
    return _ended(session, agent_id)


def _ended(session: Session, agent_id: int) -> int:
    record(session, f"agent:{agent_id}", "log_out", f"agent:{agent_id}")
    live.touch(session, live.QUEUE)  # the others' open pages find themselves outside
    return agent_id
