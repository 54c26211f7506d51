"""Agents' accounts: passwords, the lock that stops those who guess them, and their logins."""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.groups import SPECIAL
from bot.core.ids import token
from bot.desk.passes import LIFETIME
from storage import live
from storage.db import Database
from storage.models.agents import (
    Agent,
    agent_by_login,
    agent_by_telegram,
    agent_by_wecom,
    begin_login,
    end_logins,
    running_login,
)
from storage.models.audit import record

MAX_FAILURES = 5
"""Wrong passwords in a row before the account is locked."""
LOCKED_FOR = timedelta(minutes=15)
"""How long a locked account refuses every password."""
MIN_PASSWORD = 10
"""Shortest password, in characters (NIST SP 800-63B asks for at least 8)."""
MAX_PASSWORD = 200
"""Longest password, in characters, so that hashing stays cheap."""

_LOGIN = re.compile(r"[^\W_][\w.@-]{0,63}")
# Argon2id with OWASP's recommended 19 MiB, 2 passes, 1 lane: a flood of logins stays affordable.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_STRANGER_HASH = _HASHER.hash("nobody has this password")
_STRANGERS = 1000
_HASHING_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a login: the agent who is in, or until when the account is locked.

    Neither means that the login or the password was wrong. `token` names the new login.
    """

    agent: Agent | None = None
    token: str = ""
    locked_until: datetime | None = None


def create_agent(session: Session, login: str, name: str, password: str) -> Agent:
    """A new agent who may log in. Raises `NotAllowed` for a bad or taken login or password."""
    known_as = login.strip().lower()
    if not _LOGIN.fullmatch(known_as):
        raise NotAllowed(
            "登录名只能包含字母、数字和 . _ @ -，最长 64 个字符。",
            "A login has letters, digits and . _ @ - only, at most 64 characters.",
        )
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise NotAllowed(
            f"密码需要 {MIN_PASSWORD} 到 {MAX_PASSWORD} 个字符。",
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.",
        )
    if agent_by_login(session, known_as) is not None:
        raise NotAllowed(
            f"登录名 {known_as} 已经有人使用。", f"The login {known_as} is already taken."
        )
    agent = Agent(
        login=known_as, name=name.strip() or known_as, password_hash=_HASHER.hash(password)
    )
    session.add(agent)
    session.flush()
    record(session, "command", "agent.add", f"agent:{agent.id}")
    return agent


def disable(session: Session, login: str) -> Agent:
    """Shut the agent out, at once and on every device. Raises `NotFound`."""
    agent = _agent(session, login)
    assert agent.id is not None
    agent.active = False
    session.add(agent)
    end_logins(session, agent.id)
    live.touch(session, live.QUEUE)
    record(session, "command", "agent.disable", f"agent:{agent.id}")
    return agent


def link(session: Session, login: str, telegram_id: str) -> Agent:
    """Who the agent is on Telegram; empty for nobody. Raises `NotFound` and `NotAllowed`."""
    agent = _agent(session, login)
    known_as = telegram_id.strip()
    if known_as and (not re.fullmatch(r"[1-9][0-9]{0,18}", known_as) or known_as in SPECIAL):
        raise NotAllowed(
            "Telegram ID 是一个数字，例如 123456789。",
            "A Telegram id is a number, such as 123456789.",
        )
    _refuse_taken(agent, agent_by_telegram(session, known_as) if known_as else None, "Telegram")
    agent.telegram_id = known_as or None
    session.add(agent)
    record(session, "command", "agent.link", f"agent:{agent.id}")
    return agent


def link_wecom(session: Session, login: str, wecom_id: str) -> Agent:
    """Who the agent is in WeCom; empty for nobody. Raises `NotFound` and `NotAllowed`."""
    agent = _agent(session, login)
    known_as = wecom_id.strip()
    if known_as and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", known_as):
        raise NotAllowed(
            "企业微信账号（userid）只含字母、数字和 . _ @ -，见通讯录里成员的“账号”。",
            "A WeCom user id has letters, digits and . _ @ - only: the member's 账号 in contacts.",
        )
    _refuse_taken(agent, agent_by_wecom(session, known_as) if known_as else None, "WeCom")
    agent.wecom_id = known_as or None
    session.add(agent)
    record(session, "command", "agent.link", f"agent:{agent.id}")
    return agent


def _agent(session: Session, login: str) -> Agent:
    agent = agent_by_login(session, login.strip().lower())
    if agent is None:
        raise NotFound(f"没有登录名为 {login} 的客服。", f"There is no agent with login {login}.")
    return agent


def _refuse_taken(agent: Agent, owner: Agent | None, where: str) -> None:
    if owner is not None and owner.id != agent.id:
        raise NotAllowed(
            f"这个 {where} 账号已属于 {owner.login}。",
            f"This {where} account is {owner.login}'s already.",
        )


def current_agent(session: Session, login_token: str) -> Agent | None:
    """The agent of a running login, or None when that login has been ended."""
    login = running_login(session, login_token)
    agent = session.get(Agent, login.agent_id) if login is not None else None
    return agent if agent is not None and agent.active else None


def log_out(session: Session, login_token: str) -> None:
    """End one login, in all of its tabs; a login that has ended already stays so."""
    login = running_login(session, login_token)
    if login is None:
        return
    login.ended_at = now()
    session.add(login)
    record(session, f"agent:{login.agent_id}", "log_out", f"agent:{login.agent_id}")
    live.touch(session, live.QUEUE)  # its open pages look again, and find themselves outside


class Door:
    """Lets agents in, one process's worth of them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # Unknown logins lock like known ones; otherwise the lock would tell which logins exist.
        self._strangers: OrderedDict[str, Agent] = OrderedDict()
        self._hashing = asyncio.Semaphore(_HASHING_AT_ONCE)

    async def log_in(self, login: str, password: str, at: datetime) -> Attempt:
        """Try a login and password at the moment `at`; every try costs the same time."""
        known_as = login.strip().lower()[:64]
        agent = await self._db.read(agent_by_login, known_as)
        expected = agent.password_hash if agent is not None and agent.active else _STRANGER_HASH
        # Hashing is slow on purpose: it must hold up neither the loop nor the one writer.
        async with self._hashing:
            right = await asyncio.to_thread(_matches, expected, password)
        if agent is None or not agent.active:
            return _count(self._stranger(known_as), right=False, at=at)
        return await self._db.transact(_settle, agent.id or 0, expected, right=right, at=at)

    def _stranger(self, login: str) -> Agent:
        stranger = self._strangers.setdefault(
            login, Agent(login=login, name="", password_hash="", failed_logins=0)
        )
        self._strangers.move_to_end(login)
        if len(self._strangers) > _STRANGERS:
            self._strangers.popitem(last=False)
        return stranger


def _settle(session: Session, agent_id: int, matched: str, *, right: bool, at: datetime) -> Attempt:
    """Count the try. The row is read again: tries run side by side while they hash."""
    agent = session.get(Agent, agent_id, with_for_update=True)
    if agent is None or not agent.active or agent.password_hash != matched:
        return Attempt()
    attempt = _count(agent, right=right, at=at)
    session.add(agent)
    if attempt.agent is None or agent.id is None:
        return attempt
    login_token = token()
    begin_login(session, agent.id, login_token, outlived=at - LIFETIME)
    record(session, f"agent:{agent.id}", "log_in", f"agent:{agent.id}")
    return Attempt(agent=agent, token=login_token)


def _count(agent: Agent, *, right: bool, at: datetime) -> Attempt:
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


def _matches(expected: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD:
        return False
    try:
        return _HASHER.verify(expected, password)
    except (Argon2Error, InvalidHashError):
        return False
