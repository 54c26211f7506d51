"""What comes after the right password: a code, setting codes up, a password of one's own."""

from collections.abc import Collection
from enum import StrEnum
from hashlib import sha256

from sqlmodel import Session

from bot.desk.passes import Ticket
from storage.models.agents import Agent
from storage.models.second_factors import has_factor


class Step(StrEnum):
    """A step between the password and the desk."""

    CODE = "code"
    """Type the code that the phone shows, or a recovery code."""
    ENROL = "enrol"
    """Set the codes up: the role asks for them, and there are none."""
    RENEW = "renew"
    """Choose a password of one's own instead of one that somebody else knows."""


def after(
    session: Session, agent: Agent, strict: Collection[str], passed: Collection[str] = ()
) -> Step | None:
    """The next step; None when the agent may come in. Roles that are `strict` need codes."""
    assert agent.id is not None
    if Step.CODE not in passed:
        if has_factor(session, agent.id):
            return Step.CODE
        if agent.role in strict:
            return Step.ENROL
    return Step.RENEW if agent.must_renew else None


def fingerprint(password_hash: str) -> str:
    """Tells one password from the next; says nothing about it."""
    return sha256(password_hash.encode()).hexdigest()[:32]


def ticket_holder(session: Session, ticket: Ticket, *, held: bool = False) -> Agent | None:
    """The agent of a ticket that is still good; None when disabled or with another password now.

    With `held`, nobody else changes the agent until the transaction ends.
    """
    agent = session.get(Agent, ticket.agent, with_for_update=held or None)
    if agent is None or not agent.active:
        return None
    return agent if fingerprint(agent.password_hash) == ticket.fingerprint else None
