"""The desk's door: tries passwords and codes, locks after too many, and begins logins."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.errors import NotAllowed
from bot.core.ids import token
from bot.desk import second, steps
from bot.desk.accounts import hashed, matches, shut_out
from bot.desk.passes import LIFETIME, Ticket
from bot.desk.steps import Step
from storage.db import Database
from storage.models.agents import Agent, agent_by_login, begin_login
from storage.models.audit import Origin, acting, record

MAX_FAILURES = 5
"""Wrong passwords or codes in a row before the account is locked."""
LOCKED_FOR = timedelta(minutes=15)
"""How long a locked account refuses everything."""
_STRANGER_HASH = hashed("nobody has this password")
_STRANGERS = 1000
_HASHING_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a login: the agent who is in, or until when the account is locked.

    Neither means that what was typed was wrong. `token` names the new login; while it is empty,
    `step` is what comes next, and `passed` what is done. `codes` are new recovery codes to show.
    """

    agent: Agent | None = None
    token: str = ""
    locked_until: datetime | None = None
    step: Step | None = None
    passed: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Try:
    """When something was tried, in which browser, and which roles need a second factor."""

    at: datetime
    device: str
    strict: Collection[str]


class Door:
    """Lets agents in, one process's worth of them. Who has a role that is `strict` needs a second
    factor."""

    def __init__(self, db: Database, strict: Collection[str] = ()) -> None:
        self._db = db
        self._strict = strict
        # Unknown logins lock like known ones; otherwise the lock would tell which logins exist.
        self._strangers: OrderedDict[str, Agent] = OrderedDict()
        self._hashing = asyncio.Semaphore(_HASHING_AT_ONCE)

    async def log_in(self, login: str, password: str, at: datetime, device: str = "") -> Attempt:
        """Try a login and password at the moment `at`; every try costs the same time.

        `device` is what the browser calls itself.
        """
        known_as = login.strip().lower()[:64]
        agent = await self._db.read(agent_by_login, known_as)
        expected = agent.password_hash if agent is not None and agent.active else _STRANGER_HASH
        right = await self._is_right(expected, password)
        if agent is None or not agent.active:
            return count_try(self._stranger(known_as), right=False, at=at)
        ticket = Ticket(agent.id or 0, steps.fingerprint(expected))
        tried = _Try(at, device, self._strict)
        return await self._db.transact(_settle, ticket, tried, right=right)

    async def go_on(self, ticket: Ticket, answer: str, at: datetime, device: str) -> Attempt:
        """Take the next step of a login whose password was right: a code, or a password of the
        agent's own. Raises `NotAllowed` for a password that will not do."""
        tried = _Try(at, device, self._strict)
        if ticket.step == Step.RENEW:
            return await self._db.transact(_renew, ticket, tried, await self._fresh(ticket, answer))
        return await self._db.transact(_code, ticket, tried, answer)

    async def change(
        self, agent: Agent, old: str, fresh: str, at: datetime, device: str
    ) -> Attempt:
        """Give an agent who is inside a new password, for the old one; other logins end.

        Raises `NotAllowed` for a password that will not do.
        """
        right = await self._is_right(agent.password_hash, old)
        ticket = Ticket(agent.id or 0, steps.fingerprint(agent.password_hash))
        attempt = await self._db.transact(_recount, ticket, right=right, at=at)
        if attempt.agent is None:
            return attempt
        tried = _Try(at, device, self._strict)
        return await self._db.transact(_change, ticket, tried, await self._fresh(ticket, fresh))

    async def _is_right(self, expected: str, password: str) -> bool:
        """Hashing is slow on purpose: it must hold up neither the loop nor the one writer."""
        async with self._hashing:
            return await asyncio.to_thread(matches, expected, password)

    async def _fresh(self, ticket: Ticket, password: str) -> str:
        """The hash of a new password. Raises `NotAllowed` when it is the old one, or a bad one."""
        agent = await self._db.read(steps.ticket_holder, ticket)
        if agent is not None and await self._is_right(agent.password_hash, password):
            raise NotAllowed(
                "请换一个和现在不同的密码。", "Choose a password that is not the present one."
            )
        async with self._hashing:
            return await asyncio.to_thread(hashed, password)

    def _stranger(self, login: str) -> Agent:
        stranger = self._strangers.setdefault(
            login, Agent(login=login, name="", password_hash="", failed_logins=0)
        )
        self._strangers.move_to_end(login)
        if len(self._strangers) > _STRANGERS:
            self._strangers.popitem(last=False)
        return stranger


def _settle(session: Session, ticket: Ticket, tried: _Try, *, right: bool) -> Attempt:
    """Count the try. The row is read again: tries run side by side while they hash."""
    agent = steps.ticket_holder(session, ticket, held=True)
    if agent is None:
        return Attempt()
    step = steps.after(session, agent, tried.strict)
    if right and step and not is_locked(agent, tried.at):
        return Attempt(agent=agent, step=step)  # failures count until the last step is taken
    attempt = count_try(agent, right=right, at=tried.at)
    session.add(agent)
    return attempt if attempt.agent is None else _enter(session, agent, tried)


def _recount(session: Session, ticket: Ticket, *, right: bool, at: datetime) -> Attempt:
    """Count a try of somebody who is inside already."""
    agent = steps.ticket_holder(session, ticket, held=True)
    if agent is None:
        return Attempt()
    session.add(agent)
    return count_try(agent, right=right, at=at)


def _code(session: Session, ticket: Ticket, tried: _Try, answer: str) -> Attempt:
    """A code was typed: of the factor that the agent has, or of the one that is being set up."""
    agent = steps.ticket_holder(session, ticket, held=True)
    if agent is None:
        return Attempt()
    if is_locked(agent, tried.at):
        return Attempt(locked_until=agent.locked_until)
    acting(session, Origin.DESK, f"agent:{agent.id}")
    found = second.answer(session, agent, answer, tried.at)
    if found is None:
        session.add(agent)
        return count_try(agent, right=False, at=tried.at)
    return _further(session, agent, tried, (Step.CODE,), found)


def _renew(session: Session, ticket: Ticket, tried: _Try, fresh: str) -> Attempt:
    """An own password was chosen, as the last step but for those that were `passed`."""
    agent = steps.ticket_holder(session, ticket, held=True)
    if agent is None or steps.after(session, agent, tried.strict, ticket.passed) != Step.RENEW:
        return Attempt()
    if is_locked(agent, tried.at):
        return Attempt(locked_until=agent.locked_until)
    _set_password(session, agent, fresh)
    return _further(session, agent, tried, ticket.passed, ())


def _further(
    session: Session, agent: Agent, tried: _Try, passed: tuple[str, ...], codes: tuple[str, ...]
) -> Attempt:
    """The next step, or in."""
    if step := steps.after(session, agent, tried.strict, passed):
        return Attempt(agent=agent, step=step, passed=passed, codes=codes)
    count_try(agent, right=True, at=tried.at)
    session.add(agent)
    return replace(_enter(session, agent, tried), codes=codes)


def _change(session: Session, ticket: Ticket, tried: _Try, fresh: str) -> Attempt:
    agent = steps.ticket_holder(session, ticket, held=True)
    if agent is None:
        return Attempt()
    _set_password(session, agent, fresh)
    return _enter(session, agent, tried)


def _set_password(session: Session, agent: Agent, password_hash: str) -> None:
    acting(session, Origin.DESK)
    agent.password_hash = password_hash
    agent.must_renew = False
    shut_out(session, agent)
    record(session, f"agent:{agent.id}", "agent.password", f"agent:{agent.id}")


def _enter(session: Session, agent: Agent, tried: _Try) -> Attempt:
    """A new login, under a new token."""
    assert agent.id is not None
    acting(session, Origin.DESK)
    fresh = token()
    begin_login(session, agent.id, fresh, outlived=tried.at - LIFETIME, device=tried.device)
    record(session, f"agent:{agent.id}", "log_in", f"agent:{agent.id}")
    return Attempt(agent=agent, token=fresh)


def is_locked(agent: Agent, at: datetime) -> bool:
    """Whether nothing is tried for the agent just now."""
    return agent.locked_until is not None and at < agent.locked_until


def count_try(agent: Agent, *, right: bool, at: datetime) -> Attempt:
    """Count a password or code that somebody tried, which locks after too many wrong ones."""
    if agent.locked_until is not None:
        if at < agent.locked_until:
            return Attempt(locked_until=agent.locked_until)
        agent.locked_until = None
        agent.failed_logins = 0
    if right:
        agent.failed_logins = 0
        return Attempt(agent=agent)
    agent.failed_logins += 1
    if agent.failed_logins >= MAX_FAILURES:
        agent.locked_until = at + LOCKED_FOR
    return Attempt(locked_until=agent.locked_until)
