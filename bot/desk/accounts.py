"""Agents' accounts: who they are, their passwords, and whether a login still stands."""

import re

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.core.groups import SPECIAL
from bot.core.roles import Role
from bot.escalation.agents import named
from storage import live
from storage.models.agents import (
    Agent,
    active_owners,
    agent_by_login,
    agent_by_telegram,
    agent_by_wecom,
    end_logins,
    has_owner,
    running_login,
)
from storage.models.audit import Origin, acting, record

MIN_PASSWORD = 10
"""Shortest password, in characters (NIST SP 800-63B asks for at least 8)."""
MAX_NAME = 64
"""Longest name of an agent, in characters."""
MAX_PASSWORD = 200
"""Longest password, in characters, so that hashing stays cheap."""

_LOGIN = re.compile(r"[^\W_][\w.@-]{0,63}")
# Argon2id with OWASP's recommended 19 MiB, 2 passes, 1 lane: a flood of logins stays affordable.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def create_agent(
    session: Session, login: str, name: str, password: str, role: Role | None = None
) -> Agent:
    """A new agent who may log in, where there is no owner yet as the owner.

    Raises `NotAllowed` for a bad or taken login or password.
    """
    return new_agent(session, login, name, hashed(password), role)


def hashed(password: str) -> str:
    """What is kept of a password. Slow on purpose. Raises `NotAllowed` for a bad one."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise NotAllowed(
            f"密码需要 {MIN_PASSWORD} 到 {MAX_PASSWORD} 个字符。",
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.",
        )
    return _HASHER.hash(password)


def new_agent(
    session: Session, login: str, name: str, password_hash: str, role: Role | None = None
) -> Agent:
    """`create_agent`, the password hashed already."""
    known_as = login.strip().lower()
    if not _LOGIN.fullmatch(known_as):
        raise NotAllowed(
            "登录名只能包含字母、数字和 . _ @ -，最长 64 个字符。",
            "A login has letters, digits and . _ @ - only, at most 64 characters.",
        )
    if agent_by_login(session, known_as) is not None:
        raise NotAllowed(
            f"登录名 {known_as} 已经有人使用。", f"The login {known_as} is already taken."
        )
    agent = Agent(
        login=known_as,
        name=name.strip()[:MAX_NAME] or known_as,
        password_hash=password_hash,
        role=role or (Role.AGENT if has_owner(session) else Role.OWNER),
    )
    session.add(agent)
    session.flush()
    record(session, "command", "agent.add", f"agent:{agent.id}")
    return agent


def disable(session: Session, login: str) -> Agent:
    """Shut the agent out, at once and on every device. Raises `NotFound`, and `NotAllowed` for
    the last owner."""
    agent = named(session, login)
    keep_an_owner(session, agent)
    agent.active = False
    shut_out(session, agent)
    record(session, "command", "agent.disable", f"agent:{agent.id}")
    return agent


def keep_an_owner(session: Session, agent: Agent) -> None:
    """Raise `NotAllowed` when the shop has no active owner but `agent`, who is to leave."""
    if [one.id for one in active_owners(session)] == [agent.id]:
        raise NotAllowed(
            "店里至少要有一位店主。请先让另一位同事成为店主。",
            "The shop needs an owner. Make somebody else one first.",
        )


def shut_out(session: Session, agent: Agent) -> None:
    """End the agent's logins; their open pages find themselves outside."""
    assert agent.id is not None
    session.add(agent)
    end_logins(session, agent.id)
    live.touch(session, live.QUEUE)


def link(session: Session, login: str, telegram_id: str) -> Agent:
    """Who the agent is on Telegram; empty for nobody. Raises `NotFound` and `NotAllowed`."""
    agent = named(session, login)
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
    agent = named(session, login)
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
    acting(session, Origin.DESK)
    login.ended_at = now()
    session.add(login)
    record(session, f"agent:{login.agent_id}", "log_out", f"agent:{login.agent_id}")
    live.touch(session, live.QUEUE)  # its open pages look again, and find themselves outside


def matches(expected: str, password: str) -> bool:
    """Whether `expected` is what is kept of `password`. Slow on purpose."""
    if len(password) > MAX_PASSWORD:
        return False
    try:
        return _HASHER.verify(expected, password)
    except (Argon2Error, InvalidHashError):
        return False
