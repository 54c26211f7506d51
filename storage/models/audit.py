"""The audit log: who looked at, and did, what; when, and from where."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, Session, SQLModel, col, or_, select

from bot.core.clock import now
from storage.models.base import delete_some, moment


class Origin(StrEnum):
    """Where something was done from."""

    DESK = "desk"
    API = "api"
    FORUM = "forum"
    COMMAND = "command"


class Audit(SQLModel, table=True):
    """One look or deed. `actor` is `agent:3`, `key:shop` or `command`, `subject` is
    `conversation:17`, `origin` an `Origin`, or empty where it is not known."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(default_factory=now, index=True)
    actor: str = Field(index=True)
    action: str
    subject: str = Field(index=True)
    origin: str = Field(default="", sa_column_kwargs={"server_default": ""})


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody saw something: to be recorded once the answer is out."""

    actor: str
    action: str
    subject: str
    origin: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for; what is empty matters not. `before` is an id: older ones only."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def acting(session: Session, origin: Origin, actor: str = "") -> None:
    """What is recorded in this session is done from `origin`, and by `actor` if one is given."""
    session.info["acting"] = (origin, actor)


def record(
    session: Session, actor: str, action: str, subject: str, at: datetime | None = None
) -> None:
    """Write one line of the audit log, in the caller's transaction; `at` is now, unless given."""
    unknown = Origin.COMMAND if actor == "command" else ""
    origin, instead = session.info.get("acting", (unknown, ""))
    done = Audit(actor=instead or actor, action=action, subject=subject, origin=origin)
    done.at = at or done.at
    session.add(done)


def actor_at(session: Session, action: str, at: datetime) -> str:
    """Who did `action` at exactly this moment; empty for nobody."""
    query = select(Audit.actor).where(Audit.at == at, Audit.action == action).limit(1)
    return session.exec(query).first() or ""


def record_looks(session: Session, looks: Iterable[tuple[datetime, Look]]) -> None:
    """Write down who saw what, each with its moment."""
    session.add_all(
        Audit(at=at, actor=one.actor, action=one.action, subject=one.subject, origin=one.origin)
        for at, one in looks
    )


def rows(session: Session, wanted: Wanted, most: int) -> list[Audit]:
    """At most `most` rows, the newest first."""
    conditions = [
        getattr(Audit, name) == value
        for name in ("actor", "subject")
        if (value := getattr(wanted, name))
    ]
    if wanted.action:  # `agent.role` means also `agent.role.owner`
        longer = col(Audit.action).startswith(f"{wanted.action}.", autoescape=True)
        conditions.append(or_(col(Audit.action) == wanted.action, longer))
    if wanted.since is not None:
        conditions.append(col(Audit.at) >= wanted.since)
    if wanted.until is not None:
        conditions.append(col(Audit.at) < wanted.until)
    if wanted.before is not None:
        conditions.append(col(Audit.id) < wanted.before)
    query = select(Audit).where(*conditions).order_by(col(Audit.id).desc()).limit(most)
    return list(session.exec(query))


def forget_audit(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` rows older than a moment. Returns how many."""
    return delete_some(session, col(Audit.id), most, col(Audit.at) < before)
