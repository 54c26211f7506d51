"""What deliveries and errands share: rows of an account on their way from `queued` to an end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import or_, update
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.messages import Address, Progress
from storage.models.base import moment, rows_changed

Account = tuple[str, str]
"""A channel and the name of one account on it."""


class OnItsWay(SQLModel):
    """Something to be done at the chat of an account, and how far it is.

    The lowest `rank` goes first. `resends` counts attempts after an uncertain one, `attempts` all;
    `reason` tells why it is where it is. Not done before `not_before` nor after `useful_until`.
    """

    channel: str
    account: str
    chat: str
    rank: int
    state: str = Field(default=Progress.QUEUED, index=True)
    attempts: int = 0
    resends: int = 0
    reason: str = ""
    not_before: datetime | None = moment(nullable=True, default=None)
    useful_until: datetime = moment()
    created_at: datetime = moment(default_factory=now)
    updated_at: datetime = moment(default_factory=now)

    @property
    def address(self) -> Address:
        """The chat that it goes to."""
        return Address(self.channel, self.account, self.chat)


Row = TypeVar("Row", bound=OnItsWay)


def change(
    session: Session,
    table: type[OnItsWay],
    row_id: int,
    was: Sequence[Progress],
    to: Progress,
    **values: Any,
) -> bool:
    """Move a row on, if it still is where the caller thinks. True when it was."""
    statement = (
        update(table)
        .where(_id(table) == row_id, col(table.state).in_(was))
        .values(state=to, updated_at=now(), **values)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(session, statement) == 1


def in_state(
    session: Session,
    table: type[Row],
    account: Account,
    states: Sequence[Progress],
    *conditions: Any,
) -> list[Row]:
    """An account's rows in any of `states`, oldest first."""
    query = select(table).where(*of(table, account), col(table.state).in_(states), *conditions)
    return list(session.exec(query.order_by(_id(table))))


def tried_since(
    session: Session, table: type[Row], account: Account, since: datetime, *conditions: Any
) -> list[Row]:
    """What an account may have done since a moment, the oldest first."""
    tried = (col(table.attempts) > 0, col(table.updated_at) >= since)
    query = select(table).where(*of(table, account), *tried, *conditions)
    return list(session.exec(query.order_by(col(table.updated_at))))


def next_moment(
    session: Session, table: type[OnItsWay], account: Account, after: datetime
) -> datetime | None:
    """When the next row that waits for its time becomes due."""
    query = select(func.min(table.not_before)).where(
        *queued(table, account), col(table.not_before) > after
    )
    return session.exec(query).one()


def of(table: type[OnItsWay], account: Account) -> tuple[Any, ...]:
    """That a row is the account's."""
    return table.channel == account[0], table.account == account[1]


def queued(table: type[OnItsWay], account: Account) -> tuple[Any, ...]:
    """That a row is the account's and nobody has it in hand."""
    return *of(table, account), table.state == Progress.QUEUED


def is_due(table: type[OnItsWay], at: datetime) -> Any:
    """That a row may be taken at `at`."""
    return or_(col(table.not_before).is_(None), col(table.not_before) <= at)


def _id(table: Any) -> Any:
    return col(table.id)
