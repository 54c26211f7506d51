"""Visits, and counts by the hour: what reports are made of, counted from messages by and by."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import select as select_columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, func, select

from storage.models.base import delete_some, json_field, moment
from storage.models.conversations import Conversation, Message
from storage.models.customers import Identity


class Visit(SQLModel, table=True):
    """A customer's coming with what they want, from their first message to their last.

    `day` and `hour` are the shop's, of the first message; `messages` are the customer's. Of the
    `questions` asked so many were `answered` by the bot; `is_open`: the last one was not. `entries`
    are the FAQ entries answered, each with when (ISO 8601). `handoff` is why a person came, and
    `is_held` says that one is still awaited or in charge. `outcome` follows from all of it, see
    `bot.insights.counting`. Of a visit with a person: seconds until their first answer, by the
    clock (`wait`) and in working time (`work`), and until the end (`whole`).
    """

    __table_args__ = (
        Index("ix_visit_chat", "identity_id", "id"),
        Index(
            "ix_visit_day", "day", "channel", "agent_id", "outcome", "handoff", "hour",
            "last_at", "wait", "work", "whole",
        ),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    identity_id: int = Field(foreign_key="identity.id")
    conversation_id: int = Field(foreign_key="conversation.id")
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    channel: str
    day: date
    hour: int
    started_at: datetime = moment()
    last_at: datetime = moment()
    first_message_id: int
    messages: int = 0
    questions: int = 0
    answered: int = 0
    is_open: bool = False
    is_held: bool = False
    is_unhelpful: bool = False
    came_back: bool = False
    rating: int | None = None
    handoff: str = ""
    outcome: str = ""
    wait: int | None = None
    work: int | None = None
    whole: int | None = None
    entries: dict[str, str] = json_field(default_factory=dict)


class Tally(SQLModel, table=True):
    """How often something happened on one of the shop's days.

    `kind` and `name`: `message` by its author, for each hour; `topic` by the FAQ entry, `opt_out`,
    for the whole day (`hour` 0). `agent_id` is 0 for what no agent did.
    """

    __table_args__ = (UniqueConstraint("kind", "day", "hour", "channel", "agent_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    day: date
    hour: int
    channel: str
    agent_id: int = 0
    kind: str
    name: str = ""
    number: int = 0


class Counted(SQLModel, table=True):
    """How far messages are counted: one row.

    All to `message_id` are counted, by the clocks of `zone` and by the `rules` of a version.
    `settled_id`: no message with a lower id will come any more, nor change; it was the newest at
    `settled_at`. `seen_id` was the newest at `seen_at`.
    """

    id: int = Field(default=1, primary_key=True)
    zone: str = ""
    rules: int = 0
    message_id: int = 0
    settled_id: int = 0
    settled_at: datetime | None = moment(nullable=True, default=None)
    seen_id: int = 0
    seen_at: datetime | None = moment(nullable=True, default=None)


@dataclass(frozen=True, slots=True)
class Said:
    """A message, as far as it is counted."""

    id: int
    conversation_id: int
    identity_id: int
    channel: str
    agent_id: int | None
    author: str
    verdict: Mapping[str, Any]
    reply_to: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What a conversation's row tells of it."""

    agent_id: int | None
    reason: str
    waiting_since: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None


def held_counted(session: Session) -> Counted:
    """How far it is, held until the commit; made when there is none."""
    query = select(Counted).with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        statement = _insert(session, Counted).values(
            id=1, zone="", rules=0, message_id=0, settled_id=0, seen_id=0
        )
        session.connection().execute(statement.on_conflict_do_nothing())
        found = session.exec(query).one()
    return found


def counted_until(session: Session) -> datetime | None:
    """Up to when everything is counted; None while nothing is, or there is much to catch up."""
    found = session.get(Counted, 1)
    return found.settled_at if found and found.message_id >= found.settled_id else None


def newest_message(session: Session) -> int:
    """The highest id of a message, 0 without any."""
    return session.exec(select(func.max(Message.id))).one() or 0


def forget_counts(session: Session, most: int) -> int:
    """Delete at most `most` visits and as many counts. Returns how many."""
    return delete_some(session, col(Visit.id), most) + delete_some(session, col(Tally.id), most)


def said(session: Session, after: int, until: int, most: int) -> list[Said]:
    """The oldest messages with ids from `after` (without it) to `until`."""
    query = (
        select_columns(
            col(Message.id), col(Message.conversation_id), col(Message.identity_id),
            col(Identity.channel), col(Message.agent_id), col(Message.author),
            col(Message.verdict), col(Message.reply_to), col(Message.created_at),
        )
        .join(Identity, col(Identity.id) == Message.identity_id)
        .where(col(Message.id) > after, col(Message.id) <= until)
        .order_by(col(Message.id))
        .limit(most)
    )  # fmt: skip
    return [
        Said(message, conversation, identity, channel, agent, author, verdict or {}, reply_to, at)
        for message, conversation, identity, channel, agent, author, verdict, reply_to, at
        in session.execute(query)
    ]  # fmt: skip


def facts_of(session: Session, conversation_ids: Collection[int]) -> dict[int, Facts]:
    """What the conversations' rows tell, by their ids."""
    query = select_columns(
        col(Conversation.id), col(Conversation.agent_id), col(Conversation.handoff_reason),
        col(Conversation.waiting_since), col(Conversation.first_response_at),
        col(Conversation.resolved_at),
    ).where(col(Conversation.id).in_(conversation_ids))  # fmt: skip
    return {row[0]: Facts(*row[1:]) for row in session.execute(query)}


def visits_of(
    session: Session, identity_ids: Collection[int], since: datetime
) -> dict[int, list[Visit]]:
    """The visits in these chats, oldest first: the newest of each, and those since a moment."""
    newest = (
        select_columns(func.max(Visit.id))
        .where(col(Visit.identity_id).in_(identity_ids))
        .group_by(col(Visit.identity_id))
    )
    query = (
        select(Visit)
        .where(
            col(Visit.identity_id).in_(identity_ids),
            (col(Visit.last_at) >= since) | col(Visit.id).in_(newest),
        )
        .order_by(col(Visit.id))
    )
    found: dict[int, list[Visit]] = {one: [] for one in identity_ids}
    for visit in session.exec(query):
        found[visit.identity_id].append(visit)
    return found


def visit_at(session: Session, identity_id: int, message_id: int) -> Visit | None:
    """The visit in a chat during which the message with this id was written."""
    query = (
        select(Visit)
        .where(Visit.identity_id == identity_id, col(Visit.first_message_id) <= message_id)
        .order_by(col(Visit.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def add_up(session: Session, counts: Sequence[Mapping[str, Any]]) -> None:
    """Add to the counts: rows of `Tally`, each with its `number` more."""
    if not counts:
        return
    statement = _insert(session, Tally)
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "day", "hour", "channel", "agent_id", "name"],
        set_={"number": SQLModel.metadata.tables["tally"].c.number + statement.excluded.number},
    )
    session.connection().execute(statement, list(counts))


def _insert(session: Session, table: type[SQLModel]) -> Any:
    is_postgres = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if is_postgres else sqlite.insert
    return insert(SQLModel.metadata.tables[str(table.__tablename__)])
