"""Deliveries: the truth about what was sent to channels that we push to, and the windows for it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, UniqueConstraint, and_, exists, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.messages import Progress
from storage import live
from storage.models.base import delete_some, moment, rows_changed
from storage.models.bulk import insert_many
from storage.models.conversations import Message
from storage.models.customers import Identity
from storage.models.progress import Account, OnItsWay, change, is_due, of, queued

LEFT_BEHIND = timedelta(hours=1)
"""After it was of use, a queued delivery is given up by its sender at once, if there is one."""


class Delivery(OnItsWay, table=True):
    """One message on its way: queued → sending → sent | failed | uncertain | held.

    `rank` is its purpose's. Of a long message `part` pieces have arrived, with the platform's ids
    `provider_id`, joined by commas. `is_reworded`: it got other words while it was being sent.
    `counted` messages were taken for it from the chat's `Quota` of the kind `window`, for pieces
    that have not been sent.
    """

    __table_args__ = (
        Index("ix_delivery_next", "channel", "account", "state", "rank", "id"),
        Index("ix_delivery_chat", "channel", "account", "chat", "state"),
    )

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    purpose: str
    provider_id: str = ""
    is_reworded: bool = False
    part: int = 0
    window: str = ""
    counted: int = 0


class Quota(SQLModel, table=True):
    """A window in which a chat may be written to; `allowance` None: as often as we like."""

    __table_args__ = (UniqueConstraint("channel", "account", "chat", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    chat: str
    kind: str
    closes_at: datetime = moment()
    allowance: int | None = None
    for_agents: int = 0
    used: int = 0


def add_deliveries(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Queue many deliveries, given as the values of their rows."""
    insert_many(session, SQLModel.metadata.tables["delivery"], rows)


def next_due(
    session: Session, account: Account, moment: datetime, busy: Collection[str], most: int
) -> list[tuple[Delivery, Message]]:
    """What may be sent now, the most urgent first: not more than one for a chat.

    Within a chat the order is kept: answers and agents' words in one line, the others each in
    their own, where what may not go yet lets pass what may.
    """
    earlier = aliased(Delivery)
    same_line = or_(
        col(earlier.rank) == Delivery.rank, and_(col(earlier.rank) <= 1, col(Delivery.rank) <= 1)
    )
    is_next = or_(
        col(earlier.rank) <= 1,
        col(earlier.attempts) > 0,  # it is tried again, and the others wait for it
        is_due(earlier, moment),
    )
    before = exists().where(
        col(earlier.channel) == Delivery.channel,
        col(earlier.account) == Delivery.account,
        col(earlier.chat) == Delivery.chat,
        col(earlier.state).in_([Progress.QUEUED, Progress.SENDING]),
        col(earlier.id) < col(Delivery.id),
        same_line,
        is_next,
    )
    query = (
        select(Delivery, Message)
        .join(Message, col(Message.id) == Delivery.message_id)
        .where(
            *queued(Delivery, account),
            is_due(Delivery, moment),
            ~before,
            col(Delivery.chat).not_in(busy),
        )
        .order_by(col(Delivery.rank), col(Delivery.id))
        .limit(most)
    )
    found: dict[str, tuple[Delivery, Message]] = {}
    for delivery, message in session.exec(query):
        found.setdefault(delivery.chat, (delivery, message))
    return list(found.values())


def queued_for(
    session: Session, account: Account, chat: str, after: int = 0, held: str | None = None
) -> list[tuple[Delivery, Message]]:
    """What waits to be sent to a chat, of deliveries with an id greater than `after`, oldest
    first; also what waits for its time, and what is held for the reason `held`."""
    waits = or_(
        col(Delivery.state) == Progress.QUEUED,
        and_(col(Delivery.state) == Progress.HELD, col(Delivery.reason) == held),
    )
    query = (
        select(Delivery, Message)
        .join(Message, col(Message.id) == Delivery.message_id)
        .where(*of(Delivery, account), Delivery.chat == chat, col(Delivery.id) > after, waits)
        .order_by(col(Delivery.id))
    )
    return list(session.exec(query))


def stopped_of(session: Session, message_ids: Collection[int]) -> dict[int, str]:
    """The states of those messages' deliveries that are held, failed or uncertain, by message."""
    query = select(Delivery.message_id, Delivery.state).where(
        col(Delivery.message_id).in_(message_ids),
        col(Delivery.state).in_([Progress.HELD, Progress.FAILED, Progress.UNCERTAIN]),
    )
    return dict(session.exec(query).all())


def sent_since(session: Session, account: Account, chat: str, at: datetime) -> int:
    """How many deliveries to a chat are on their way, or ended theirs at `at` or later."""
    ended = and_(
        col(Delivery.state).in_([Progress.SENT, Progress.UNCERTAIN]), col(Delivery.updated_at) >= at
    )
    query = select(func.count(col(Delivery.id))).where(
        *of(Delivery, account),
        Delivery.chat == chat,
        or_(col(Delivery.state) == Progress.SENDING, ended),
    )
    return session.exec(query).one()


def sent_as(session: Session, account: Account, provider_id: str) -> Delivery | None:
    """The delivery that the platform calls `provider_id`, of the newest ones."""
    query = select(Delivery).where(
        *of(Delivery, account), Delivery.state == Progress.SENT, Delivery.provider_id == provider_id
    )
    return session.exec(query.order_by(col(Delivery.id).desc()).limit(1)).first()


def message_sent_as(session: Session, identity: Identity, provider_id: str) -> int | None:
    """The id of our message in a chat that the platform calls `provider_id`, one piece of it
    where it was sent in several."""
    names = col(Delivery.provider_id)
    query = (
        select(col(Delivery.message_id))
        .where(
            *of(Delivery, (identity.channel, identity.account)),
            Delivery.chat == identity.chat,
            or_(names == provider_id, names.startswith(f"{provider_id},"),
                names.endswith(f",{provider_id}"), names.contains(f",{provider_id},")),
        )
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )  # fmt: skip
    return session.exec(query).first()


def send_now(session: Session, message_id: int) -> None:
    """What the delivery of this message waited for is there."""
    for delivery in session.exec(select(Delivery).where(Delivery.message_id == message_id)):
        assert delivery.id is not None
        was = [Progress.QUEUED]
        change(session, Delivery, delivery.id, was, Progress.QUEUED, not_before=None)
        live.touch(session, live.sender(delivery.channel, delivery.account))


def held_delivery(session: Session, message_id: int) -> Delivery | None:
    """How far a message is, held until the commit; None where it is not pushed."""
    query = select(Delivery).where(Delivery.message_id == message_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()


def deliveries(
    session: Session, states: Sequence[str], limit: int, after: int = 0
) -> list[tuple[Delivery, Message]]:
    """Deliveries of all accounts in any of `states` with `id` greater than `after`."""
    query = (
        select(Delivery, Message)
        .join(Message, col(Message.id) == Delivery.message_id)
        .where(col(Delivery.state).in_(states), col(Delivery.id) > after)
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return list(session.exec(query))


def count_by_state(session: Session) -> dict[str, int]:
    """How many deliveries of all accounts are in each state."""
    query = select(Delivery.state, func.count(col(Delivery.id))).group_by(Delivery.state)
    return dict(session.exec(query).all())


def expire_waiting(session: Session, at: datetime, most: int) -> int:
    """Give up at most `most` deliveries that wait and are of no use any more: held ones, and
    queued ones whose account has gone. Returns how many."""
    is_held = and_(col(Delivery.state) == Progress.HELD, col(Delivery.useful_until) < at)
    is_left = and_(
        col(Delivery.state) == Progress.QUEUED, col(Delivery.useful_until) < at - LEFT_BEHIND
    )
    waits = or_(is_held, is_left)
    late = select(col(Delivery.id)).where(waits).limit(most)
    statement = (
        update(Delivery)
        .where(col(Delivery.id).in_(late), waits)  # nobody has taken it meanwhile
        .values(state=Progress.FAILED, reason="expired", updated_at=at)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(session, statement)


def forget_quotas(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` windows that closed before a moment. Returns how many."""
    return delete_some(session, col(Quota.id), most, col(Quota.closes_at) < before)


def quotas_of(session: Session, account: Account, chat: str) -> list[Quota]:
    """All windows of a chat, open or not."""
    query = select(Quota).where(
        Quota.channel == account[0], Quota.account == account[1], Quota.chat == chat
    )
    return list(session.exec(query))


def open_quotas(session: Session, account: Account, chat: str, at: datetime) -> list[Quota]:
    """A chat's windows that are open at a moment, the one that closes first first."""
    query = (
        select(Quota)
        .where(
            Quota.channel == account[0],
            Quota.account == account[1],
            Quota.chat == chat,
            col(Quota.closes_at) > at,
        )
        .order_by(col(Quota.closes_at))
        .with_for_update()
    )
    return list(session.exec(query))


def count_anew(session: Session, account: Account, chat: str, kind: str) -> None:
    """What was taken from a chat's window for messages that have not been sent is taken again."""
    statement = update(Delivery).where(
        *of(Delivery, account),
        col(Delivery.chat) == chat,
        col(Delivery.window) == kind,
        col(Delivery.counted) > 0,
    )
    session.execute(statement.values(counted=0).execution_options(synchronize_session="fetch"))


def find_quota(session: Session, account: Account, chat: str, kind: str) -> Quota | None:
    """A chat's window of one kind, open or not."""
    query = select(Quota).where(
        Quota.channel == account[0],
        Quota.account == account[1],
        Quota.chat == chat,
        Quota.kind == kind,
    )
    return session.exec(query.with_for_update()).one_or_none()
