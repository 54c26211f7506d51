"""Errands: what is to be done at a platform that is no message of a conversation."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, exists, insert, update
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.messages import Progress
from bot.core.webhooks import CHANNEL
from storage import live
from storage.models.base import delete_some, json_field, new_row, rows_changed
from storage.models.progress import Account, OnItsWay, is_due, of, queued

LINE = "told"
"""The line of what a webhook is told about one conversation."""
_ENDED = (Progress.SENT, Progress.FAILED, Progress.UNCERTAIN)


class Errand(OnItsWay, table=True):
    """One thing to do: queued → sending → sent | failed | uncertain.

    `kind` and `details` say what, as its maker and its channel agreed; `result` is what the
    platform gave back. Errands of one `line` are done one after the other. One that `counts` is a
    message to the platform's limits, and its line is its chat. One that is `repeatable` may be
    done twice without harm. While it waits, a newer one with the same `merge` key takes its place.
    """

    __table_args__ = (
        Index("ix_errand_next", "channel", "account", "state", "rank", "id"),
        Index("ix_errand_line", "channel", "account", "line", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    line: str
    kind: str
    details: dict[str, Any] = json_field(default_factory=dict)
    merge: str = Field(default="", index=True)
    counts: bool = True
    repeatable: bool = False
    result: dict[str, Any] | None = json_field(default=None)


def next_errands(
    session: Session, account: Account, moment: datetime, busy: Collection[str], most: int
) -> list[Errand]:
    """What may be done now, the most urgent first: not more than one of a line."""
    earlier = aliased(Errand)
    before = exists().where(
        col(earlier.channel) == Errand.channel,
        col(earlier.account) == Errand.account,
        col(earlier.state).in_([Progress.QUEUED, Progress.SENDING]),
        col(earlier.line) == Errand.line,
        col(earlier.id) < col(Errand.id),
    )
    query = (
        select(Errand)
        .where(
            *queued(Errand, account), is_due(Errand, moment), ~before, col(Errand.line).not_in(busy)
        )
        .order_by(col(Errand.rank), col(Errand.id))
        .limit(most)
    )
    return list(session.exec(query))


def waiting(session: Session, account: Account, merge: str) -> Errand | None:
    """The errand with this `merge` key that nobody has begun."""
    query = select(Errand).where(
        *queued(Errand, account), Errand.merge == merge, Errand.attempts == 0
    )
    return session.exec(query.with_for_update()).first()


def has_merged(session: Session, account: Account, merge: str) -> bool:
    """Whether there ever was an errand with this `merge` key."""
    query = select(Errand.id).where(*of(Errand, account), Errand.merge == merge)
    return session.exec(query.limit(1)).first() is not None


def forget_errands(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` errands that ended before a moment; not what webhooks were told.
    Returns how many."""
    which = (col(Errand.channel) != CHANNEL, col(Errand.state).in_(_ENDED))
    return delete_some(session, col(Errand.id), most, *which, col(Errand.updated_at) < before)


def forget_told(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` of what webhooks were, or were to be, told before a moment: also of
    those that are no more. Returns how many."""
    which = col(Errand.channel) == CHANNEL
    return delete_some(session, col(Errand.id), most, which, col(Errand.updated_at) < before)


_WRITE = insert(SQLModel.metadata.tables["errand"])


def tell(
    session: Session,
    names: Sequence[str],
    kind: str,
    conversation_id: int,
    details: dict[str, Any],
    useful: timedelta,
) -> None:
    """Have the webhooks with these names be told something, for as long as it is `useful`."""
    chat, until = str(conversation_id), now() + useful
    rows = [
        new_row(
            Errand, channel=CHANNEL, account=name, chat=chat, line=f"{chat} {LINE}", kind=kind,
            details=details, rank=0, counts=False, repeatable=True, useful_until=until,
        )
        for name in names
    ]  # fmt: skip
    session.connection().execute(_WRITE, rows)
    live.touch(session, *(live.sender(CHANNEL, name) for name in names))


def told(session: Session, states: Sequence[str], most: int) -> list[Errand]:
    """The newest of what webhooks are, or were, told that is in any of `states`."""
    query = select(Errand).where(Errand.channel == CHANNEL, col(Errand.state).in_(states))
    return list(session.exec(query.order_by(col(Errand.id).desc()).limit(most)))


def tell_again(
    session: Session,
    states: Sequence[str],
    useful_until: datetime,
    *,
    ids: Sequence[int] | None = None,
    since: datetime | None = None,
    name: str = "",
) -> int:
    """Tell webhooks again what is in any of `states`, as if it were new. Returns how much.

    Only with these `ids`, ordered at `since` or later, for the webhook `name`, where these are
    given.
    """
    which = [col(Errand.channel) == CHANNEL, col(Errand.state).in_(states)]
    which += [col(Errand.id).in_(ids)] if ids is not None else []
    which += [col(Errand.created_at) >= since] if since is not None else []
    which += [col(Errand.account) == name] if name else []
    for account in session.exec(select(Errand.account).where(*which).distinct()):
        live.touch(session, live.sender(CHANNEL, account))
    statement = update(Errand).where(*which)
    return rows_changed(
        session,
        statement.values(
            state=Progress.QUEUED, reason="told again by hand", attempts=0, resends=0,
            not_before=None, useful_until=useful_until, updated_at=now(),
            line=col(Errand.chat) + f" {LINE}",
        ).execution_options(synchronize_session=False),
    )  # fmt: skip
