"""Agents' second factors: the secret that their phone knows too, and the codes for a lost phone."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from sqlmodel import Field, Session, SQLModel, col, delete, select, update

from bot.core.clock import now
from storage.models.base import moment, rows_changed


class SecondFactor(SQLModel, table=True):
    """An agent's time-based codes. Until `confirmed_at` they are being set up, and not asked for.

    `sealed` is the secret, encrypted; `last_step` the time step (RFC 6238) of the last code that
    was good: it and those before it are good no more.
    """

    __tablename__ = "second_factor"

    agent_id: int = Field(foreign_key="agent.id", primary_key=True)
    sealed: str
    last_step: int = 0
    confirmed_at: datetime | None = moment(nullable=True, default=None)


class RecoveryCode(SQLModel, table=True):
    """A code that stands in for the phone, once. The code itself is nowhere stored."""

    __tablename__ = "recovery_code"

    id: int | None = Field(default=None, primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", index=True)
    code_hash: str
    used_at: datetime | None = moment(nullable=True, default=None)


def factor_of(session: Session, agent_id: int) -> SecondFactor | None:
    """The agent's second factor, also one that is being set up; held until the transaction ends."""
    return session.get(SecondFactor, agent_id, with_for_update=True)


def has_factor(session: Session, agent_id: int) -> bool:
    """Whether the agent is asked for a code when they log in."""
    found = session.get(SecondFactor, agent_id)
    return found is not None and found.confirmed_at is not None


def with_factor(session: Session) -> frozenset[int]:
    """The ids of the agents who are asked for a code."""
    query = select(SecondFactor.agent_id).where(col(SecondFactor.confirmed_at).is_not(None))
    return frozenset(session.exec(query))


def forget_factor(session: Session, agent_id: int) -> None:
    """The agent has no second factor any more."""
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.agent_id) == agent_id))
    session.exec(delete(SecondFactor).where(col(SecondFactor.agent_id) == agent_id))


def keep_codes(session: Session, agent_id: int, codes: Iterable[str]) -> None:
    """Keep new recovery codes; those from before are good no more."""
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.agent_id) == agent_id))
    for code in codes:
        session.add(RecoveryCode(agent_id=agent_id, code_hash=_hash(code)))


def use_code(session: Session, agent_id: int, code: str) -> bool:
    """Use a recovery code up; False when it is none of the agent's unused ones."""
    statement = (
        update(RecoveryCode)
        .where(
            col(RecoveryCode.agent_id) == agent_id,
            col(RecoveryCode.code_hash) == _hash(code),
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now())
    )
    return rows_changed(session, statement) == 1


def codes_left(session: Session, agent_id: int) -> int:
    """How many unused recovery codes the agent has."""
    query = select(RecoveryCode.id).where(
        RecoveryCode.agent_id == agent_id, col(RecoveryCode.used_at).is_(None)
    )
    return len(session.exec(query).all())


def _hash(code: str) -> str:
    """A random code of about 80 bits needs neither salt nor a slow hash."""
    return sha256(code.encode()).hexdigest()
