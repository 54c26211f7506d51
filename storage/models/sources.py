"""How far each source of orders has been read, and whose each order is."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Numeric, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, select

from bot.core.clock import now
from storage.models.base import moment
from storage.models.upsert import insert_or_ignore


class ImportProgress(SQLModel, table=True):
    """How much of a file has been imported. `digest` names its content and what it holds.

    `rows` lines are done; `errors_file` holds the refused ones in its first `errors_size` bytes.
    """

    __tablename__ = "import_progress"

    digest: str = Field(primary_key=True)
    rows: int = 0
    stored: int = 0
    refused: int = 0
    errors_file: str = ""
    errors_size: int = 0
    started_at: datetime = moment(default_factory=now)
    finished_at: datetime | None = moment(nullable=True, default=None)


class SourceState(SQLModel, table=True):
    """What `xiaoer doctor` tells about a source, and from where a polled one goes on.

    `failures` in a row make the next try, `due_at`, later; `error` is of `error_at`.
    """

    __tablename__ = "source_state"

    name: str = Field(primary_key=True)
    cursor: str = ""
    failures: int = 0
    error: str = ""
    error_at: datetime | None = moment(nullable=True, default=None)
    heard_at: datetime | None = moment(nullable=True, default=None)
    due_at: datetime | None = moment(nullable=True, default=None)


class OrderRef(SQLModel, table=True):
    """A source's own id for an order. `number` is empty until the order itself has come.

    `refunded_at` and `refunded` are a refund that came before its order.
    """

    __tablename__ = "order_ref"
    __table_args__ = (UniqueConstraint("source", "ref"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    ref: str
    number: str = Field(default="", index=True)
    refunded_at: datetime | None = moment(nullable=True, default=None)
    refunded: Decimal | None = Field(default=None, sa_type=Numeric(14, 2))


def source_state(session: Session, name: str) -> SourceState:
    """The state of the source called `name`, its row held until the commit; made when new."""
    insert_or_ignore(session, SourceState(name=name))
    state = session.get(SourceState, name, with_for_update=True)
    assert state is not None
    return state


def seen_state(session: Session, name: str) -> SourceState | None:
    """The state of a source that was ever heard of."""
    return session.get(SourceState, name)


def heard(session: Session, name: str) -> None:
    """The source called `name` told something that was stored."""
    source_state(session, name).heard_at = now()


def failed(session: Session, name: str, error: str) -> SourceState:
    """Note for `doctor` what was wrong with what a source told, or with reaching it."""
    state = source_state(session, name)
    state.error, state.error_at = error[:500], now()
    return state


def claim_poll(session: Session, name: str, lease: timedelta) -> SourceState | None:
    """The source's state when it is due, which then nobody else is given for `lease`."""
    state = source_state(session, name)
    if state.due_at is not None and state.due_at > now():
        return None
    state.due_at = now() + lease
    return state


def order_ref(session: Session, source: str, ref: str) -> OrderRef:
    """What is known of the order that `source` calls `ref`, held until the commit."""
    insert_or_ignore(session, OrderRef(source=source, ref=ref))
    query = select(OrderRef).where(OrderRef.source == source, OrderRef.ref == ref)
    return session.exec(query.with_for_update()).one()


def is_of_another(session: Session, mine: OrderRef, number: str) -> bool:
    """Whether another order, of any source, already goes by this number."""
    query = select(OrderRef.id).where(OrderRef.number == number, OrderRef.id != mine.id)
    return session.exec(query).first() is not None
